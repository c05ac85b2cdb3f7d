// Segment files of the spool as the objects in them. Blocks.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cloud/base/result.h"

#include "media/archive/tape_stream.h"
#include "media/catalog/catalog.h"
#include "media/segment/file.h"
#include "media/segment/object_runs.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

/// Objects of one segment that stand one behind the other.
struct SegmentPiece {
    struct Filemarks {
        std::uint32_t count = 0;
    };
    struct Damage {  ///< as TapeStream::add_damage()
        std::uint64_t objects = 0;
        std::uint64_t filemarks = 0;
        std::uint32_t file_bytes = 0;
    };

    std::vector<std::variant<StoredRecord, Filemarks, Damage>> objects;
    bool last = false;   ///< of its segment
    std::string damage;  ///< of the last piece: records that could not be read, in words

    void feed(TapeStream& stream, std::vector<StreamChunk>& out) const;
};

class SegmentRecords {
  public:
    /// Reads the index. Errors: io; not_found (there is no such file).
    [[nodiscard]] static Result<SegmentRecords> open(FileSystem& files,
                                                     const std::filesystem::path& path,
                                                     const SegmentRecord& row,
                                                     const std::string& medium_serial);

    /// The next objects, about `bytes` of records. Records that are damaged become damage. Errors:
    /// io.
    [[nodiscard]] Result<SegmentPiece> read(std::size_t bytes);

  private:
    SegmentRecords(std::unique_ptr<File> file, const SegmentRecord& row, std::uint32_t seed,
                   ObjectRuns runs, std::string damage);
    Result<std::size_t> take_records(SegmentPiece& piece, std::uint64_t end, std::size_t bytes);
    Result<void> take_unsound(SegmentPiece& piece, const RecordFrame& frame);
    [[nodiscard]] RecordFrame frame_of(const ObjectPlace& place) const;

    std::unique_ptr<File> file_;
    SegmentRecord row_;
    std::uint32_t seed_;
    ObjectRuns runs_;
    std::string damage_;
    std::uint64_t next_ = 0;  ///< object, from the start of the segment
};

}  // namespace tapeloft::media
