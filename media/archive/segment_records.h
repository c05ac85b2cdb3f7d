// A segment file of the spool, fed into a TapeStream. Blocks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "cloud/base/result.h"

#include "media/archive/tape_stream.h"
#include "media/catalog/catalog.h"
#include "media/segment/file.h"
#include "media/segment/object_runs.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

class SegmentRecords {
  public:
    /// Reads the index. Errors: io; not_found (there is no such file).
    [[nodiscard]] static Result<SegmentRecords> open(FileSystem& files,
                                                     const std::filesystem::path& path,
                                                     const SegmentRecord& row,
                                                     const std::string& medium_serial);

    /// Feeds objects to the stream, about `bytes` of records. Records that are damaged become
    /// damage there. False: that was the last object. Errors: io.
    [[nodiscard]] Result<bool> feed(TapeStream& stream, std::size_t bytes,
                                    std::vector<StreamChunk>& out);

    /// Records that could not be read, in words; empty: none.
    [[nodiscard]] const std::string& damage() const noexcept { return damage_; }

  private:
    SegmentRecords(std::unique_ptr<File> file, const SegmentRecord& row, std::uint32_t seed,
                   ObjectRuns runs, std::string damage);
    Result<std::size_t> feed_records(TapeStream& stream, std::uint64_t end, std::size_t bytes,
                                     std::vector<StreamChunk>& out);
    Result<void> feed_unsound(TapeStream& stream, const RecordFrame& frame,
                              std::vector<StreamChunk>& out);
    [[nodiscard]] RecordFrame frame_of(const ObjectPlace& place) const;

    std::unique_ptr<File> file_;
    SegmentRecord row_;
    std::uint32_t seed_;
    ObjectRuns runs_;
    std::string damage_;
    std::uint64_t next_ = 0;  ///< object, from the start of the segment
};

}  // namespace tapeloft::media
