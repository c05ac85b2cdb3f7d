// The log pages of a drive as tables of parameters (SPC-5, SSC-5; 30h to 37h as LTO drives have
// them).
#include <algorithm>
#include <array>

#include "vtl/drive/log_state.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::LogParameters;

constexpr std::uint64_t kMegabyte = 1'000'000;
constexpr std::uint64_t kMebibyte = 1024 * 1024;
constexpr std::uint64_t kSecondsPerHour = 3600;
constexpr std::uint64_t kMicrosecondsPerHour = kSecondsPerHour * 1'000'000;
constexpr std::uint64_t kNoCompression = 100;  // ratio x 100

/// A number of `width` bytes.
struct NumberRow {
    std::uint16_t code;
    std::uint8_t width;
    std::uint64_t (*value)(const LogState&);
};

template <typename Rows>
void add_numbers(LogParameters& to, const LogState& state, const Rows& rows) {
    for (const NumberRow& row : rows) {
        to.number(row.code, row.value(state), row.width);
    }
}

std::uint64_t zero(const LogState& /*state*/) {
    return 0;
}

std::uint64_t one(const LogState& /*state*/) {
    return 1;
}

std::uint64_t no_compression(const LogState& /*state*/) {
    return kNoCompression;
}

template <ResetGroup Group, std::uint64_t TransferCounters::*Counter>
std::uint64_t since_reset(const LogState& state) {
    return state.since_reset(Group).*Counter;
}

template <std::uint64_t TransferCounters::*Counter>
std::uint64_t of_volume(const LogState& state) {
    return state.volume.lifetime.*Counter;
}

template <std::uint64_t TransferCounters::*Counter>
std::uint64_t of_load(const LogState& state) {
    return state.load.*Counter;
}

template <std::uint64_t TransferCounters::*Counter>
std::uint64_t megabytes(const LogState& state) {
    return state.since_reset(ResetGroup::compression).*Counter / kMegabyte;
}

template <std::uint64_t TransferCounters::*Counter>
std::uint64_t bytes_beyond_megabytes(const LogState& state) {
    return state.since_reset(ResetGroup::compression).*Counter % kMegabyte;
}

std::uint64_t motion_hours(const LogState& state) {
    return state.drive.motion_microseconds / kMicrosecondsPerHour;
}

std::uint64_t motion_hours_since_cleaning(const LogState& state) {
    return (state.drive.motion_microseconds - state.drive.motion_microseconds_at_cleaning) /
           kMicrosecondsPerHour;
}

std::string padded(std::string_view text, std::size_t width) {
    std::string result(text.substr(0, width));
    result.resize(width, ' ');
    return result;
}

bool made_by_ibm(const LogState& state) {
    return state.model->family == scsi::DriveFamily::ibm ||
           state.model->family == scsi::DriveFamily::quantum;
}

using Transfers = TransferCounters;

// clang-format off
// Nothing is ever corrected here: an error is recovered below or reported.
constexpr auto kWriteErrors = std::to_array<NumberRow>({  // SPC-5, write error counters
    {0x0000, 4, zero}, {0x0001, 4, zero}, {0x0002, 4, zero}, {0x0003, 4, zero}, {0x0004, 4, zero},
    {0x0005, 8, since_reset<ResetGroup::write_errors, &Transfers::bytes_written>},
    {0x0006, 4, since_reset<ResetGroup::write_errors, &Transfers::write_errors>},
});

constexpr auto kReadErrors = std::to_array<NumberRow>({  // SPC-5, read error counters
    {0x0000, 4, zero}, {0x0001, 4, zero}, {0x0002, 4, zero}, {0x0003, 4, zero}, {0x0004, 4, zero},
    {0x0005, 8, since_reset<ResetGroup::read_errors, &Transfers::bytes_read>},
    {0x0006, 4, since_reset<ResetGroup::read_errors, &Transfers::read_errors>},
});

