// Which objects a sealed segment holds: from the index at the end of its file, or by a scan where
// that is damaged. Blocks; any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/segment/file.h"
#include "media/segment/frame_format.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {

[[nodiscard]] SegmentIdentity identity_of(const SegmentRecord& row, const std::string& serial);

struct SegmentIndex {
    ObjectRuns runs;
    std::string damage;  ///< what is wrong with the file, in words; empty: nothing was seen
};

/// Exactly the objects and filemarks row (sealed) counts; what cannot be found is there as damage.
/// A missing file is all damage. Errors: io.
[[nodiscard]] Result<SegmentIndex> load_segment_index(FileSystem& files,
                                                      const std::filesystem::path& path,
                                                      const SegmentRecord& row,
                                                      const SegmentIdentity& identity);

/// Lengths of a segment file.
struct SegmentShortening {
    std::uint64_t before = 0;
    std::uint64_t after = 0;
};

/// Gives back what lies behind the objects that row (sealed) still counts. Others may load the
/// index meanwhile: they find the one before, or the new one. A file that would gain nothing stays
/// as it is. Errors: not_found, corrupt (no index to go by: the file stays as it is), io.
[[nodiscard]] Result<SegmentShortening> shorten_segment(FileSystem& files,
                                                        const std::filesystem::path& path,
                                                        const SegmentRecord& row,
                                                        const SegmentIdentity& identity);

}  // namespace tapeloft::media
