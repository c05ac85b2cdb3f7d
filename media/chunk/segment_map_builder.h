// Makes a segment map from the frames of a segment, in order.
#pragma once

#include <cstdint>
#include <vector>

#include "media/chunk/segment_map.h"

namespace tapeloft::media {

/// What there is to say of a record beside its payload.
struct RecordFacts {
    std::uint32_t length = 0;
    RecordEncoding encoding = RecordEncoding::plain;
    FramingRun framing;  ///< of this record; its count does not matter
    std::uint32_t crc = 0;
};

/// Equal neighbours become one run. One thread.
class SegmentMapBuilder {
  public:
    void add_record(const RecordFacts& record);
    /// One frame of filemarks.
    void add_filemarks(std::uint32_t count);
    /// As ObjectRuns::append_damage().
    void add_damage(std::uint64_t objects, std::uint64_t filemarks, std::uint32_t file_bytes);

    /// Payload bytes of the records so far.
    [[nodiscard]] std::uint64_t payload() const noexcept { return payload_; }

    /// The last call. The chunks without the first `skip` bytes must cover the payload.
    [[nodiscard]] SegmentMap finish(std::uint32_t skip, std::vector<ChunkRef> chunks) &&;

  private:
    void add_framing(FramingRun framing);

    SegmentMap map_;
    std::uint64_t payload_ = 0;
};

}  // namespace tapeloft::media