// No compression between host and medium: what hosts send is what reaches it.
constexpr auto kSequentialAccess = std::to_array<NumberRow>({  // SSC-5, sequential access device
    {0x0000, 8, since_reset<ResetGroup::transfers, &Transfers::bytes_written>},
    {0x0001, 8, since_reset<ResetGroup::transfers, &Transfers::bytes_written>},
    {0x0002, 8, since_reset<ResetGroup::transfers, &Transfers::bytes_read>},
    {0x0003, 8, since_reset<ResetGroup::transfers, &Transfers::bytes_read>},
    {0x0100, 4, zero},  // no cleaning is required
});
constexpr auto kSequentialAccessOfIbm = std::to_array<NumberRow>({
    {0x8000, 4, [](const LogState& s) { return (s.drive.lifetime.bytes_written + s.drive.lifetime.bytes_read) / kMegabyte; }},
    {0x8001, 4, [](const LogState& s) { return s.drive.loads; }},
    {0x8002, 4, [](const LogState& s) { return s.drive.cleanings; }},
    {0x8003, 4, [](const LogState& s) { return s.power_on_seconds; }},
});

constexpr auto kTemperature = std::to_array<NumberRow>({  // SPC-5; FFh: there is nothing to measure
    {0x0000, 2, [](const LogState&) { return std::uint64_t{0xFF}; }},
    {0x0001, 2, [](const LogState&) { return std::uint64_t{0xFF}; }},
});

constexpr auto kDeviceStatistics = std::to_array<NumberRow>({  // SSC-5, device statistics
    {0x0000, 4, [](const LogState& s) { return s.drive.loads; }},
    {0x0001, 4, [](const LogState& s) { return s.drive.cleanings; }},
    {0x0002, 4, [](const LogState& s) { return s.power_on_seconds / kSecondsPerHour; }},
    {0x0003, 4, motion_hours},
    {0x0008, 4, motion_hours_since_cleaning},
    {0x000C, 4, [](const LogState& s) { return s.drive.power_cycles; }},
    {0x000D, 4, [](const LogState& s) { return s.drive.loads - s.drive.loads_at_reset; }},
    {0x000E, 4, [](const LogState& s) { return s.drive.lifetime.write_errors; }},
    {0x000F, 4, [](const LogState& s) { return s.drive.lifetime.read_errors; }},
});
constexpr std::uint16_t kManufacturerSerialNumber = 0x0040;
constexpr std::uint16_t kDriveSerialNumber = 0x0041;
constexpr std::uint16_t kMediumRemovalPrevented = 0x0080;
constexpr std::uint16_t kTemperatureExceeded = 0x0081;

constexpr auto kVolumeNumbers = std::to_array<NumberRow>({  // SSC-5, volume statistics
    {0x0000, 1, one},
    {0x0001, 4, [](const LogState& s) { return s.volume.mounts; }},
    {0x0002, 8, of_volume<&Transfers::records_written>},
    {0x0003, 4, zero},
    {0x0004, 2, of_volume<&Transfers::write_errors>},
    {0x0005, 2, zero},
    {0x0006, 2, zero},
    {0x0007, 8, of_volume<&Transfers::records_read>},
    {0x0008, 4, zero},
    {0x0009, 2, of_volume<&Transfers::read_errors>},
    {0x000A, 2, zero},
    {0x000B, 2, zero},
    {0x000C, 2, of_load<&Transfers::write_errors>},
    {0x000D, 2, of_load<&Transfers::read_errors>},
    {0x000E, 4, [](const LogState& s) { return s.load.bytes_written / kMegabyte; }},
    {0x000F, 4, [](const LogState& s) { return s.load.bytes_read / kMegabyte; }},
    {0x0010, 8, [](const LogState& s) { return (s.medium->bytes_written + s.load.bytes_written) / kMegabyte; }},
    {0x0011, 8, [](const LogState& s) { return (s.medium->bytes_read + s.load.bytes_read) / kMegabyte; }},
    {0x0012, 2, no_compression},
    {0x0013, 2, no_compression},
    {0x0014, 6, [](const LogState& s) { return s.mount_milliseconds; }},
    {0x0015, 6, [](const LogState& s) { return s.mount_milliseconds; }},
    {0x0016, 4, [](const LogState& s) { return s.native_capacity() / kMegabyte; }},
    {0x0017, 4, [](const LogState& s) { return s.used_capacity() / kMegabyte; }},
});
constexpr std::uint16_t kVolumeSerialNumber = 0x0040;
constexpr std::uint16_t kVolumeBarcode = 0x0045;
constexpr std::uint16_t kVolumePersonality = 0x0047;
constexpr auto kVolumeFlags = std::to_array<NumberRow>({
    {0x0080, 1, [](const LogState& s) { return std::uint64_t{s.write_protected}; }},
    {0x0081, 1, [](const LogState& s) { return std::uint64_t{s.medium->worm}; }},
    {0x0082, 1, zero},
    {0x0101, 4, [](const LogState& s) { return s.volume.mounts; }},
    {0x0102, 4, [](const LogState& s) { return s.volume.mounts; }},
});

