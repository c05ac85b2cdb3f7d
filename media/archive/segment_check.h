// Whether a segment can be read, record by record, and what in it cannot. Pure, but for the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/chunk/segment_map.h"
#include "media/segment/file.h"

namespace tapeloft::media {

/// Objects side by side that one cause makes unreadable.
struct DamagedObjects {
    std::uint64_t first = 0;  ///< from the start of the segment
    std::uint64_t count = 0;
    std::optional<std::size_t> chunk;  ///< the one that is to blame, in SegmentMap::chunks
    std::string what;
};

struct SegmentVerdict {
    std::uint64_t records = 0;  ///< that were put together and fit their CRC
    std::uint64_t bytes = 0;    ///< of them
    std::vector<DamagedObjects> damage;

    /// Objects behind the last ones, with the same cause, are counted to them.
    void add_damage(DamagedObjects objects);
};

/// The first `objects` objects of the map. chunks: for each of map.chunks its plain bytes, or why
/// there are none. plan: of map.
[[nodiscard]] SegmentVerdict check_stored_segment(const SegmentMap& map, const SegmentPlan& plan,
                                                  std::uint64_t objects,
                                                  std::span<const Result<Buffer>* const> chunks);

/// row: sealed. Errors: io. Blocks.
[[nodiscard]] Result<SegmentVerdict> check_spooled_segment(FileSystem& files,
                                                           const std::filesystem::path& path,
                                                           const SegmentRecord& row,
                                                           const std::string& medium_serial);

}  // namespace tapeloft::media
