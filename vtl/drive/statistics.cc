#include "vtl/drive/statistics.h"

namespace tapeloft::vtl::drive {
namespace {

constexpr std::uint8_t kDriveVersion = 1;
constexpr std::uint8_t kVolumeVersion = 2;
constexpr std::size_t kWidth = 8;

// The order in which counters are kept; it may only change with the version.
template <typename Counters, typename Visit>
void visit_transfers(Counters& counters, const Visit& visit) {
    visit(counters.bytes_written);
    visit(counters.bytes_read);
    visit(counters.records_written);
    visit(counters.records_read);
    visit(counters.write_errors);
    visit(counters.read_errors);
}

template <typename Statistics, typename Visit>
void visit_drive(Statistics& statistics, const Visit& visit) {
    visit_transfers(statistics.lifetime, visit);
    for (auto& counters : statistics.at_reset) {
        visit_transfers(counters, visit);
    }
    visit(statistics.loads);
    visit(statistics.loads_at_reset);
    visit(statistics.cleanings);
    visit(statistics.power_cycles);
    visit(statistics.power_on_seconds);
    visit(statistics.motion_microseconds);
    visit(statistics.motion_microseconds_at_cleaning);
}

template <typename Statistics, typename Visit>
void visit_volume(Statistics& statistics, std::uint8_t version, const Visit& visit) {
    visit_transfers(statistics.lifetime, visit);
    visit(statistics.mounts);
    if (version == 1) {
        return;
    }
    visit_transfers(statistics.load, visit);
    visit_transfers(statistics.previous_load, visit);
    visit_transfers(statistics.at_format, visit);
    visit(statistics.mounts_at_format);
    visit(statistics.partition_changes);
}

auto append_to(Bytes& bytes) {
    return [&bytes](std::uint64_t counter) {
        bytes.resize(bytes.size() + kWidth);
        store_big_endian<kWidth>(MutableByteView(bytes).last(kWidth), counter);
    };
}

auto take_from(ByteView& rest) {
    return [&rest](std::uint64_t& counter) {
        counter = load_big_endian<kWidth>(rest);
        rest = rest.subspan(kWidth);
    };
}

Bytes encode_volume(const VolumeStatistics& statistics, std::uint8_t version) {
    Bytes bytes = {version};
    visit_volume(statistics, version, append_to(bytes));
    return bytes;
}

}  // namespace

TransferCounters operator-(const TransferCounters& left, const TransferCounters& right) {
    TransferCounters difference;
    difference.bytes_written = left.bytes_written - right.bytes_written;
    difference.bytes_read = left.bytes_read - right.bytes_read;
    difference.records_written = left.records_written - right.records_written;
    difference.records_read = left.records_read - right.records_read;
    difference.write_errors = left.write_errors - right.write_errors;
    difference.read_errors = left.read_errors - right.read_errors;
    return difference;
}

Bytes encode(const DriveStatistics& statistics) {
    Bytes bytes = {kDriveVersion};
    visit_drive(statistics, append_to(bytes));
    return bytes;
}

Bytes encode(const VolumeStatistics& statistics) {
    return encode_volume(statistics, kVolumeVersion);
}

std::optional<DriveStatistics> decode_drive_statistics(ByteView bytes) {
    DriveStatistics statistics;
    if (bytes.size() != encode(statistics).size() || bytes[0] != kDriveVersion) {
        return {};
    }
    ByteView rest = bytes.subspan(1);
    visit_drive(statistics, take_from(rest));
    return statistics;
}

std::optional<VolumeStatistics> decode_volume_statistics(ByteView bytes) {
    VolumeStatistics statistics;
    const std::uint8_t version = bytes.empty() ? std::uint8_t{0} : bytes[0];
    if (version < 1 || version > kVolumeVersion ||
        bytes.size() != encode_volume(statistics, version).size()) {
        return {};
    }
    ByteView rest = bytes.subspan(1);
    visit_volume(statistics, version, take_from(rest));
    return statistics;
}

void UsageLedger::start(const std::optional<Bytes>& saved) {
    const auto known = saved ? decode_drive_statistics(*saved) : std::nullopt;
    drive_ = known.value_or(DriveStatistics{});
    drive_saved_ = drive_;
    ++drive_.power_cycles;
}

void UsageLedger::begin_load(const std::optional<Bytes>& saved, std::uint64_t mounts_before) {
    const auto known = saved ? decode_volume_statistics(*saved) : std::nullopt;
    volume_ = known.value_or(VolumeStatistics{});
    volume_saved_ = volume_;
    if (!known) {
        volume_.mounts = mounts_before;
    }
    ++volume_.mounts;
    ++drive_.loads;
    volume_.previous_load = volume_.load;
    volume_.load = {};
}

void UsageLedger::count_cleaning() {
    ++drive_.cleanings;
    drive_.motion_microseconds_at_cleaning = drive_.motion_microseconds;
}

template <typename Count>
void UsageLedger::count(Count add) {
    for (TransferCounters* const counters :
         {&drive_.lifetime, &volume_.lifetime, &volume_.load, &run_}) {
        add(*counters);
    }
}

void UsageLedger::count_read(std::size_t bytes) {
    count([bytes](TransferCounters& counters) {
        counters.bytes_read += bytes;
        ++counters.records_read;
    });
}

void UsageLedger::count_written(std::size_t bytes) {
    count([bytes](TransferCounters& counters) {
        counters.bytes_written += bytes;
        ++counters.records_written;
    });
}

void UsageLedger::count_error(ErrorOf error_of) {
    count([error_of](TransferCounters& counters) {
        ++(error_of == ErrorOf::writing ? counters.write_errors : counters.read_errors);
    });
}

void UsageLedger::count_motion(std::uint64_t microseconds) {
    drive_.motion_microseconds += microseconds;
}

void UsageLedger::note_format() {
    volume_.at_format = volume_.lifetime;
    volume_.mounts_at_format = volume_.mounts;
    volume_.partition_changes = 0;
}

void UsageLedger::reset(ResetGroup group) {
    drive_.at_reset[static_cast<std::size_t>(group)] = drive_.lifetime;
}

void UsageLedger::reset_loads() {
    drive_.loads_at_reset = drive_.loads;
}

Bytes UsageLedger::drive_value(std::uint64_t power_on_seconds) const {
    DriveStatistics statistics = drive_;
    statistics.power_on_seconds += power_on_seconds;
    return encode(statistics);
}

}  // namespace tapeloft::vtl::drive
