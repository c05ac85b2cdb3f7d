#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

constexpr std::uint8_t kDataCompression = 0x0F;
constexpr std::uint8_t kMediumConfiguration = 0x1D;

// Mode pages (SPC-5; SSC-5): parameters behind the page header.
std::vector<scsi::ModePage> default_mode_pages() {
    Bytes compression = {0xC0, 0x80, 0, 0, 0, 1, 0,
                         0,    0,    1, 0, 0, 0, 0};  // DCE DCC, DDE, algorithms
    Bytes compression_changeable(14);
    compression_changeable[0] = 0x80;  // DCE
    Bytes configuration(14);
    configuration[6] = 0x40;   // LOIS: READ POSITION works
    configuration[8] = 0x18;   // EEG, SEW: early warning writes out the buffer
    configuration[12] = 0x01;  // data compression page in force
    Bytes informational(10);
    informational[0] = 0x08;  // DEXCPT: TapeAlert by LOG SENSE alone
    // clang-format off
    return {
        {0x01, 0, Bytes(10), {}},                                          // read-write error recovery
        {0x02, 0, Bytes(14), {}},                                          // disconnect-reconnect
        {0x0A, 0, Bytes(10), {}},                                          // control
        {kDataCompression, 0, std::move(compression), std::move(compression_changeable)},
        {0x10, 0, std::move(configuration), {}},                           // device configuration
        {0x1C, 0, std::move(informational), {}},                           // informational exceptions
        {kMediumConfiguration, 0, Bytes(30), {}},                          // not WORM
    };
    // clang-format on
}

}  // namespace

std::string_view to_string(LoadState state) noexcept {
    switch (state) {
        case LoadState::empty:
            return "empty";
        case LoadState::ejected:
            return "ejected";
        case LoadState::held:
            return "held";
        case LoadState::loaded:
            return "loaded";
    }
    return "";
}

std::string_view to_string(Activity activity) noexcept {
    switch (activity) {
        case Activity::none:
            return "idle";
        case Activity::loading:
            return "loading";
        case Activity::unloading:
            return "unloading";
        case Activity::other:
            return "busy";
        case Activity::reading:
            return "reading";
        case Activity::writing:
            return "writing";
        case Activity::locating:
            return "locating";
        case Activity::rewinding:
            return "rewinding";
        case Activity::erasing:
            return "erasing";
        case Activity::formatting:
            return "formatting";
    }
    return "";
}

