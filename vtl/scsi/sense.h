// Sense keys, additional sense codes, and fixed-format sense data (SPC-5).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::scsi {

enum class SenseKey : std::uint8_t {
    no_sense = 0x0,
    recovered_error = 0x1,
    not_ready = 0x2,
    medium_error = 0x3,
    hardware_error = 0x4,
    illegal_request = 0x5,
    unit_attention = 0x6,
    data_protect = 0x7,
    blank_check = 0x8,
    vendor_specific = 0x9,
    copy_aborted = 0xA,
    aborted_command = 0xB,
    volume_overflow = 0xD,
    miscompare = 0xE,
};

/// ASC and ASCQ in one: 0x3A00 is MEDIUM NOT PRESENT. Names are those of SPC-5, annex F.
struct AdditionalSense {
    std::uint16_t code = 0;

    [[nodiscard]] constexpr std::uint8_t asc() const noexcept {
        return static_cast<std::uint8_t>(code >> 8U);
    }
    [[nodiscard]] constexpr std::uint8_t ascq() const noexcept {
        return static_cast<std::uint8_t>(code & 0xFFU);
    }
    friend constexpr bool operator==(AdditionalSense, AdditionalSense) = default;
};

/// Where in the CDB or the parameter list the fault is (SPC-5); BPV with a bit number.
struct FieldPointer {
    bool in_cdb = true;
    std::uint16_t byte = 0;
    std::optional<std::uint8_t> bit;  ///< most significant bit of the field
};

struct Sense {
    SenseKey key = SenseKey::no_sense;
    AdditionalSense additional;
    bool filemark = false;
    bool end_of_medium = false;
    bool incorrect_length = false;
    std::optional<std::int64_t> information;  ///< set: VALID=1; a negative one as two's complement
    std::optional<FieldPointer> field;
    std::optional<std::uint16_t> progress;  ///< of an operation: PROGRESS INDICATION, of 65,536
    bool deferred = false;                  ///< of an operation whose command had its GOOD status
};

inline constexpr std::size_t kFixedSenseLength = 18;

/// Response code 70h (current) or 71h (deferred), additional length 0Ah: exactly 18 bytes.
[[nodiscard]] std::array<std::uint8_t, kFixedSenseLength> encode_fixed(const Sense& sense) noexcept;

/// Response code 72h (current) or 73h (deferred), with the descriptors that the sense data needs
/// (SPC-5, 4.4.2).
[[nodiscard]] Bytes encode_descriptor(const Sense& sense);