constexpr auto kCompression = std::to_array<NumberRow>({  // SSC-5, data compression; LTO, 32h
    {0x0000, 2, no_compression},
    {0x0001, 2, no_compression},
    {0x0002, 4, megabytes<&Transfers::bytes_read>},
    {0x0003, 4, bytes_beyond_megabytes<&Transfers::bytes_read>},
    {0x0004, 4, megabytes<&Transfers::bytes_read>},
    {0x0005, 4, bytes_beyond_megabytes<&Transfers::bytes_read>},
    {0x0006, 4, megabytes<&Transfers::bytes_written>},
    {0x0007, 4, bytes_beyond_megabytes<&Transfers::bytes_written>},
    {0x0008, 4, megabytes<&Transfers::bytes_written>},
    {0x0009, 4, bytes_beyond_megabytes<&Transfers::bytes_written>},
});
constexpr std::uint16_t kCompressionEnabled = 0x0100;

constexpr auto kUsage = std::to_array<NumberRow>({  // LTO, tape usage
    {0x0001, 4, [](const LogState& s) { return s.volume.mounts; }},
    {0x0002, 8, of_volume<&Transfers::records_written>},
    {0x0003, 4, zero},
    {0x0004, 2, of_volume<&Transfers::write_errors>},
    {0x0005, 2, zero},
    {0x0006, 2, zero},
    {0x0007, 8, of_volume<&Transfers::records_read>},
    {0x0008, 4, zero},
    {0x0009, 2, of_volume<&Transfers::read_errors>},
    {0x000A, 2, zero},
    {0x000B, 2, zero},
});

// Efficiency of drive and medium: 00h is the best, FFh the worst.
constexpr auto kPerformance = std::to_array<NumberRow>({  // LTO, performance characteristics
    {0x0000, 1, zero},
    {0x0001, 1, zero},
});
// clang-format on

/// Parameters with a record for each partition (SSC-5): length of what follows, reserved, partition
/// number, value.
template <std::size_t Width, typename Value>
void add_partition_records(LogParameters& to, const LogState& state, std::uint16_t code,
                           const Value& value) {
    constexpr std::size_t kHeader = 4;
    Bytes records;
    for (std::size_t i = 0; i < state.partitions.size(); ++i) {
        Bytes record(kHeader + Width);
        record[0] = static_cast<std::uint8_t>(record.size() - 1);
        store_big_endian<2>(MutableByteView(record).subspan(2), i);
        store_big_endian<Width>(MutableByteView(record).subspan(kHeader),
                                value(state.partitions[i]));
        records.insert(records.end(), record.begin(), record.end());
    }
    to.bytes(code, records);
}

