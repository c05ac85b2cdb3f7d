#include "media/log/map_counts.h"

#include <algorithm>

#include "media/log/fields.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kRunSize = 9;

}  // namespace

Result<MapCounts> count_objects(ByteView map, std::uint64_t objects) {
    FieldReader reader(map);
    MapCounts counts;
    for (auto runs = reader.count(kRunSize); runs != 0 && objects != 0; --runs) {
        const auto kind = RunKind{reader.u8()};
        const std::uint64_t length = reader.u32();
        const auto taken = std::min<std::uint64_t>(reader.u32(), objects);
        objects -= taken;
        if (kind == RunKind::records) {
            counts.bytes += taken * length;
        } else if (kind == RunKind::damaged) {
            counts.bytes += length;  // of the file they were lost in
        } else if (kind == RunKind::filemarks || kind == RunKind::lost_filemarks) {
            counts.filemarks += taken;
            counts.bytes += taken * kFilemarkCost;
        } else {
            return Error{Errc::corrupt, "the segment map has a run of a kind that is not known"};
        }
    }
    if (objects != 0) {
        return Error{Errc::corrupt, "the segment map has fewer objects than the segment"};
    }
    return counts;
}

}  // namespace tapeloft::media
