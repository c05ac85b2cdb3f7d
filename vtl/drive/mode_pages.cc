#include "vtl/drive/mode_pages.h"

#include <algorithm>

#include "vtl/drive/logical_block_protection.h"
#include "vtl/drive/medium_partition_page.h"
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;

// A page whose parameters are zero but for a few bytes.
struct Byte {
    std::size_t offset;
    std::uint8_t value;
};
Bytes zeros_but(std::size_t length, std::initializer_list<Byte> bytes) {
    Bytes parameters(length);
    for (const Byte& byte : bytes) {
        parameters[byte.offset] = byte.value;
    }
    return parameters;
}

// DEXCPT: TapeAlert is all there is. TEST and its number are carried out by MODE SELECT, not kept.
Bytes informational_exceptions_page() {
    return zeros_but(10, {{mode_layout::informational_exceptions::kFlags, 0x08}});
}

}  // namespace

std::uint8_t additional_partitions_max(const scsi::DriveModel& model) noexcept {
    return model.generation <= 5 ? 1 : media::kPartitionsMax - 1;
}

Bytes medium_configuration(bool worm) {
    constexpr std::uint8_t kWormMode = 0x01;
    constexpr std::uint8_t kAllFilemarksButTheFirst = 0x02;  // before EOD may be overwritten
    Bytes parameters(30);
    if (worm) {
        parameters[0] = kWormMode;
        parameters[3] = kAllFilemarksButTheFirst;
    }
    return parameters;
}

std::vector<scsi::ModePage> mode_pages_of_drive(const scsi::DriveModel& model) {
    namespace control = mode_layout::control;
    namespace configuration = mode_layout::device_configuration;
    namespace exceptions = mode_layout::informational_exceptions;
    const MediumPartitionPage partition_page(additional_partitions_max(model));
    // clang-format off
    return {
        {0x01, 0x00, Bytes(10), {}},                           // read-write error recovery, SSC-5
        {0x02, 0x00, Bytes(14), {}},                           // disconnect-reconnect, SPC-5
        {kControlPage, 0x00, Bytes(10),                        // control, SPC-5
            zeros_but(10, {{control::kWriteProtection, control::kSoftware}})},
        {0x0A, 0x01, zeros_but(28, {{0, 0x02}}), {}},          // control extension: SCSIP
        {kControlDataProtectionPage, kControlDataProtectionSubpage,  // control data protection, SSC-5
            control_data_protection_defaults(), control_data_protection_changeable(), false, 0, true},
        {0x0F, 0x00,                                           // data compression, SSC-5
            zeros_but(14, {{0, 0xC0}, {1, 0x80}, {5, 1}, {9, 1}}),     // DCE DCC, DDE, algorithms
            zeros_but(14, {{0, 0x80}})},                               // DCE
        {kDeviceConfigurationPage, 0x00,                       // device configuration, SSC-5
            zeros_but(14, {{6, 0x40}, {8, 0x18}, {12, 0x01}}),         // LOIS; EEG, SEW; compression
            zeros_but(14, {{configuration::kWriteProtection, configuration::kAssociated}}), false},
        {kDeviceConfigurationPage, kDeviceConfigurationExtensionSubpage,  // SSC-5
            zeros_but(28, {{1, 0x02}}),                                // short ERASE writes EOD
            zeros_but(28, {{1, 0xF0}, {2, 0xFF}, {3, 0xFF}})},         // WRITE MODE, PEWS
        {MediumPartitionPage::kPageCode, 0x00,                 // medium partition, SSC-5
            partition_page.parameters({}), partition_page.changeable(), false,
            MediumPartitionPage::kShortest},                           // as the Linux st driver sends
        {0x1A, 0x00, Bytes(38), {}},                           // power condition, SPC-5
        {kInformationalExceptionsPage, 0x00,                   // informational exceptions, SSC-5
            informational_exceptions_page(),
            zeros_but(10, {{exceptions::kFlags, exceptions::kTest},
                           {6, 0xFF}, {7, 0xFF}, {8, 0xFF}, {9, 0xFF}}),  // TEST FLAG NUMBER
            false, 0, false, true},
        {kMediumConfigurationPage, 0x00, medium_configuration(false), {}},  // SSC-5
        {0x24, 0x00, zeros_but(6, {{5, 0x01}}), {}},           // as LTO drives: can encrypt
        {0x25, 0x00, zeros_but(30, {{3, 0x01}, {4, 0x01}}), {}},  // as LTO drives: read/write control
        {0x2F, 0x00, Bytes(8), {}},                            // as LTO drives: behavior
        {0x30, 0x20, zeros_but(5, {{1, 0x03}, {2, 0x01}, {3, 0x01}}), {}},  // application encrypts
    };
    // clang-format on
}

