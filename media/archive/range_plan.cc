#include "media/archive/range_plan.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "cloud/base/contract.h"

namespace tapeloft::media {
namespace {

std::uint32_t end_of(const PackedChunk& chunk) {
    return chunk.offset + chunk.stored_length;
}

/// Whether the range, which begins before the chunk, may grow to hold it.
bool takes(const PackRange& range, const ChunkLocation& location) {
    const auto end = range.offset + range.length;
    return range.pack == location.pack &&
           (location.chunk.offset <= end || location.chunk.offset - end <= kRangeGapMax) &&
           end_of(location.chunk) - range.offset <= kRangeMax;
}

}  // namespace

std::vector<PackRange> plan_ranges(std::span<const ChunkLocation> chunks) {
    std::vector<std::size_t> order(chunks.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [chunks](std::size_t a, std::size_t b) {
        return std::tie(chunks[a].pack, chunks[a].chunk.offset, a) <
               std::tie(chunks[b].pack, chunks[b].chunk.offset, b);
    });
    std::vector<PackRange> ranges;
    for (const auto index : order) {
        const auto& location = chunks[index];
        TL_ASSERT(location.chunk.stored_length <= kRangeMax);
        if (ranges.empty() || !takes(ranges.back(), location)) {
            ranges.push_back({location.pack, location.chunk.offset, 0, {}});
        }
        auto& range = ranges.back();
        range.length = std::max(range.length, end_of(location.chunk) - range.offset);
        range.chunks.push_back(index);
    }
    const auto first_of = [](const PackRange& range) {
        return *std::min_element(range.chunks.begin(), range.chunks.end());
    };
    std::sort(ranges.begin(), ranges.end(), [first_of](const PackRange& a, const PackRange& b) {
        return first_of(a) < first_of(b);
    });
    return ranges;
}

}  // namespace tapeloft::media