void add_partitions(LogParameters& to, const LogState& state) {
    // Where encrypted data begins is not looked for; on a blank partition there is none.
    const auto first_encrypted = [](const media::Capacity& partition) {
        constexpr std::uint64_t kNone = 0xFFFFFFFFFFFF;
        constexpr std::uint64_t kUnknown = 0xFFFFFFFFFFFE;
        return partition.used == 0 ? kNone : kUnknown;
    };
    add_partition_records<6>(to, state, 0x0200, first_encrypted);
    add_partition_records<6>(to, state, 0x0201, first_encrypted);
    add_partition_records<4>(to, state, 0x0202, [](const media::Capacity& partition) {
        return partition.native / kMegabyte;
    });
    add_partition_records<4>(to, state, 0x0203, [](const media::Capacity& partition) {
        return partition.used / kMegabyte;
    });
    add_partition_records<4>(to, state, 0x0204, [](const media::Capacity& partition) {
        return (partition.early_warning - std::min(partition.early_warning, partition.used)) /
               kMegabyte;
    });
}

std::uint64_t remaining_mebibytes(const LogState& state, std::size_t partition) {
    if (partition >= state.partitions.size()) {
        return 0;
    }
    const media::Capacity& capacity = state.partitions[partition];
    return (capacity.native - std::min(capacity.native, capacity.used)) / kMebibyte;
}

std::uint64_t native_mebibytes(const LogState& state, std::size_t partition) {
    return partition < state.partitions.size() ? state.partitions[partition].native / kMebibyte : 0;
}

}  // namespace

void add_write_error_counters(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kWriteErrors);
}

void add_read_error_counters(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kReadErrors);
}

void add_sequential_access_device(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kSequentialAccess);
    if (made_by_ibm(state)) {
        add_numbers(to, state, kSequentialAccessOfIbm);
    }
}

void add_temperature(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kTemperature);
}

// SPC-5: 20 results, newest first; all zero: no self-test that is recorded has run.
void add_self_test_results(LogParameters& to, const LogState& /*state*/) {
    constexpr std::uint16_t kResults = 20;
    constexpr std::array<std::uint8_t, 16> kNone{};
    for (std::uint16_t code = 1; code <= kResults; ++code) {
        to.bytes(code, kNone);
    }
}

// VHF data and how often it is worth asking (SSC-5, DT device status).
void add_device_status(LogParameters& to, const LogState& state) {
    constexpr std::uint8_t kDataInitialized = 0x01;
    constexpr std::uint8_t kWriteProtected = 0x08;
    constexpr std::uint8_t kMediumPresent = 0x10;
    constexpr std::uint8_t kMediumSeated = 0x04;
    constexpr std::uint8_t kMediumThreaded = 0x02;
    constexpr std::uint8_t kMounted = 0x01;
    constexpr std::uint16_t kPollingDelay = 0x0001;
    constexpr std::uint64_t kPollingDelayMs = 500;
    std::array<std::uint8_t, 4> data = {kDataInitialized, 0,
                                        static_cast<std::uint8_t>(state.activity), 0};
    if (state.load_state == LoadState::loaded && state.write_protected) {
        data[0] |= kWriteProtected;
    }
    switch (state.load_state) {
        case LoadState::empty:
            break;
        case LoadState::ejected:
        case LoadState::cleaning:
        case LoadState::unusable:
            data[1] = kMediumPresent;
            break;
        case LoadState::held:
            data[1] = kMediumPresent | kMediumSeated;
            break;
        case LoadState::loaded:
            data[1] = kMediumPresent | kMediumThreaded | kMounted;
            break;
    }
    to.bytes(0x0000, data);
    to.number(kPollingDelay, kPollingDelayMs, 2);
}

void add_device_statistics(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kDeviceStatistics);
    to.text(kManufacturerSerialNumber, state.serial);
    to.text(kDriveSerialNumber, state.serial);
    to.number(kMediumRemovalPrevented, state.removal_prevented ? 1 : 0, 1);
    to.number(kTemperatureExceeded, 0, 1);
}

