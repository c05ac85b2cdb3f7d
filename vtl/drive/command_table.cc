// The commands of a drive as rows (SSC-5, SPC-5).
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {

using scsi::CommandRow;
using scsi::Gate;
using scsi::handled_by;
namespace opcode = scsi::opcode;
namespace action = scsi::service_action;

/// A member, as the handlers are.
struct TapeDrive::CommandTable {
    using enum scsi::WhenReserved;
    static constexpr auto kNoAction = action::kNone;
    static constexpr auto kPasses = Gate::past_attention | Gate::concurrent;
    static constexpr auto kMedium = Gate::medium;
    static constexpr auto kWritable = Gate::medium | Gate::writable;
    static constexpr auto kOverwrites = Gate::medium | Gate::writable | Gate::overwrites;
    static constexpr auto kNone = Gate::none;
    static constexpr auto kPosition = Gate::medium | Gate::beside_others;
    // clang-format off
    static constexpr auto kCommands = std::to_array<CommandRow>({
        // opcode, service action, CDB length, CDB usage data, gates, when reserved, seconds, handler, clause, IMMED bit in byte 1
        {opcode::kTestUnitReady,   kNoAction,  6, {0x00}, kMedium | Gate::beside_operation | Gate::beside_others, conflicts_with_reserve, 30, handled_by<&TapeDrive::test_unit_ready>(), "SPC-5, TEST UNIT READY"},
        {opcode::kRewind,          kNoAction,  6, {0x01, 0x01}, kMedium, conflict, 600, handled_by<&TapeDrive::rewind>(), "SSC-5, REWIND", 0x01},
        {opcode::kRequestSense,    kNoAction,  6, {0x03, 0x01, 0, 0, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::request_sense>(), "SPC-5, REQUEST SENSE"},
        {opcode::kFormatMedium,    kNoAction,  6, {0x04, 0x03, 0x0F}, kWritable, conflict, 7200, handled_by<&TapeDrive::format_medium>(), "SSC-5, FORMAT MEDIUM", 0x01},
        {opcode::kReadBlockLimits, kNoAction,  6, {0x05}, kNone, allowed, 30, handled_by<&TapeDrive::read_block_limits>(), "SSC-5, READ BLOCK LIMITS"},
        {opcode::kRead6,           kNoAction,  6, {0x08, 0x03, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::read>(), "SSC-5, READ(6)"},
        {opcode::kWrite6,          kNoAction,  6, {0x0A, 0x01, 0xFF, 0xFF, 0xFF}, kOverwrites, conflict, 600, handled_by<&TapeDrive::write>(), "SSC-5, WRITE(6)"},
        {opcode::kSetCapacity,     kNoAction,  6, {0x0B, 0x01, 0, 0xFF, 0xFF}, kWritable, conflict, 7200, handled_by<&TapeDrive::set_capacity>(), "SSC-5, SET CAPACITY", 0x01},
        {opcode::kWriteFilemarks6, kNoAction,  6, {0x10, 0x01, 0xFF, 0xFF, 0xFF}, kMedium | Gate::overwrites, conflict, 600, handled_by<&TapeDrive::write_filemarks>(), "SSC-5, WRITE FILEMARKS(6)"},
        {opcode::kSpace6,          kNoAction,  6, {0x11, 0x0F, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::space_6>(), "SSC-5, SPACE(6)"},
        {opcode::kInquiry,         kNoAction,  6, {0x12, 0x01, 0xFF, 0xFF, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::inquiry>(), "SPC-5, INQUIRY"},
        {opcode::kVerify6,         kNoAction,  6, {0x13, 0x2D, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 7200, handled_by<&TapeDrive::verify>(), "SSC-5, VERIFY(6)", 0x04},
        {opcode::kModeSelect6,     kNoAction,  6, {0x15, 0x11, 0, 0, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_select>(), "SPC-5, MODE SELECT(6)"},
        {opcode::kReserve6,        kNoAction,  6, {0x16}, kNone, reserve, 30, handled_by<&TapeDrive::reserve>(), "SPC-2, RESERVE(6)"},
        {opcode::kRelease6,        kNoAction,  6, {0x17}, kNone, release, 30, handled_by<&TapeDrive::release>(), "SPC-2, RELEASE(6)"},
        {opcode::kErase6,          kNoAction,  6, {0x19, 0x03}, kOverwrites, conflict, 600, handled_by<&TapeDrive::erase>(), "SSC-5, ERASE(6)", 0x02},
        {opcode::kModeSense6,      kNoAction,  6, {0x1A, 0x08, 0xFF, 0xFF, 0xFF}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::mode_sense>(), "SPC-5, MODE SENSE(6)"},
        {opcode::kLoadUnload,      kNoAction,  6, {0x1B, 0x01, 0, 0, 0x0F}, kNone, conflict, 600, handled_by<&TapeDrive::load_unload>(), "SSC-5, LOAD UNLOAD", 0x01},
        {opcode::kReceiveDiagnosticResults, kNoAction, 6, {0x1C, 0x01, 0xFF, 0xFF, 0xFF}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::receive_diagnostic_results>(), "SPC-5, RECEIVE DIAGNOSTIC RESULTS"},
        {opcode::kSendDiagnostic,  kNoAction,  6, {0x1D, 0x17, 0, 0xFF, 0xFF}, kNone, conflict, 600, handled_by<&TapeDrive::send_diagnostic>(), "SPC-5, SEND DIAGNOSTIC"},
        {opcode::kPreventAllowMediumRemoval, kNoAction, 6, {0x1E, 0, 0, 0, 0x01}, kNone, allowed_to_undo, 60, handled_by<&TapeDrive::prevent_allow_medium_removal>(), "SSC-5, PREVENT ALLOW MEDIUM REMOVAL"},
        {opcode::kLocate10,        kNoAction, 10, {0x2B, 0x07, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::locate_10>(), "SSC-5, LOCATE(10)", 0x01},
        {opcode::kReadPosition, action::kReadPositionShortForm, 10, {0x34, 0x00}, kPosition, conflict, 30, handled_by<&TapeDrive::read_position_short>(), "SSC-5, READ POSITION, short form"},
        {opcode::kReadPosition, action::kReadPositionShortFormVendorSpecific, 10, {0x34, 0x01}, kPosition, conflict, 30, handled_by<&TapeDrive::read_position_short>(), "SSC-5, READ POSITION, short form, obsolete code"},
        {opcode::kReadPosition, action::kReadPositionLongForm, 10, {0x34, 0x06}, kPosition, conflict, 30, handled_by<&TapeDrive::read_position_long>(), "SSC-5, READ POSITION, long form"},
        {opcode::kReadPosition, action::kReadPositionExtendedForm, 10, {0x34, 0x08, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kPosition, conflict, 30, handled_by<&TapeDrive::read_position_extended>(), "SSC-5, READ POSITION, extended form"},
        {opcode::kWriteBuffer,     kNoAction, 10, {0x3B, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::write_buffer>(), "SPC-5, WRITE BUFFER"},
        {opcode::kReadBuffer,      kNoAction, 10, {0x3C, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_buffer>(), "SPC-5, READ BUFFER(10)"},
        {opcode::kReportDensitySupport, kNoAction, 10, {0x44, 0x03, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, allowed, 60, handled_by<&TapeDrive::report_density_support>(), "SSC-5, REPORT DENSITY SUPPORT"},
        {opcode::kLogSelect,       kNoAction, 10, {0x4C, 0x02, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::log_select>(), "SPC-5, LOG SELECT"},
        {opcode::kLogSense,        kNoAction, 10, {0x4D, 0, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::log_sense_command>(), "SPC-5, LOG SENSE"},
        {opcode::kModeSelect10,    kNoAction, 10, {0x55, 0x11, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_select>(), "SPC-5, MODE SELECT(10)"},
        {opcode::kReserve10,       kNoAction, 10, {0x56}, kNone, reserve, 30, handled_by<&TapeDrive::reserve>(), "SPC-2, RESERVE(10)"},
        {opcode::kRelease10,       kNoAction, 10, {0x57}, kNone, release, 30, handled_by<&TapeDrive::release>(), "SPC-2, RELEASE(10)"},
        {opcode::kModeSense10,     kNoAction, 10, {0x5A, 0x18, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::mode_sense>(), "SPC-5, MODE SENSE(10)"},
        {opcode::kPersistentReserveIn, action::kReadKeys, 10, {0x5E, 0x00, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, action::kReadReservation, 10, {0x5E, 0x01, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, action::kReportCapabilities, 10, {0x5E, 0x02, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, action::kReadFullStatus, 10, {0x5E, 0x03, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveOut, action::kRegister, 10, {0x5F, 0x00, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kReserve, 10, {0x5F, 0x01, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kRelease, 10, {0x5F, 0x02, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kClear, 10, {0x5F, 0x03, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kPreempt, 10, {0x5F, 0x04, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kPreemptAndAbort, 10, {0x5F, 0x05, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kRegisterAndIgnoreExistingKey, 10, {0x5F, 0x06, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, action::kRegisterAndMove, 10, {0x5F, 0x07, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, persistent_reserve, 30, handled_by<&TapeDrive::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kAllowOverwrite,  kNoAction, 16, {0x82, 0, 0x0F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kWritable, conflict, 60, handled_by<&TapeDrive::allow_overwrite>(), "SSC-5, ALLOW OVERWRITE"},
        {opcode::kReadAttribute, action::kAttributeValues, 16, {0x8C, 0x00, 0, 0, 0, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_attribute>(), "SPC-5, READ ATTRIBUTE"},
        {opcode::kReadAttribute, action::kAttributeList, 16, {0x8C, 0x01, 0, 0, 0, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_attribute>(), "SPC-5, READ ATTRIBUTE"},
        {opcode::kReadAttribute, action::kLogicalVolumeList, 16, {0x8C, 0x02, 0, 0, 0, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_attribute>(), "SPC-5, READ ATTRIBUTE"},
        {opcode::kReadAttribute, action::kPartitionList, 16, {0x8C, 0x03, 0, 0, 0, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_attribute>(), "SPC-5, READ ATTRIBUTE"},
        {opcode::kReadAttribute, action::kSupportedAttributes, 16, {0x8C, 0x05, 0, 0, 0, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01}, kNone, allowed_to_read, 60, handled_by<&TapeDrive::read_attribute>(), "SPC-5, READ ATTRIBUTE"},
        {opcode::kWriteAttribute,  kNoAction, 16, {0x8D, 0x01, 0, 0, 0, 0xFF, 0, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kWritable, conflict, 60, handled_by<&TapeDrive::write_attribute>(), "SPC-5, WRITE ATTRIBUTE"},
        {opcode::kSpace16,         kNoAction, 16, {0x91, 0x0F, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::space_16>(), "SSC-5, SPACE(16)"},
        {opcode::kLocate16,        kNoAction, 16, {0x92, 0x3B, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::locate_16>(), "SSC-5, LOCATE(16)", 0x01},
        {opcode::kReportLuns,      kNoAction, 12, {0xA0, 0, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::report_luns>(), "SPC-5, REPORT LUNS"},
        {opcode::kSecurityProtocolIn, kNoAction, 12, {0xA2, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::security_protocol_in>(), "SPC-5, SECURITY PROTOCOL IN"},
        {opcode::kMaintenanceIn, action::kReportIdentifyingInformation, 12, {0xA3, 0x05, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, kNone, allowed, 60, handled_by<&TapeDrive::report_identifying_information>(), "SPC-5, REPORT IDENTIFYING INFORMATION"},
        {opcode::kMaintenanceIn, action::kReportTargetPortGroups, 12, {0xA3, 0xEA, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::report_target_port_groups>(), "SPC-5, REPORT TARGET PORT GROUPS"},
        {opcode::kMaintenanceIn, action::kReportSupportedOperationCodes, 12, {0xA3, 0x0C, 0x87, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::supported_operation_codes>(), "SPC-5, REPORT SUPPORTED OPERATION CODES"},
        {opcode::kMaintenanceIn, action::kReportSupportedTaskManagementFunctions, 12, {0xA3, 0x0D, 0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::report_supported_task_management_functions>(), "SPC-5, REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS"},
        {opcode::kMaintenanceIn, action::kReportTimestamp, 12, {0xA3, 0x0F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::report_timestamp>(), "SPC-5, REPORT TIMESTAMP"},
        {opcode::kMaintenanceOut, action::kSetIdentifyingInformation, 12, {0xA4, 0x06, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, kNone, conflict, 60, handled_by<&TapeDrive::set_identifying_information>(), "SPC-5, SET IDENTIFYING INFORMATION"},
        {opcode::kMaintenanceOut, action::kSetTimestamp, 12, {0xA4, 0x0F, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::set_timestamp>(), "SPC-5, SET TIMESTAMP"},
        {opcode::kServiceActionIn12, action::kReadMediaSerialNumber, 12, {0xAB, 0x01, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kMedium, allowed, 30, handled_by<&TapeDrive::read_media_serial_number>(), "SPC-5, READ MEDIA SERIAL NUMBER"},
        {opcode::kSecurityProtocolOut, kNoAction, 12, {0xB5, 0xFF, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::security_protocol_out>(), "SPC-5, SECURITY PROTOCOL OUT"},
    });
    // clang-format on
};

std::span<const CommandRow> TapeDrive::commands() noexcept {
    static_assert(scsi::sorted_and_unique(CommandTable::kCommands));
    return CommandTable::kCommands;
}

}  // namespace tapeloft::vtl::drive
