// Segments of the spool, read while what was read before is cut into chunks. Belongs to one strand.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/segment_records.h"
#include "media/archive/task_group.h"
#include "media/catalog/catalog.h"
#include "media/segment/file.h"

namespace tapeloft::media {

/// Where segments are.
struct SegmentsPlace {
    FileSystem& files;
    std::filesystem::path directory;
    std::string medium_serial;
};

class SegmentsAhead {
  public:
    /// Of records in a piece; at most two pieces are in memory by this, of which next() has given
    /// one.
    static constexpr std::size_t kPieceBytes = 4UL * 1024 * 1024;

    /// rows outlives this. reader: what reads run on, one at a time.
    SegmentsAhead(Executor strand, Executor reader, SegmentsPlace place,
                  std::span<const SegmentRecord> rows);

    /// The pieces of the first row, then those of the next one: one call behind the other, until
    /// there are no more, or an error. Errors: as SegmentRecords; what follows is not read then.
    Awaitable<Result<SegmentPiece>> next();
    /// Before this goes.
    Awaitable<void> end() { return reading_.all(); }

  private:
    Result<SegmentPiece> read_piece();
    Awaitable<void> read();

    Executor reader_;
    const SegmentsPlace place_;
    const std::span<const SegmentRecord> rows_;
    TaskGroup reading_;
    std::size_t row_ = 0;                 ///< that is being read, or is next
    std::optional<SegmentRecords> open_;  ///< of that row
    std::optional<Result<SegmentPiece>> ahead_;
};

}  // namespace tapeloft::media