// ADC-4, service buffers information: the drive's dump, which READ BUFFER does not give out.
void add_service_buffers(LogParameters& to, const LogState& /*state*/) {
    constexpr std::uint8_t kDumpBuffer = 0x00;  // also the BUFFER ID of READ BUFFER
    constexpr std::uint8_t kTemporarilyUnavailable = 0x10;
    constexpr std::uint8_t kCodeSetAscii = 0x02;
    Bytes buffer = {kDumpBuffer, kTemporarilyUnavailable, kCodeSetAscii, 0};
    const ByteView title = as_bytes("Drive dump");
    buffer.insert(buffer.end(), title.begin(), title.end());
    to.bytes(kDumpBuffer, buffer);
}

// SSC-5, tape diagnostic data; one empty record if there has been no error.
void add_diagnostic_data(LogParameters& to, const LogState& state) {
    constexpr std::size_t kLength = 68;  // without the four bytes of the parameter header
    constexpr std::size_t kHeader = 4;
    using MotionHours = BigEndian<std::uint32_t, 8 - kHeader>;
    using HoursSinceCleaning = BigEndian<std::uint32_t, 24 - kHeader>;
    std::uint16_t code = 0;
    for (const DiagnosticRecord& record : state.diagnostics->newest_first()) {
        Bytes data(kLength);
        data[6 - kHeader] = record.density_code;
        data[7 - kHeader] = record.medium_type;
        MotionHours::store(data, record.motion_hours);
        data[13 - kHeader] = static_cast<std::uint8_t>((record.repeat ? 0x80U : 0U) |
                                                       static_cast<unsigned>(record.sense.key));
        data[14 - kHeader] = record.sense.additional.asc();
        data[15 - kHeader] = record.sense.additional.ascq();
        std::copy(record.revision.begin(), record.revision.end(), data.begin() + (20 - kHeader));
        HoursSinceCleaning::store(data, record.hours_since_cleaning);
        data[28 - kHeader] = record.operation_code;
        const std::string serial = padded(record.medium_serial, 32);
        std::copy(serial.begin(), serial.end(), data.begin() + (32 - kHeader));
        to.bytes(code++, data);
    }
    if (code == 0) {
        to.bytes(0, Bytes(kLength));
    }
}

// Of the medium in the drive, or else of the last one; page not valid if there was none.
void add_volume_statistics(LogParameters& to, const LogState& state) {
    if (state.medium == nullptr) {
        to.number(0x0000, 0, 1);
        return;
    }
    add_numbers(to, state, kVolumeNumbers);
    to.text(kVolumeSerialNumber, padded(state.medium->medium_serial, 32));
    to.text(kVolumeBarcode, padded(state.medium->barcode, 32));
    if (state.generation != nullptr) {
        to.text(kVolumePersonality, padded("Ultrium-" + std::string(state.generation->suffix), 9));
    }
    add_numbers(to, state, kVolumeFlags);
    if (!state.partitions.empty()) {
        add_partitions(to, state);
    }
}

// SPC-5: what iSCSI would tell of a port is not standardised; one port, its protocol, no more.
void add_protocol_specific_port(LogParameters& to, const LogState& /*state*/) {
    constexpr std::uint16_t kRelativeTargetPort = 0x0001;
    constexpr std::array<std::uint8_t, 4> kIscsi = {0x05, 0, 0, 0};
    to.bytes(kRelativeTargetPort, kIscsi);
}

void add_data_compression(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kCompression);
    to.number(kCompressionEnabled, state.compression ? 1 : 0, 2);
}

void add_tape_usage(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kUsage);
}

// Units of 2^20 bytes; remaining and maximum, of partitions 0 and 1.
void add_tape_capacity(LogParameters& to, const LogState& state) {
    LogState loaded = state;
    if (state.load_state != LoadState::loaded) {
        loaded.partitions.clear();
    }
    to.number(0x0001, remaining_mebibytes(loaded, 0), 4);
    to.number(0x0002, remaining_mebibytes(loaded, 1), 4);
    to.number(0x0003, native_mebibytes(loaded, 0), 4);
    to.number(0x0004, native_mebibytes(loaded, 1), 4);
}

void add_vendor_data_compression(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kCompression);
}

void add_performance(LogParameters& to, const LogState& state) {
    add_numbers(to, state, kPerformance);
}

}  // namespace tapeloft::vtl::drive
