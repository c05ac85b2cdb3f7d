// The log pages of a drive (SPC-5; SSC-5).
#include <algorithm>

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kMebibyte = 1024 * 1024;

// Volume statistics parameter codes (SSC-5).
namespace volume {
constexpr std::uint16_t kPageValid = 0x0000;
constexpr std::uint16_t kThreadCount = 0x0001;
constexpr std::uint16_t kDataSetsWritten = 0x0002;
constexpr std::uint16_t kRecoveredWriteErrors = 0x0003;
constexpr std::uint16_t kUnrecoveredWriteErrors = 0x0004;
constexpr std::uint16_t kDataSetsRead = 0x0007;
constexpr std::uint16_t kRecoveredReadErrors = 0x0008;
constexpr std::uint16_t kUnrecoveredReadErrors = 0x0009;
constexpr std::uint16_t kLastMountUnrecoveredWriteErrors = 0x000C;
constexpr std::uint16_t kLastMountUnrecoveredReadErrors = 0x000D;
constexpr std::uint16_t kLastMountMegabytesWritten = 0x000E;
constexpr std::uint16_t kLastMountMegabytesRead = 0x000F;
constexpr std::uint16_t kLifetimeMegabytesWritten = 0x0010;
constexpr std::uint16_t kLifetimeMegabytesRead = 0x0011;
constexpr std::uint16_t kNativeCapacity = 0x0016;
constexpr std::uint16_t kUsedNativeCapacity = 0x0017;
constexpr std::uint16_t kVolumeSerialNumber = 0x0040;
constexpr std::uint16_t kVolumeBarcode = 0x0045;
constexpr std::uint16_t kWriteProtect = 0x0080;
constexpr std::uint16_t kWorm = 0x0081;
constexpr std::uint16_t kBeginningOfMediumPasses = 0x0101;
constexpr std::uint16_t kMiddleOfTapePasses = 0x0102;
}  // namespace volume

}  // namespace

std::vector<scsi::LogPage> TapeDrive::log_pages(TapeDrive* drive) {
    using scsi::LogParameters;
    // clang-format off
    return {
        {0x02, 0, [drive](LogParameters& to) {  // write error counters, SPC-5
            drive->error_counters(to, drive->counters_.bytes_written, drive->counters_.write_errors); }},
        {0x03, 0, [drive](LogParameters& to) {  // read error counters, SPC-5
            drive->error_counters(to, drive->counters_.bytes_read, drive->counters_.read_errors); }},
        {0x0C, 0, [drive](LogParameters& to) { drive->sequential_access_device(to); }},  // SSC-5
        {0x11, 0, [drive](LogParameters& to) { drive->device_status(to); }},             // SSC-5
        {0x12, 0, [drive](LogParameters& to) { drive->tape_alert_response(to); }},       // SSC-5
        {0x17, 0, [drive](LogParameters& to) { drive->volume_statistics(to); }},         // SSC-5
        {0x2E, 0, [drive](LogParameters& to) { drive->tape_alert(to); }},                // SSC-5
        {0x31, 0, [drive](LogParameters& to) { drive->tape_capacity(to); }},             // as LTO drives do
    };
    // clang-format on
}

media::Capacity TapeDrive::capacity() const {
    return tape_ != nullptr ? tape_->capacity() : last_capacity_;
}

// Nothing is ever corrected here: an error is recovered below or reported.
void TapeDrive::error_counters(scsi::LogParameters& parameters, std::uint64_t bytes,
                               std::uint64_t unrecovered) const {
    constexpr std::uint16_t kCorrectedMax = 0x0004;
    for (std::uint16_t code = 0; code <= kCorrectedMax; ++code) {
        parameters.number(code, 0, 4);
    }
    parameters.number(0x0005, bytes, 8);
    parameters.number(0x0006, unrecovered, 4);
}

// No compression between host and medium: what hosts send is what reaches it.
void TapeDrive::sequential_access_device(scsi::LogParameters& parameters) const {
    parameters.number(0x0000, counters_.bytes_written, 8);
    parameters.number(0x0001, counters_.bytes_written, 8);
    parameters.number(0x0002, counters_.bytes_read, 8);
    parameters.number(0x0003, counters_.bytes_read, 8);
    parameters.number(0x0100, 0, 4);  // no cleaning is required
}