namespace asc {
inline constexpr AdditionalSense kNone{0x0000};
inline constexpr AdditionalSense kFilemarkDetected{0x0001};
inline constexpr AdditionalSense kEndOfPartitionMediumDetected{0x0002};
inline constexpr AdditionalSense kBeginningOfPartitionMediumDetected{0x0004};
inline constexpr AdditionalSense kEndOfDataDetected{0x0005};
inline constexpr AdditionalSense kProgrammableEarlyWarningDetected{0x0007};
inline constexpr AdditionalSense kOperationInProgress{0x0016};
inline constexpr AdditionalSense kEraseOperationInProgress{0x0018};
inline constexpr AdditionalSense kLocateOperationInProgress{0x0019};
inline constexpr AdditionalSense kRewindOperationInProgress{0x001A};
inline constexpr AdditionalSense kSetCapacityOperationInProgress{0x001B};
inline constexpr AdditionalSense kVerifyOperationInProgress{0x001C};
inline constexpr AdditionalSense kBecomingReady{0x0401};
inline constexpr AdditionalSense kInitializingCommandRequired{0x0402};
inline constexpr AdditionalSense kFormatInProgress{0x0404};
inline constexpr AdditionalSense kNotReadyOperationInProgress{0x0407};
inline constexpr AdditionalSense kWriteError{0x0C00};
inline constexpr AdditionalSense kAuxiliaryMemoryWriteError{0x0C0B};
inline constexpr AdditionalSense kInvalidFieldInCommandInformationUnit{0x0E03};
inline constexpr AdditionalSense kLogicalBlockGuardCheckFailed{0x1001};
inline constexpr AdditionalSense kUnrecoveredReadError{0x1100};
inline constexpr AdditionalSense kParameterListLengthError{0x1A00};
inline constexpr AdditionalSense kInvalidCommandOperationCode{0x2000};
inline constexpr AdditionalSense kInvalidElementAddress{0x2101};
inline constexpr AdditionalSense kInvalidFieldInCdb{0x2400};
inline constexpr AdditionalSense kLogicalUnitNotSupported{0x2500};
inline constexpr AdditionalSense kInvalidFieldInParameterList{0x2600};
inline constexpr AdditionalSense kInvalidReleaseOfPersistentReservation{0x2604};
inline constexpr AdditionalSense kWriteProtected{0x2700};
inline constexpr AdditionalSense kSoftwareWriteProtected{0x2702};
inline constexpr AdditionalSense kAssociatedWriteProtect{0x2703};
inline constexpr AdditionalSense kNotReadyToReadyChange{0x2800};
inline constexpr AdditionalSense kImportOrExportElementAccessed{0x2801};
inline constexpr AdditionalSense kPowerOnOccurred{0x2900};
inline constexpr AdditionalSense kBusDeviceResetFunctionOccurred{0x2903};
inline constexpr AdditionalSense kModeParametersChanged{0x2A01};
inline constexpr AdditionalSense kLogParametersChanged{0x2A02};
inline constexpr AdditionalSense kReservationsPreempted{0x2A03};
inline constexpr AdditionalSense kReservationsReleased{0x2A04};
inline constexpr AdditionalSense kRegistrationsPreempted{0x2A05};
inline constexpr AdditionalSense kTimestampChanged{0x2A10};
inline constexpr AdditionalSense kDataEncryptionParametersChangedByAnotherItNexus{0x2A11};
inline constexpr AdditionalSense kDataEncryptionKeyInstanceCounterHasChanged{0x2A13};
inline constexpr AdditionalSense kCommandSequenceError{0x2C00};
inline constexpr AdditionalSense kCommandsClearedByAnotherInitiator{0x2F00};
inline constexpr AdditionalSense kIncompatibleMediumInstalled{0x3000};
inline constexpr AdditionalSense kCannotReadMediumUnknownFormat{0x3001};
inline constexpr AdditionalSense kCleaningCartridgeInstalled{0x3003};
inline constexpr AdditionalSense kCannotWriteMediumIncompatibleFormat{0x3005};
inline constexpr AdditionalSense kCleaningFailure{0x3007};
inline constexpr AdditionalSense kWormMediumOverwriteAttempted{0x300C};
inline constexpr AdditionalSense kSavingParametersNotSupported{0x3900};
inline constexpr AdditionalSense kMediumNotPresent{0x3A00};
inline constexpr AdditionalSense kPositionPastBeginningOfMedium{0x3B0C};
inline constexpr AdditionalSense kMediumDestinationElementFull{0x3B0D};
inline constexpr AdditionalSense kMediumSourceElementEmpty{0x3B0E};
inline constexpr AdditionalSense kMediumMagazineNotAccessible{0x3B11};
inline constexpr AdditionalSense kDeviceIdentifierChanged{0x3F05};
inline constexpr AdditionalSense kInternalTargetFailure{0x4400};
inline constexpr AdditionalSense kCartridgeFault{0x5200};
inline constexpr AdditionalSense kMediaLoadOrEjectFailed{0x5300};
inline constexpr AdditionalSense kMediumRemovalPrevented{0x5302};
inline constexpr AdditionalSense kSystemBufferFull{0x5501};
inline constexpr AdditionalSense kInsufficientRegistrationResources{0x5504};
inline constexpr AdditionalSense kOperatorSelectedWriteProtect{0x5A02};
inline constexpr AdditionalSense kUnableToDecryptData{0x7401};
inline constexpr AdditionalSense kUnencryptedDataEncounteredWhileDecrypting{0x7402};
inline constexpr AdditionalSense kIncorrectDataEncryptionKey{0x7403};
inline constexpr AdditionalSense kCryptographicIntegrityValidationFailed{0x7404};
inline constexpr AdditionalSense kEncryptionModeMismatchOnRead{0x7409};
}  // namespace asc

}  // namespace tapeloft::vtl::scsi