std::span<const scsi::CommandRow> TapeDrive::commands() noexcept {
    using scsi::CommandRow;
    using scsi::Gate;
    using scsi::handled_by;
    using enum scsi::WhenReserved;
    namespace opcode = scsi::opcode;
    namespace action = scsi::service_action;
    constexpr auto kNoAction = action::kNone;
    constexpr auto kPasses = Gate::past_attention | Gate::concurrent;
    constexpr auto kMedium = Gate::medium;
    constexpr auto kWritable = Gate::medium | Gate::writable;
    constexpr auto kNone = Gate::none;
    // clang-format off
    static constexpr auto kCommands = std::to_array<CommandRow>({
        // opcode, service action, CDB length, CDB usage data, gates, when reserved, seconds, handler, clause
        {opcode::kTestUnitReady,   kNoAction,  6, {0x00}, kMedium, conflict, 30, handled_by<&TapeDrive::test_unit_ready>(), "SPC-5, TEST UNIT READY"},
        {opcode::kRewind,          kNoAction,  6, {0x01, 0x01}, kMedium, conflict, 600, handled_by<&TapeDrive::rewind>(), "SSC-5, REWIND"},
        {opcode::kRequestSense,    kNoAction,  6, {0x03, 0, 0, 0, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::request_sense>(), "SPC-5, REQUEST SENSE"},
        {opcode::kFormatMedium,    kNoAction,  6, {0x04, 0x03, 0x0F}, kWritable, conflict, 7200, handled_by<&TapeDrive::format_medium>(), "SSC-5, FORMAT MEDIUM"},
        {opcode::kReadBlockLimits, kNoAction,  6, {0x05}, kNone, allowed, 30, handled_by<&TapeDrive::read_block_limits>(), "SSC-5, READ BLOCK LIMITS"},
        {opcode::kRead6,           kNoAction,  6, {0x08, 0x03, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::read>(), "SSC-5, READ(6)"},
        {opcode::kWrite6,          kNoAction,  6, {0x0A, 0x01, 0xFF, 0xFF, 0xFF}, kWritable, conflict, 600, handled_by<&TapeDrive::write>(), "SSC-5, WRITE(6)"},
        {opcode::kWriteFilemarks6, kNoAction,  6, {0x10, 0x01, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::write_filemarks>(), "SSC-5, WRITE FILEMARKS(6)"},
        {opcode::kSpace6,          kNoAction,  6, {0x11, 0x0F, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::space_6>(), "SSC-5, SPACE(6)"},
        {opcode::kInquiry,         kNoAction,  6, {0x12, 0x01, 0xFF, 0xFF, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::inquiry>(), "SPC-5, INQUIRY"},
        {opcode::kModeSelect6,     kNoAction,  6, {0x15, 0x11, 0, 0, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_select>(), "SPC-5, MODE SELECT(6)"},
        {opcode::kReserve6,        kNoAction,  6, {0x16}, kNone, conflict, 30, handled_by<&TapeDrive::reserve>(), "SPC-2, RESERVE(6)"},
        {opcode::kRelease6,        kNoAction,  6, {0x17}, kNone, allowed, 30, handled_by<&TapeDrive::release>(), "SPC-2, RELEASE(6)"},
        {opcode::kErase6,          kNoAction,  6, {0x19, 0x03}, kWritable, conflict, 600, handled_by<&TapeDrive::erase>(), "SSC-5, ERASE(6)"},
        {opcode::kModeSense6,      kNoAction,  6, {0x1A, 0x08, 0xFF, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_sense>(), "SPC-5, MODE SENSE(6)"},
        {opcode::kLoadUnload,      kNoAction,  6, {0x1B, 0x01, 0, 0, 0x0F}, kNone, conflict, 600, handled_by<&TapeDrive::load_unload>(), "SSC-5, LOAD UNLOAD"},
        {opcode::kPreventAllowMediumRemoval, kNoAction, 6, {0x1E, 0, 0, 0, 0x01}, kNone, allowed_to_undo, 60, handled_by<&TapeDrive::prevent_allow_medium_removal>(), "SSC-5, PREVENT ALLOW MEDIUM REMOVAL"},
        {opcode::kLocate10,        kNoAction, 10, {0x2B, 0x07, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::locate_10>(), "SSC-5, LOCATE(10)"},
        {opcode::kReadPosition, action::kReadPositionShortForm, 10, {0x34, 0x00}, kMedium, conflict, 30, handled_by<&TapeDrive::read_position_short>(), "SSC-5, READ POSITION, short form"},
        {opcode::kReadPosition, action::kReadPositionShortFormVendorSpecific, 10, {0x34, 0x01}, kMedium, conflict, 30, handled_by<&TapeDrive::read_position_short>(), "SSC-5, READ POSITION, short form, obsolete code"},
        {opcode::kReadPosition, action::kReadPositionLongForm, 10, {0x34, 0x06}, kMedium, conflict, 30, handled_by<&TapeDrive::read_position_long>(), "SSC-5, READ POSITION, long form"},
        {opcode::kReadPosition, action::kReadPositionExtendedForm, 10, {0x34, 0x08, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kMedium, conflict, 30, handled_by<&TapeDrive::read_position_extended>(), "SSC-5, READ POSITION, extended form"},
        {opcode::kReportDensitySupport, kNoAction, 10, {0x44, 0x01, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, allowed, 60, handled_by<&TapeDrive::report_density_support>(), "SSC-5, REPORT DENSITY SUPPORT"},
        {opcode::kLogSense,        kNoAction, 10, {0x4D, 0, 0xFF, 0xFF, 0, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::log_sense_command>(), "SPC-5, LOG SENSE"},
        {opcode::kModeSelect10,    kNoAction, 10, {0x55, 0x11, 0, 0, 0, 0, 0, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_select>(), "SPC-5, MODE SELECT(10)"},
        {opcode::kReserve10,       kNoAction, 10, {0x56}, kNone, conflict, 30, handled_by<&TapeDrive::reserve>(), "SPC-2, RESERVE(10)"},
        {opcode::kRelease10,       kNoAction, 10, {0x57}, kNone, allowed, 30, handled_by<&TapeDrive::release>(), "SPC-2, RELEASE(10)"},
        {opcode::kModeSense10,     kNoAction, 10, {0x5A, 0x18, 0xFF, 0xFF, 0, 0, 0, 0xFF, 0xFF}, kNone, conflict, 60, handled_by<&TapeDrive::mode_sense>(), "SPC-5, MODE SENSE(10)"},
        {opcode::kSpace16,         kNoAction, 16, {0x91, 0x0F, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::space_16>(), "SSC-5, SPACE(16)"},
        {opcode::kLocate16,        kNoAction, 16, {0x92, 0x3B, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, kMedium, conflict, 600, handled_by<&TapeDrive::locate_16>(), "SSC-5, LOCATE(16)"},
        {opcode::kReportLuns,      kNoAction, 12, {0xA0, 0, 0xFF, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF}, kPasses, allowed, 30, handled_by<&TapeDrive::report_luns>(), "SPC-5, REPORT LUNS"},
        {opcode::kMaintenanceIn, action::kReportSupportedOperationCodes, 12, {0xA3, 0x0C, 0x87, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF}, Gate::concurrent, allowed, 60, handled_by<&TapeDrive::supported_operation_codes>(), "SPC-5, REPORT SUPPORTED OPERATION CODES"},
    });
    // clang-format on
    static_assert(scsi::sorted_and_unique(kCommands));
    return kCommands;
}

scsi::DeviceServerOptions TapeDrive::device_server_options(const TapeDriveOptions& options,
                                                           TapeDrive* drive) {
    constexpr std::uint8_t kSequentialAccessCapabilities = 0xB0;  // SSC-5; neither WORM nor TSMC
    TL_ASSERT(options.model != nullptr);
    scsi::DeviceServerOptions result;
    result.executor = options.executor;
    result.identity.device_type = scsi::PeripheralDeviceType::sequential_access;
    result.identity.vendor = options.model->vendor;
    result.identity.product = options.model->product;
    result.identity.revision = options.model->revision;
    result.identity.serial = options.serial;
    result.identity.target_name = options.target_name;
    result.identity.target_portal_group_tag = options.target_portal_group_tag;
    result.identity.logical_unit_count = options.logical_unit_count;
    result.identity.device_pages.push_back({kSequentialAccessCapabilities, Bytes(2)});
    result.commands = commands();
    result.mode_pages = default_mode_pages();
    result.log_pages = log_pages(drive);
    return result;
}

TapeDrive::TapeDrive(TapeDriveOptions options, EventLog& events)
    : DeviceServer(device_server_options(options, this)),
      name_(std::move(options.name)),
      model_(*options.model),
      events_(events) {}

bool TapeDrive::write_protected() const noexcept {
    return read_only_ || tape_->write_protected();
}

Completion TapeDrive::not_ready() const {
    return Completion::check_condition(SenseKey::not_ready, load_state_ == LoadState::held
                                                                ? asc::kInitializingCommandRequired
                                                                : asc::kMediumNotPresent);
}

Completion TapeDrive::refused_write() const {
    return Completion::check_condition(
        SenseKey::data_protect,
        read_only_ ? asc::kCannotWriteMediumIncompatibleFormat : asc::kWriteProtected);
}

std::optional<Completion> TapeDrive::check_gates(scsi::Gate gates) {
    if (has(gates, scsi::Gate::medium) && !loaded()) {
        return not_ready();
    }
    if (has(gates, scsi::Gate::writable) && write_protected()) {
        return refused_write();
    }
    return {};
}

std::optional<scsi::Sense> TapeDrive::current_condition() const {
    if (loaded()) {
        return {};
    }
    return not_ready().sense;
}

// Device-specific parameter (SSC-5): WP, BUFFERED MODE, SPEED.
scsi::ModeParameterHeader TapeDrive::mode_parameter_header() const {
    constexpr unsigned kWriteProtected = 0x80;
    scsi::ModeParameterHeader header;
    unsigned specific = static_cast<unsigned>(buffered_mode_) << 4U;
    if (loaded()) {
        header.medium_type = generation_->medium_type;
        specific |= write_protected() ? kWriteProtected : 0U;
    }
    header.device_specific_parameter = static_cast<std::uint8_t>(specific);
    return header;
}

std::optional<scsi::BlockDescriptor> TapeDrive::block_descriptor() const {
    scsi::BlockDescriptor descriptor;
    descriptor.density_code = loaded() ? generation_->density_code : std::uint8_t{0};
    descriptor.block_length = block_length_;
    return descriptor;
}

// Medium type, WP and speed are what the drive says; a host only echoes them.
std::optional<Completion> TapeDrive::check_mode_selection(const scsi::ModeSelection& selection) {
    constexpr std::uint8_t kBufferedModeMax = 2;
    constexpr std::uint8_t kDefaultDensity = 0x00;
    constexpr std::uint8_t kNoChangeOfDensity = 0x7F;
    const unsigned buffered_mode = (selection.header.device_specific_parameter >> 4U) & 0x07U;
    if (buffered_mode > kBufferedModeMax) {
        return scsi::invalid_field_in_parameter_list(selection.device_specific_offset, 6);
    }
    if (!selection.block_descriptor) {
        return {};
    }
    const scsi::BlockDescriptor& wanted = *selection.block_descriptor;
    const auto at = selection.block_descriptor_offset;
    const bool known_density = wanted.density_code == kDefaultDensity ||
                               wanted.density_code == kNoChangeOfDensity ||
                               (loaded() && wanted.density_code == generation_->density_code);
    if (!known_density) {
        return scsi::invalid_field_in_parameter_list(at, 7);
    }
    if (wanted.number_of_blocks != 0) {  // one block descriptor is for the whole medium
        return scsi::invalid_field_in_parameter_list(static_cast<std::uint16_t>(at + 1), 7);
    }
    if (wanted.block_length > media::kRecordLengthMax) {
        return scsi::invalid_field_in_parameter_list(static_cast<std::uint16_t>(at + 5), 7);
    }
    return {};
}

bool TapeDrive::apply_mode_selection(const scsi::ModeSelection& selection) {
    const auto buffered_mode =
        static_cast<std::uint8_t>((selection.header.device_specific_parameter >> 4U) & 0x07U);
    const std::uint32_t block_length =
        selection.block_descriptor ? selection.block_descriptor->block_length : block_length_;
    const bool changed = buffered_mode != buffered_mode_ || block_length != block_length_;
    buffered_mode_ = buffered_mode;
    block_length_ = block_length;
    return changed;
}

void TapeDrive::on_reset() {
    buffered_mode_ = 1;
    block_length_ = 0;
}

scsi::Sense TapeDrive::failed(const Error& error, scsi::Direction direction,
                              std::string_view what) {
    // TapeAlert flags (SSC-5, annex A), as bits.
    constexpr std::size_t kHardError = 3 - 1;
    constexpr std::size_t kReadFailure = 5 - 1;
    constexpr std::size_t kWriteFailure = 6 - 1;
    const bool data_in_doubt = error.code == Errc::corrupt || error.code == Errc::io;
    if (data_in_doubt) {
        const bool writing = direction == scsi::Direction::writing;
        tape_alerts_.set(kHardError);
        tape_alerts_.set(writing ? kWriteFailure : kReadFailure);
        for (Counters* const counters : {&counters_, &load_counters_}) {
            ++(writing ? counters->write_errors : counters->read_errors);
        }
    }
    const bool spool_full = error.code == Errc::no_space;  // hosts try again and again
    if (data_in_doubt || (spool_full && !spool_full_)) {
        events_.error(name_, std::string(what) + " failed: " + error.message,
                      {{"barcode", medium_ ? medium_->barcode : ""},
                       {"object", tape_ == nullptr
                                      ? std::string()
                                      : std::to_string(tape_->position().logical_object_number)}});
    }
    spool_full_ = spool_full_ || spool_full;
    return scsi::sense_from_error(error, direction);
}

}  // namespace tapeloft::vtl::drive
