// Operation codes and service actions, by their T10 names.
#pragma once

#include <cstdint>

namespace tapeloft::vtl::scsi::opcode {

inline constexpr std::uint8_t kTestUnitReady = 0x00;
inline constexpr std::uint8_t kRewind = 0x01;
inline constexpr std::uint8_t kRequestSense = 0x03;
inline constexpr std::uint8_t kFormatMedium = 0x04;
inline constexpr std::uint8_t kReadBlockLimits = 0x05;
inline constexpr std::uint8_t kInitializeElementStatus = 0x07;
inline constexpr std::uint8_t kRead6 = 0x08;
inline constexpr std::uint8_t kWrite6 = 0x0A;
inline constexpr std::uint8_t kSetCapacity = 0x0B;
inline constexpr std::uint8_t kWriteFilemarks6 = 0x10;
inline constexpr std::uint8_t kSpace6 = 0x11;
inline constexpr std::uint8_t kInquiry = 0x12;
inline constexpr std::uint8_t kVerify6 = 0x13;
inline constexpr std::uint8_t kModeSelect6 = 0x15;
inline constexpr std::uint8_t kReserve6 = 0x16;
inline constexpr std::uint8_t kRelease6 = 0x17;
inline constexpr std::uint8_t kErase6 = 0x19;
inline constexpr std::uint8_t kModeSense6 = 0x1A;
inline constexpr std::uint8_t kLoadUnload = 0x1B;                    // sequential access
inline constexpr std::uint8_t kOpenCloseImportExportElement = 0x1B;  // media changer
inline constexpr std::uint8_t kReceiveDiagnosticResults = 0x1C;
inline constexpr std::uint8_t kSendDiagnostic = 0x1D;
inline constexpr std::uint8_t kPreventAllowMediumRemoval = 0x1E;
inline constexpr std::uint8_t kLocate10 = 0x2B;           // sequential access
inline constexpr std::uint8_t kPositionToElement = 0x2B;  // media changer
inline constexpr std::uint8_t kReadPosition = 0x34;
inline constexpr std::uint8_t kInitializeElementStatusWithRange = 0x37;
inline constexpr std::uint8_t kWriteBuffer = 0x3B;
inline constexpr std::uint8_t kReadBuffer = 0x3C;
inline constexpr std::uint8_t kReportDensitySupport = 0x44;
inline constexpr std::uint8_t kLogSelect = 0x4C;
inline constexpr std::uint8_t kLogSense = 0x4D;
inline constexpr std::uint8_t kModeSelect10 = 0x55;
inline constexpr std::uint8_t kReserve10 = 0x56;
inline constexpr std::uint8_t kRelease10 = 0x57;
inline constexpr std::uint8_t kModeSense10 = 0x5A;
inline constexpr std::uint8_t kPersistentReserveIn = 0x5E;
inline constexpr std::uint8_t kPersistentReserveOut = 0x5F;
inline constexpr std::uint8_t kAllowOverwrite = 0x82;
inline constexpr std::uint8_t kReadAttribute = 0x8C;
inline constexpr std::uint8_t kWriteAttribute = 0x8D;
inline constexpr std::uint8_t kSpace16 = 0x91;
inline constexpr std::uint8_t kLocate16 = 0x92;
inline constexpr std::uint8_t kReportLuns = 0xA0;
inline constexpr std::uint8_t kSecurityProtocolIn = 0xA2;
inline constexpr std::uint8_t kMaintenanceIn = 0xA3;
inline constexpr std::uint8_t kMaintenanceOut = 0xA4;
inline constexpr std::uint8_t kMoveMedium = 0xA5;
inline constexpr std::uint8_t kExchangeMedium = 0xA6;
inline constexpr std::uint8_t kServiceActionIn12 = 0xAB;
inline constexpr std::uint8_t kSecurityProtocolOut = 0xB5;
inline constexpr std::uint8_t kRequestVolumeElementAddress = 0xB5;  // media changer
inline constexpr std::uint8_t kSendVolumeTag = 0xB6;
inline constexpr std::uint8_t kReadElementStatus = 0xB8;

}  // namespace tapeloft::vtl::scsi::opcode

namespace tapeloft::vtl::scsi::service_action {

inline constexpr std::int16_t kNone = -1;  ///< the operation code has no service actions
inline constexpr std::int16_t kReportIdentifyingInformation = 0x05;  // MAINTENANCE IN
inline constexpr std::int16_t kReportTargetPortGroups = 0x0A;
inline constexpr std::int16_t kReportSupportedOperationCodes = 0x0C;
inline constexpr std::int16_t kReportSupportedTaskManagementFunctions = 0x0D;
inline constexpr std::int16_t kReportTimestamp = 0x0F;
inline constexpr std::int16_t kSetIdentifyingInformation = 0x06;  // MAINTENANCE OUT
inline constexpr std::int16_t kSetTimestamp = 0x0F;
inline constexpr std::int16_t kReadKeys = 0x00;  // PERSISTENT RESERVE IN
inline constexpr std::int16_t kReadReservation = 0x01;
inline constexpr std::int16_t kReportCapabilities = 0x02;
inline constexpr std::int16_t kReadFullStatus = 0x03;
inline constexpr std::int16_t kRegister = 0x00;  // PERSISTENT RESERVE OUT
inline constexpr std::int16_t kReserve = 0x01;
inline constexpr std::int16_t kRelease = 0x02;
inline constexpr std::int16_t kClear = 0x03;
inline constexpr std::int16_t kPreempt = 0x04;
inline constexpr std::int16_t kPreemptAndAbort = 0x05;
inline constexpr std::int16_t kRegisterAndIgnoreExistingKey = 0x06;
inline constexpr std::int16_t kRegisterAndMove = 0x07;
inline constexpr std::int16_t kReadPositionShortForm = 0x00;
inline constexpr std::int16_t kReadPositionShortFormVendorSpecific = 0x01;
inline constexpr std::int16_t kReadPositionLongForm = 0x06;
inline constexpr std::int16_t kReadPositionExtendedForm = 0x08;
inline constexpr std::int16_t kAttributeValues = 0x00;  // READ ATTRIBUTE
inline constexpr std::int16_t kAttributeList = 0x01;
inline constexpr std::int16_t kLogicalVolumeList = 0x02;
inline constexpr std::int16_t kPartitionList = 0x03;
inline constexpr std::int16_t kSupportedAttributes = 0x05;
inline constexpr std::int16_t kReadMediaSerialNumber = 0x01;  // SERVICE ACTION IN(12)

}  // namespace tapeloft::vtl::scsi::service_action
