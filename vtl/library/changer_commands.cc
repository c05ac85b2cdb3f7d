// The command table of the media changer (SMC-3, clause 6, table 12).
#include <array>

#include "vtl/library/media_changer.h"

namespace tapeloft::vtl::library {

using scsi::CommandRow;
using scsi::Gate;
using scsi::handled_by;
using scsi::WhenReserved;
namespace opcode = scsi::opcode;
namespace service_action = scsi::service_action;

// The form with the range at the place where libraries of IBM and ADIC have it.
constexpr std::uint8_t kInitializeElementStatusWithRangeVendor = 0xE7;

// READ ELEMENT STATUS runs beside a move: the inventory is whole at any moment, and a host that
// polls must not wait for a drive. TEST UNIT READY likewise. Moves run beside moves: one that loads
// a drive must not hold up another drive (ElementLocks keeps apart those that need the same one).
struct MediaChanger::CommandTable {
    using C = MediaChanger;
    static constexpr auto kNone = service_action::kNone;
    static constexpr auto kPast = Gate::past_attention | Gate::concurrent;
    static constexpr auto kConflict = WhenReserved::conflict;
    static constexpr auto kAllowed = WhenReserved::allowed;
    // clang-format off
    static constexpr auto kRows = std::to_array<CommandRow>({
        {0x00, kNone, 6, {0x00}, Gate::concurrent, WhenReserved::conflicts_with_reserve, 60,
         handled_by<&C::test_unit_ready>(), "SPC-5, 6.47"},
        {opcode::kRequestSense, kNone, 6, {0x03, 0x01, 0x00, 0x00, 0xFF}, kPast, kAllowed, 60,
         handled_by<&C::request_sense>(), "SPC-5, 6.39"},
        {opcode::kInitializeElementStatus, kNone, 6, {0x07}, Gate::concurrent, kConflict, 1800,
         handled_by<&C::initialize_element_status>(), "SMC-3, 6.5"},
        {opcode::kInquiry, kNone, 6, {0x12, 0x01, 0xFF, 0xFF, 0xFF}, kPast, kAllowed, 60,
         handled_by<&C::inquiry>(), "SPC-5, 6.6"},
        {opcode::kModeSelect6, kNone, 6, {0x15, 0x11, 0x00, 0x00, 0xFF}, Gate::none, kConflict, 60,
         handled_by<&C::mode_select>(), "SPC-5, 6.14"},
        {opcode::kReserve6, kNone, 6, {0x16}, Gate::none, WhenReserved::reserve, 60,
         handled_by<&C::reserve>(), "SPC-2, 7.22"},
        {opcode::kRelease6, kNone, 6, {0x17}, Gate::none, WhenReserved::release, 60,
         handled_by<&C::release>(), "SPC-2, 7.17"},
        {opcode::kModeSense6, kNone, 6, {0x1A, 0x08, 0xFF, 0xFF, 0xFF}, Gate::concurrent, WhenReserved::allowed_to_read, 300,
         handled_by<&C::mode_sense>(), "SPC-5, 6.16"},
        {opcode::kOpenCloseImportExportElement, kNone, 6, {0x1B, 0x00, 0xFF, 0xFF, 0x1F}, Gate::none, kConflict, 60,
         handled_by<&C::open_close_import_export_element>(), "SMC-3, 6.8"},
        {opcode::kReceiveDiagnosticResults, kNone, 6, {0x1C, 0x01, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::allowed_to_read, 60,
         handled_by<&C::receive_diagnostic_results>(), "SPC-5, 6.32"},
        {opcode::kSendDiagnostic, kNone, 6, {0x1D, 0x17, 0x00, 0xFF, 0xFF}, Gate::none, kConflict, 600,
         handled_by<&C::send_diagnostic>(), "SPC-5, 6.45"},
        {opcode::kPreventAllowMediumRemoval, kNone, 6, {0x1E, 0x00, 0x00, 0x00, 0x01}, Gate::none,
         WhenReserved::allowed_to_undo, 60,
         handled_by<&C::prevent_allow_medium_removal>(), "SMC-3, 6.8"},
        {opcode::kPositionToElement, kNone, 10, {0x2B, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kConflict, 300,
         handled_by<&C::position_to_element>(), "SMC-3, 6.9"},
        {opcode::kInitializeElementStatusWithRange, kNone, 10, {0x37, 0x03, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF}, Gate::concurrent, kConflict, 1800,
         handled_by<&C::initialize_element_status_with_range>(), "SMC-3, 6.6"},
        {opcode::kWriteBuffer, kNone, 10, {0x3B, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, kConflict, 60,
         handled_by<&C::write_buffer>(), "SPC-5, 6.54"},
        {opcode::kReadBuffer, kNone, 10, {0x3C, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::allowed_to_read, 60,
         handled_by<&C::read_buffer>(), "SPC-5, 6.30"},
        {opcode::kLogSelect, kNone, 10, {0x4C, 0x02, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, kConflict, 60,
         handled_by<&C::log_select>(), "SPC-5, 6.7"},
        {opcode::kLogSense, kNone, 10, {0x4D, 0x00, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kAllowed, 60,
         handled_by<&C::log_sense_command>(), "SPC-5, 6.8"},
        {opcode::kModeSelect10, kNone, 10, {0x55, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, kConflict, 60,
         handled_by<&C::mode_select>(), "SPC-5, 6.15"},
        {opcode::kReserve10, kNone, 10, {0x56}, Gate::none, WhenReserved::reserve, 60,
         handled_by<&C::reserve>(), "SPC-2, 7.21"},
        {opcode::kRelease10, kNone, 10, {0x57}, Gate::none, WhenReserved::release, 60,
         handled_by<&C::release>(), "SPC-2, 7.16"},
        {opcode::kModeSense10, kNone, 10, {0x5A, 0x18, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::concurrent, WhenReserved::allowed_to_read, 300,
         handled_by<&C::mode_sense>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveIn, service_action::kReadKeys, 10, {0x5E, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, service_action::kReadReservation, 10, {0x5E, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, service_action::kReportCapabilities, 10, {0x5E, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveIn, service_action::kReadFullStatus, 10, {0x5E, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_in>(), "SPC-5, 6.16"},
        {opcode::kPersistentReserveOut, service_action::kRegister, 10, {0x5F, 0x00, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kReserve, 10, {0x5F, 0x01, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kRelease, 10, {0x5F, 0x02, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kClear, 10, {0x5F, 0x03, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kPreempt, 10, {0x5F, 0x04, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kPreemptAndAbort, 10, {0x5F, 0x05, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kRegisterAndIgnoreExistingKey, 10, {0x5F, 0x06, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kPersistentReserveOut, service_action::kRegisterAndMove, 10, {0x5F, 0x07, 0xFF, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, WhenReserved::persistent_reserve, 60,
         handled_by<&C::persistent_reserve_out>(), "SPC-5, 6.17"},
        {opcode::kReportLuns, kNone, 12, {0xA0, 0x00, 0xFF, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, kPast, kAllowed, 60,
         handled_by<&C::report_luns>(), "SPC-5, 6.33"},
        {opcode::kMaintenanceIn, service_action::kReportIdentifyingInformation, 12,
         {0xA3, 0x05, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, Gate::none, kAllowed, 60,
         handled_by<&C::report_identifying_information>(), "SPC-5, 6.34"},
        {opcode::kMaintenanceIn, service_action::kReportTargetPortGroups, 12,
         {0xA3, 0xEA, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kAllowed, 60,
         handled_by<&C::report_target_port_groups>(), "SPC-5, 6.42"},
        {opcode::kMaintenanceIn, service_action::kReportSupportedOperationCodes, 12,
         {0xA3, 0x0C, 0x87, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kAllowed, 60,
         handled_by<&C::supported_operation_codes>(), "SPC-5, 6.35"},
        {opcode::kMaintenanceIn, service_action::kReportSupportedTaskManagementFunctions, 12,
         {0xA3, 0x0D, 0x80, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kAllowed, 60,
         handled_by<&C::report_supported_task_management_functions>(), "SPC-5, 6.41"},
        {opcode::kMaintenanceIn, service_action::kReportTimestamp, 12,
         {0xA3, 0x0F, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kAllowed, 60,
         handled_by<&C::report_timestamp>(), "SPC-5, 6.43"},
        {opcode::kMaintenanceOut, service_action::kSetIdentifyingInformation, 12,
         {0xA4, 0x06, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE}, Gate::none, kConflict, 60,
         handled_by<&C::set_identifying_information>(), "SPC-5, 6.47"},
        {opcode::kMaintenanceOut, service_action::kSetTimestamp, 12,
         {0xA4, 0x0F, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::none, kConflict, 60,
         handled_by<&C::set_timestamp>(), "SPC-5, 6.48"},
        {opcode::kMoveMedium, kNone, 12, {0xA5, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::shared, kConflict, 600,
         handled_by<&C::move_medium>(), "SMC-3, 6.7"},
        {opcode::kExchangeMedium, kNone, 12, {0xA6, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::shared, kConflict, 1200,
         handled_by<&C::exchange_medium>(), "SMC-3, 6.3"},
        {opcode::kRequestVolumeElementAddress, kNone, 12, {0xB5, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0xFF, 0xFF, 0xFF}, Gate::concurrent, kConflict, 300,
         handled_by<&C::request_volume_element_address>(), "SMC-3, 6.14"},
        {opcode::kSendVolumeTag, kNone, 12, {0xB6, 0x0F, 0xFF, 0xFF, 0x00, 0x1F, 0x00, 0x00, 0xFF, 0xFF}, Gate::shared, kConflict, 300,
         handled_by<&C::send_volume_tag>(), "SMC-3, 6.15"},
        {opcode::kReadElementStatus, kNone, 12, {0xB8, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x03, 0xFF, 0xFF, 0xFF}, Gate::concurrent, WhenReserved::allowed_of_current_data, 300,
         handled_by<&C::read_element_status>(), "SMC-3, 6.11"},
        {kInitializeElementStatusWithRangeVendor, kNone, 10, {0xE7, 0x01, 0xFF, 0xFF, 0x00, 0x00, 0xFF, 0xFF}, Gate::concurrent, kConflict, 1800,
         handled_by<&C::initialize_element_status_with_range>(), "vendor"},
    });
    // clang-format on
};

std::span<const CommandRow> MediaChanger::commands() noexcept {
    static_assert(scsi::sorted_and_unique(CommandTable::kRows));
    return CommandTable::kRows;
}

}  // namespace tapeloft::vtl::library