// Device-specific parameter (SSC-5): WP, BUFFERED MODE, SPEED.
scsi::ModeParameterHeader TapeDrive::mode_parameter_header() const {
    constexpr unsigned kWriteProtected = 0x80;
    constexpr unsigned kWormMedium = 0x04;  // MEDIUM TYPE xCh, as LTO drives say
    scsi::ModeParameterHeader header;
    unsigned specific = static_cast<unsigned>(buffered_mode_) << 4U;
    if (loaded()) {
        header.medium_type = medium_->worm
                                 ? static_cast<std::uint8_t>(generation_->medium_type | kWormMedium)
                                 : generation_->medium_type;
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
    for (const scsi::SelectedModePage& page : selection.pages) {
        if (auto refused = check_page_selection(page)) {
            return refused;
        }
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

std::optional<Completion> TapeDrive::check_page_selection(
    const scsi::SelectedModePage& page) const {
    const ByteView wanted = page.parameters;
    const ByteView current = mode_pages().current(page.page_code, page.subpage_code);
    if (std::equal(wanted.begin(), wanted.end(), current.begin(), current.end())) {
        return {};
    }
    if (page.page_code == MediumPartitionPage::kPageCode) {
        if (!loaded()) {
            return not_ready();
        }
        const MediumPartitionPage rules(additional_partitions_max(model_));
        const auto plan = rules.plan(wanted, usable_capacity());
        if (const auto* const wrong = std::get_if<MediumPartitionPage::WrongField>(&plan)) {
            return scsi::invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(page.offset + wrong->offset), wrong->bit);
        }
    }
    if (page.page_code == kDeviceConfigurationPage &&
        page.subpage_code == kDeviceConfigurationExtensionSubpage) {
        return check_write_mode(page);
    }
    if (page.page_code == kDeviceConfigurationPage && !loaded()) {
        return not_ready();  // there is no medium that ASOCWP could protect
    }
    if (page.page_code == kInformationalExceptionsPage) {
        using namespace mode_layout::informational_exceptions;
        const bool test = (wanted[kFlags] & kTest) != 0;
        const auto number = static_cast<std::int32_t>(TestFlagNumber::load(wanted));
        if (test ? !TapeAlerts::can_test(number) : number != 0) {
            return scsi::invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(page.offset + TestFlagNumber::offset), 7);
        }
    }
    if (page.page_code == kControlDataProtectionPage &&
        page.subpage_code == kControlDataProtectionSubpage) {
        if (const auto fault = check_control_data_protection(page.parameters)) {
            return scsi::invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(page.offset + fault->byte), fault->bit);
        }
    }
    return {};
}

// Append-only mode is left at BOP of partition 0 only (SSC-5).
std::optional<Completion> TapeDrive::check_write_mode(const scsi::SelectedModePage& page) const {
    using namespace mode_layout::device_configuration_extension;
    const unsigned write_mode = page.parameters[kWriteMode] >> 4U;
    if (write_mode > 1) {
        return scsi::invalid_field_in_parameter_list(
            static_cast<std::uint16_t>(page.offset + kWriteMode), 7);
    }
    if (append_only() && write_mode == 0 && loaded() &&
        (tape_->position().partition != 0 || tape_->position().logical_object_number != 0)) {
        return Completion::check_condition(scsi::SenseKey::illegal_request,
                                           scsi::asc::kPositionPastBeginningOfMedium);
    }
    return {};
}

Completion TapeDrive::mode_sense(const Task& task) {
    show_active_partition();
    return DeviceServer::mode_sense(task);
}

Awaitable<Completion> TapeDrive::mode_select(Task task) {
    show_active_partition();
    co_return co_await DeviceServer::mode_select(std::move(task));
}

void TapeDrive::show_active_partition() {
    const std::uint32_t partition = loaded() ? tape_->position().partition : 0;
    mode_pages().set_byte(kDeviceConfigurationPage, 0,
                          mode_layout::device_configuration::kActivePartition,
                          static_cast<std::uint8_t>(partition));
}

void TapeDrive::show_medium_in_mode_pages() {
    const MediumPartitionPage rules(additional_partitions_max(model_));
    mode_pages().set(MediumPartitionPage::kPageCode, 0, rules.parameters(partition_capacities()));
    mode_pages().set(kMediumConfigurationPage, 0, medium_configuration(loaded() && medium_->worm));
}

bool TapeDrive::apply_mode_selection(const scsi::ModeSelection& selection) {
    const auto buffered_mode =
        static_cast<std::uint8_t>((selection.header.device_specific_parameter >> 4U) & 0x07U);
    const std::uint32_t block_length =
        selection.block_descriptor ? selection.block_descriptor->block_length : block_length_;
    const bool changed = buffered_mode != buffered_mode_ || block_length != block_length_;
    buffered_mode_ = buffered_mode;
    block_length_ = block_length;
    follow_selected_pages(selection);
    return changed;
}

// ASOCWP belongs to the medium in the drive, and a reset leaves it alone; TEST is done and gone.
void TapeDrive::follow_selected_pages(const scsi::ModeSelection& selection) {
    using namespace mode_layout;
    for (const scsi::SelectedModePage& page : selection.pages) {
        if (page.page_code == kDeviceConfigurationPage && page.subpage_code == 0) {
            mode_pages().set_byte(kDeviceConfigurationPage, 0,
                                  device_configuration::kWriteProtection,
                                  page.parameters[device_configuration::kWriteProtection]);
        } else if (page.page_code == kInformationalExceptionsPage &&
                   (page.parameters[informational_exceptions::kFlags] &
                    informational_exceptions::kTest) != 0) {
            alerts_.apply_test(static_cast<std::int32_t>(
                informational_exceptions::TestFlagNumber::load(page.parameters)));
        }
    }
}

bool TapeDrive::software_write_protected() const {
    using namespace mode_layout::control;
    return (mode_pages().current(kControlPage)[kWriteProtection] & kSoftware) != 0;
}

bool TapeDrive::associated_write_protected() const {
    using namespace mode_layout::device_configuration;
    return (mode_pages().current(kDeviceConfigurationPage)[kWriteProtection] & kAssociated) != 0;
}

void TapeDrive::end_associated_write_protection() {
    mode_pages().set_byte(kDeviceConfigurationPage, 0,
                          mode_layout::device_configuration::kWriteProtection, 0);
}

}  // namespace tapeloft::vtl::drive
