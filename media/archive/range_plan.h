// Which ranges of which packs to fetch for a number of chunks. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "media/chunk/chunk.h"

namespace tapeloft::media {

/// Most that one request fetches: more gains nothing, and a read would wait for it. In bytes.
inline constexpr std::uint32_t kRangeMax = 8U * 1024 * 1024 + kSealTagSize;
/// A gap up to this is fetched too: it costs less than another request. In bytes.
inline constexpr std::uint32_t kRangeGapMax = 128U * 1024;

struct PackRange {
    PackId pack{};
    std::uint32_t offset = 0;
    std::uint32_t length = 0;         ///< kRangeMax at most
    std::vector<std::size_t> chunks;  ///< indices of those in it, in order of their offsets
};

/// Each chunk is in one range. The range that has the first chunk comes first, and so on. A chunk's
/// stored_length is kRangeMax at most, and it ends below 4 GiB.
[[nodiscard]] std::vector<PackRange> plan_ranges(std::span<const ChunkLocation> chunks);

}  // namespace tapeloft::media
