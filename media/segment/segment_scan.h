// Reads a segment frame by frame to learn what is in it: for a tail that no index describes yet,
// and for a sealed segment whose index is damaged. Blocks.
#pragma once

#include <cstdint>
#include <limits>

#include "cloud/base/result.h"

#include "media/segment/file.h"
#include "media/segment/frame_format.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {

/// Objects of this segment somebody was told are durable.
struct SegmentPromise {
    std::uint64_t objects = 0;
    std::uint64_t filemarks = 0;  ///< of them
    std::uint64_t file_length = 0;
};

struct SegmentLimit {
    std::uint64_t objects = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t file_length = std::numeric_limits<std::uint64_t>::max();
};

struct SegmentScan {
    ObjectRuns runs;
    std::uint64_t damages = 0;  ///< places inside the promise where frames are lost
    std::uint64_t cut_off = 0;  ///< bytes of the file that belong to nothing
};

/// The promise the file itself knows of: its newest sync mark.
[[nodiscard]] Result<SegmentPromise> read_sync_mark(File& file, const SegmentIdentity& identity);

/// What is in the file: the longest run of sound frames, at least what was promised, at most
/// `limit`. Inside the promise a damaged frame is never cut off: its payload is found out by
/// reading, and where its header is gone the next sound header tells how many objects are lost.
/// Errors: io.
[[nodiscard]] Result<SegmentScan> scan_segment(File& file, const SegmentIdentity& identity,
                                               const SegmentPromise& promise,
                                               const SegmentLimit& limit);

}  // namespace tapeloft::media
