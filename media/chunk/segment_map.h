// Which chunks the records of a segment are made of. media/FORMAT.md, "Segment map".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/chunk/chunk.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {

struct EncodingRun {
    RecordEncoding encoding = RecordEncoding::plain;
    std::uint32_t count = 0;  ///< records

    friend bool operator==(const EncodingRun&, const EncodingRun&) = default;
};

enum class RecordFraming : std::uint8_t { none = 0, pbs_block = 1 };

struct FramingRun {
    RecordFraming framing = RecordFraming::none;
    std::uint8_t flags = 0;      ///< of pbs_block; else 0, as the next two
    std::uint32_t size = 0;      ///< payload bytes of each
    std::uint32_t sequence = 0;  ///< of the first record; grows by 1
    std::uint32_t count = 0;     ///< records

    friend bool operator==(const FramingRun&, const FramingRun&) = default;
};

/// Records are counted from 0 in the segment, those of damaged runs left out.
struct SegmentMap {
    ObjectRuns runs;
    std::vector<EncodingRun> encodings;
    std::vector<FramingRun> framings;
    std::vector<std::uint32_t> record_crcs;  ///< CRC32C of each record, from 0
    std::uint32_t skip = 0;                  ///< bytes of the first chunk that are not ours
    std::vector<ChunkRef> chunks;

    /// Of all chunks together, as often as they are named.
    [[nodiscard]] std::uint64_t plain_bytes() const noexcept;
    [[nodiscard]] Bytes encode() const;
    /// Errors: corrupt (cut off, counts that do not agree, a chunk or record longer than allowed).
    [[nodiscard]] static Result<SegmentMap> decode(ByteView bytes);
};

/// Where a record's bytes come from.
struct RecordSource {
    RecordEncoding encoding = RecordEncoding::plain;
    RecordFraming framing = RecordFraming::none;
    std::uint8_t flags = 0;
    std::uint32_t sequence = 0;
    std::uint32_t length = 0;          ///< of the record
    std::uint64_t payload_offset = 0;  ///< in the segment's payload
    std::uint32_t payload_length = 0;
    std::uint32_t crc = 0;
};

/// A part of a chunk.
struct ChunkSlice {
    std::size_t chunk = 0;  ///< index in SegmentMap::chunks
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
};

/// Lookups in a map, made once for it; the map must outlive it. Each costs O(log n).
class SegmentPlan {
  public:
    /// Errors: corrupt (the chunks do not cover the records).
    [[nodiscard]] static Result<SegmentPlan> of(const SegmentMap& map);

    /// record: 0-based among the map's records.
    [[nodiscard]] RecordSource record(std::uint32_t record) const;
    /// The record number of an object that is a record (objects count filemarks too).
    [[nodiscard]] std::uint32_t record_of_object(std::uint64_t object) const;
    [[nodiscard]] std::vector<ChunkSlice> slices(std::uint64_t payload_offset,
                                                 std::uint32_t payload_length) const;
    [[nodiscard]] std::uint32_t records() const noexcept;
    /// Where a chunk begins in the records, `record` being the object; nothing: in none of them
    /// (the first chunk with its skip, or what is behind the last record).
    [[nodiscard]] std::optional<RecordCut> begin_of(std::size_t chunk) const;

  private:
    struct Span {
        std::uint32_t record = 0;  ///< the first
        std::uint64_t payload = 0;
        std::uint64_t object = 0;
        std::uint32_t length = 0;  ///< of each record
        std::uint32_t count = 0;
        FramingRun framing;
        RecordEncoding encoding = RecordEncoding::plain;
    };

    [[nodiscard]] static std::uint32_t payload_of(const Span& span) noexcept;

    const SegmentMap* map_ = nullptr;
    std::uint32_t records_ = 0;
    std::vector<Span> spans_;                  ///< uniform records, in order
    std::vector<std::uint64_t> chunk_starts_;  ///< in the payload's numbering plus skip
};

/// Where the payload stands in the record.
[[nodiscard]] std::size_t payload_place(const RecordSource& source) noexcept;

/// Puts a record together: writes header, payload and zeros of `source` into `record`, whose size
/// is source.length; `payload` are its payload bytes, which may lie at their place in `record`
/// already (and nowhere else in it). Errors: corrupt (the CRC does not fit).
[[nodiscard]] Result<void> assemble_record(const RecordSource& source, ByteView payload,
                                           MutableByteView record);

/// Whether these are the bytes of the record; for one that is payload as it is.
[[nodiscard]] Result<void> check_record(const RecordSource& source, ByteView record);

}  // namespace tapeloft::media
