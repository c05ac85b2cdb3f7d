#include "vtl/library/changer_statistics.h"

#include <array>

namespace tapeloft::vtl::library {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kWidth = 8;

// The order in which counters are kept; it may only change with the version.
constexpr auto kCounters = std::to_array<std::uint64_t ChangerStatistics::*>({
    &ChangerStatistics::moves,
    &ChangerStatistics::picks,
    &ChangerStatistics::places,
    &ChangerStatistics::volume_tags_read,
    &ChangerStatistics::library_door_opens,
    &ChangerStatistics::mail_slot_door_opens,
    &ChangerStatistics::inventory_scans,
    &ChangerStatistics::unrecovered_errors,
});

}  // namespace

Bytes encode(const ChangerStatistics& statistics) {
    Bytes bytes(1 + kCounters.size() * kWidth);
    bytes[0] = kVersion;
    for (std::size_t i = 0; i < kCounters.size(); ++i) {
        store_big_endian<kWidth>(MutableByteView(bytes).subspan(1 + i * kWidth),
                                 statistics.*kCounters[i]);
    }
    return bytes;
}

std::optional<ChangerStatistics> decode_changer_statistics(ByteView bytes) {
    if (bytes.size() != 1 + kCounters.size() * kWidth || bytes[0] != kVersion) {
        return std::nullopt;
    }
    ChangerStatistics statistics;
    for (std::size_t i = 0; i < kCounters.size(); ++i) {
        statistics.*kCounters[i] = load_big_endian<kWidth>(bytes.subspan(1 + i * kWidth));
    }
    return statistics;
}

}  // namespace tapeloft::vtl::library
