#include "vtl/drive/mode_pages.h"

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;

constexpr std::uint8_t kDataCompression = 0x0F;
constexpr std::uint8_t kMediumConfiguration = 0x1D;

}  // namespace

std::vector<scsi::ModePage> mode_pages_of_drive() {
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

}  // namespace tapeloft::vtl::drive
