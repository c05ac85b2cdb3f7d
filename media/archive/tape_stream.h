// The records of one partition, segment after segment, as a stream of chunks; and back from the
// chunks to the map of each segment. Pure. A chunk may begin in one segment and end in a later one,
// so a segment is finished only when the chunk that holds its last byte is cut.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "cloud/base/bytes.h"

#include "media/catalog/catalog.h"
#include "media/chunk/chunker.h"
#include "media/chunk/segment_map_builder.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

/// Chunks are numbered in the order they are cut.
struct StreamChunk {
    std::uint64_t number = 0;
    Buffer plain;
};

class TapeStream {
  public:
    /// first_chunk: the number of its first chunk.
    explicit TapeStream(std::uint64_t first_chunk = 0) : cuts_first_(first_chunk) {}

    /// `row` goes on where the last segment that was begun ends (or nothing was begun yet).
    [[nodiscard]] bool continues(const SegmentRecord& row) const noexcept;
    /// The segment was begun already.
    [[nodiscard]] bool holds(const SegmentRecord& row) const noexcept;
    /// Segments that were begun and not taken.
    [[nodiscard]] std::size_t held() const noexcept { return open_.size(); }
    [[nodiscard]] bool idle() const noexcept { return open_.empty(); }
    [[nodiscard]] std::uint64_t next_chunk() const noexcept { return cuts_first_ + cuts_.size(); }

    /// continues(row). The objects then come in order, row.object_count of them, then
    /// end_segment(). Chunks that are cut are appended to `out`.
    void begin_segment(const SegmentRecord& row);
    void add_record(const StoredRecord& record, std::vector<StreamChunk>& out);
    void add_filemarks(std::uint32_t count, std::vector<StreamChunk>& out);
    /// Objects that cannot be read any more; as ObjectRuns::append_damage().
    void add_damage(std::uint64_t objects, std::uint64_t filemarks, std::uint32_t file_bytes);
    void end_segment();

    /// Cuts what is pending: everything that was begun and ended is finished.
    void flush(std::vector<StreamChunk>& out);

    /// A segment whose chunks are all cut; their fingerprints are still zeros.
    struct Finished {
        SegmentRecord row;
        SegmentMap map;
        std::uint64_t first_chunk = 0;  ///< number of map.chunks[0]
    };
    [[nodiscard]] std::vector<Finished> take_finished();
    /// Chunks below this number belong to no segment that is still to come.
    [[nodiscard]] std::uint64_t needed_from() const noexcept;

  private:
    struct Cut {
        std::uint64_t start = 0;  ///< in the stream's payload
        std::uint32_t length = 0;
    };
    struct Open {
        SegmentRecord row;
        SegmentMapBuilder builder;
        std::uint64_t start = 0;  ///< of its payload
        std::uint64_t end = 0;
        bool ended = false;
    };

    void append(const Buffer& record, ByteView payload);
    void lie_in(Buffer records);
    void copy_behind_pending(ByteView payload, std::size_t room);
    void cut_pending(std::vector<StreamChunk>& out);
    void cut(std::size_t length, std::vector<StreamChunk>& out);
    [[nodiscard]] std::uint64_t end_of_cuts() const noexcept { return payload_ - pending_; }
    [[nodiscard]] Finished finish(Open open) const;

    Chunker chunker_;
    Buffer block_;                ///< holds the pending bytes; what is before them was cut
    std::size_t block_used_ = 0;  ///< of block_
    bool block_is_ours_ = false;  ///< what of it is not used may be written; else all is used
    std::size_t pending_ = 0;     ///< bytes behind the last cut, the last ones used of block_
    std::uint64_t payload_ = 0;   ///< bytes that came so far
    /// What is in front of the stream is not known. Where that is no filemark, its first record is
    /// no block 0, and then this makes no difference.
    bool first_of_file_ = true;
    bool begun_ = false;
    SegmentRecord last_;  ///< of the segment that was begun last
    std::deque<Open> open_;
    std::deque<Cut> cuts_;      ///< those that segments still need
    std::uint64_t cuts_first_;  ///< number of cuts_.front()
};

}  // namespace tapeloft::media
