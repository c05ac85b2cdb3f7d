// What the first objects of a segment map add up to, from its runs alone.
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

struct MapCounts {
    std::uint64_t filemarks = 0;
    std::uint64_t bytes = 0;  ///< capacity used
};

/// map: SegmentMap::encode(). Errors: corrupt (its runs are cut off, or are fewer objects).
[[nodiscard]] Result<MapCounts> count_objects(ByteView map, std::uint64_t objects);

}  // namespace tapeloft::media