// VHF data (SSC-5).
void TapeDrive::device_status(scsi::LogParameters& parameters) const {
    constexpr std::uint8_t kDataInitialized = 0x01;
    constexpr std::uint8_t kWriteProtected = 0x08;
    constexpr std::uint8_t kMediumPresent = 0x10;
    constexpr std::uint8_t kMediumSeated = 0x04;
    constexpr std::uint8_t kMediumThreaded = 0x02;
    constexpr std::uint8_t kMounted = 0x01;
    std::array<std::uint8_t, 4> data = {kDataInitialized, 0, static_cast<std::uint8_t>(activity_),
                                        0};
    if (loaded() && write_protected()) {
        data[0] |= kWriteProtected;
    }
    switch (load_state_) {
        case LoadState::empty:
            break;
        case LoadState::ejected:
            data[1] = kMediumPresent;
            break;
        case LoadState::held:
            data[1] = kMediumPresent | kMediumSeated;
            break;
        case LoadState::loaded:
            data[1] = kMediumPresent | kMediumThreaded | kMounted;
            break;
    }
    parameters.bytes(0x0000, data);
}

// Flag 1 is the most significant bit. Reading changes nothing.
void TapeDrive::tape_alert_response(scsi::LogParameters& parameters) const {
    std::array<std::uint8_t, 8> flags{};
    for (std::size_t i = 0; i < tape_alerts_.size(); ++i) {
        if (tape_alerts_.test(i)) {
            flags[i / 8] = static_cast<std::uint8_t>(flags[i / 8] | (0x80U >> (i % 8)));
        }
    }
    parameters.bytes(0x0000, flags);
}

// Reading deactivates the flags (SSC-5).
void TapeDrive::tape_alert(scsi::LogParameters& parameters) {
    for (std::size_t i = 0; i < tape_alerts_.size(); ++i) {
        parameters.number(static_cast<std::uint16_t>(i + 1), tape_alerts_.test(i) ? 1 : 0, 1);
    }
    tape_alerts_.reset();
}

// Of the medium in the drive, or else of the last one; page not valid if there was none.
void TapeDrive::volume_statistics(scsi::LogParameters& parameters) const {
    using namespace volume;
    if (!medium_) {
        parameters.number(kPageValid, 0, 1);
        return;
    }
    const std::uint64_t mounts = medium_->load_count + 1;
    const std::uint64_t lifetime_written = medium_->bytes_written + load_counters_.bytes_written;
    const std::uint64_t lifetime_read = medium_->bytes_read + load_counters_.bytes_read;
    const media::Capacity now = capacity();
    parameters.number(kPageValid, 1, 1);
    parameters.number(kThreadCount, mounts, 4);
    parameters.number(kDataSetsWritten, load_counters_.records_written, 8);
    parameters.number(kRecoveredWriteErrors, 0, 4);
    parameters.number(kUnrecoveredWriteErrors, load_counters_.write_errors, 2);
    parameters.number(kDataSetsRead, load_counters_.records_read, 8);
    parameters.number(kRecoveredReadErrors, 0, 4);
    parameters.number(kUnrecoveredReadErrors, load_counters_.read_errors, 2);
    parameters.number(kLastMountUnrecoveredWriteErrors, load_counters_.write_errors, 2);
    parameters.number(kLastMountUnrecoveredReadErrors, load_counters_.read_errors, 2);
    parameters.number(kLastMountMegabytesWritten, load_counters_.bytes_written / kMegabyte, 4);
    parameters.number(kLastMountMegabytesRead, load_counters_.bytes_read / kMegabyte, 4);
    parameters.number(kLifetimeMegabytesWritten, lifetime_written / kMegabyte, 8);
    parameters.number(kLifetimeMegabytesRead, lifetime_read / kMegabyte, 8);
    parameters.number(kNativeCapacity, now.native / kMegabyte, 4);
    parameters.number(kUsedNativeCapacity, now.used / kMegabyte, 4);
    parameters.text(kVolumeSerialNumber, medium_->medium_serial);
    parameters.text(kVolumeBarcode, medium_->barcode);
    parameters.number(kWriteProtect, tape_ != nullptr && write_protected() ? 1 : 0, 1);
    parameters.number(kWorm, 0, 1);
    parameters.number(kBeginningOfMediumPasses, mounts, 4);
    parameters.number(kMiddleOfTapePasses, mounts, 4);
}

// Units of 2^20 bytes; there is one partition.
void TapeDrive::tape_capacity(scsi::LogParameters& parameters) const {
    const media::Capacity now = loaded() ? tape_->capacity() : media::Capacity{};
    const std::uint64_t remaining = now.native - std::min(now.native, now.used);
    parameters.number(0x0001, remaining / kMebibyte, 4);
    parameters.number(0x0002, 0, 4);
    parameters.number(0x0003, now.native / kMebibyte, 4);
    parameters.number(0x0004, 0, 4);
}

}  // namespace tapeloft::vtl::drive
