#include "media/chunk/segment_map.h"

#include <algorithm>
#include <limits>
#include <string>

#include "media/pbs/block_stream.h"

namespace tapeloft::media {
namespace {

namespace layout_of_encoding {
constexpr std::size_t kSize = 5;
constexpr LittleEndian<std::uint8_t, 0> kEncoding;
constexpr LittleEndian<std::uint32_t, 1> kCount;
}  // namespace layout_of_encoding

namespace layout_of_framing {
constexpr std::size_t kSize = 14;
constexpr LittleEndian<std::uint8_t, 0> kFraming;
constexpr LittleEndian<std::uint8_t, 1> kFlags;
constexpr LittleEndian<std::uint32_t, 2> kPayloadSize;
constexpr LittleEndian<std::uint32_t, 6> kSequence;
constexpr LittleEndian<std::uint32_t, 10> kCount;
}  // namespace layout_of_framing

namespace layout_of_chunk {
constexpr std::size_t kSize = 36;
constexpr LittleEndian<std::uint32_t, 32> kPlainLength;
}  // namespace layout_of_chunk

constexpr std::size_t kCountSize = 4;
constexpr std::size_t kCrcSize = 4;

/// Between two frames there is at most one run of each of the two kinds of loss.
constexpr std::size_t kRunsMax = 4UL * kSegmentFramesMax;

Error damaged(std::string_view why) {
    return {Errc::corrupt, "segment map: " + std::string(why)};
}

/// Appends sections; each is a count and as many entries of one size.
class Writer {
  public:
    explicit Writer(std::size_t size) { bytes_.reserve(size); }

    void number(std::size_t value) {
        TL_ASSERT(value <= std::numeric_limits<std::uint32_t>::max());
        store_little_endian<4>(room(4), value);
    }
    MutableByteView room(std::size_t size) {
        bytes_.resize(bytes_.size() + size);
        return MutableByteView(bytes_).last(size);
    }
    [[nodiscard]] Bytes take() && { return std::move(bytes_); }

  private:
    Bytes bytes_;
};

class Sections {
  public:
    explicit Sections(ByteView bytes) : rest_(bytes) {}

    Result<std::uint32_t> number() {
        if (rest_.size() < kCountSize) {
            return damaged("it is cut off");
        }
        const auto value = static_cast<std::uint32_t>(load_little_endian<4>(rest_));
        rest_ = rest_.subspan(kCountSize);
        return value;
    }
    /// A count and its entries, as they stand: nothing is allocated for what is not there.
    Result<ByteView> entries(std::size_t entry_size) {
        TL_TRY(const auto count, number());
        if (count > rest_.size() / entry_size) {
            return damaged("it is cut off");
        }
        const auto found = rest_.first(count * entry_size);
        rest_ = rest_.subspan(found.size());
        return found;
    }
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  private:
    ByteView rest_;
};

/// How many records the runs have; corrupt where no segment can have such runs. The bounds also
/// keep every sum in 64 bits.
Result<std::uint32_t> count_records(ByteView runs) {
    namespace at = layout::index_run;
    if (runs.size() > kRunsMax * at::kSize) {
        return damaged("more runs than a segment can have");
    }
    std::uint64_t records = 0;
    for (; !runs.empty(); runs = runs.subspan(at::kSize)) {
        const auto length = at::kLength.load(runs);
        const auto kind = at::kKind.load(runs);
        if (kind == static_cast<std::uint8_t>(RunKind::filemarks) && length != 0) {
            return damaged("filemarks with a length");
        }
        if (kind != static_cast<std::uint8_t>(RunKind::records)) {
            continue;
        }
        if (length < kRecordLengthMin || length > kStoredRecordMax) {
            return damaged("a record of " + std::to_string(length) + " bytes");
        }
        records += at::kCount.load(runs);
        if (records > kSegmentFramesMax) {
            return damaged("more records than a segment can have");
        }
    }
    return static_cast<std::uint32_t>(records);
}

Result<std::vector<EncodingRun>> decode_encodings(ByteView entries) {
    namespace at = layout_of_encoding;
    std::vector<EncodingRun> runs;
    runs.reserve(entries.size() / at::kSize);
    for (; !entries.empty(); entries = entries.subspan(at::kSize)) {
        const auto encoding = at::kEncoding.load(entries);
        const auto count = at::kCount.load(entries);
        if (encoding > static_cast<std::uint8_t>(RecordEncoding::encrypted) || count == 0) {
            return damaged("an encoding that is not known, or of no record");
        }
        runs.push_back({static_cast<RecordEncoding>(encoding), count});
    }
    return runs;
}

bool makes_sense(const FramingRun& run) {
    switch (run.framing) {
        case RecordFraming::none:
            return run.flags == 0 && run.size == 0 && run.sequence == 0;
        case RecordFraming::pbs_block:
            return run.size <= kPbsPayloadMax;
    }
    return false;
}

Result<std::vector<FramingRun>> decode_framings(ByteView entries) {
    namespace at = layout_of_framing;
    std::vector<FramingRun> runs;
    runs.reserve(entries.size() / at::kSize);
    for (; !entries.empty(); entries = entries.subspan(at::kSize)) {
        const FramingRun run{static_cast<RecordFraming>(at::kFraming.load(entries)),
                             at::kFlags.load(entries), at::kPayloadSize.load(entries),
                             at::kSequence.load(entries), at::kCount.load(entries)};
        if (!makes_sense(run) || run.count == 0) {
            return damaged("a framing that is not known, or makes no sense");
        }
        runs.push_back(run);
    }
    return runs;
}

Result<std::vector<ChunkRef>> decode_chunks(ByteView entries) {
    namespace at = layout_of_chunk;
    std::vector<ChunkRef> chunks;
    chunks.reserve(entries.size() / at::kSize);
    for (; !entries.empty(); entries = entries.subspan(at::kSize)) {
        ChunkRef chunk;
        std::copy_n(entries.begin(), chunk.fingerprint.size(), chunk.fingerprint.begin());
        chunk.plain_length = at::kPlainLength.load(entries);
        if (chunk.plain_length == 0 || chunk.plain_length > kChunkLengthMax) {
            return damaged("a chunk of " + std::to_string(chunk.plain_length) + " bytes");
        }
        chunks.push_back(chunk);
    }
    return chunks;
}

template <typename Run>
std::uint64_t total(const std::vector<Run>& runs) {
    std::uint64_t count = 0;
    for (const auto& run : runs) {
        count += run.count;
    }
    return count;
}

}  // namespace

std::uint64_t SegmentMap::plain_bytes() const noexcept {
    std::uint64_t bytes = 0;
    for (const auto& chunk : chunks) {
        bytes += chunk.plain_length;
    }
    return bytes;
}

Bytes SegmentMap::encode() const {
    const auto object_runs = runs.encode_runs();
    Writer out(6 * kCountSize + object_runs.size() + encodings.size() * layout_of_encoding::kSize +
               framings.size() * layout_of_framing::kSize + record_crcs.size() * kCrcSize +
               chunks.size() * layout_of_chunk::kSize);
    out.number(runs.runs());
    std::copy(object_runs.begin(), object_runs.end(), out.room(object_runs.size()).begin());
    out.number(encodings.size());
    for (const auto& run : encodings) {
        const auto entry = out.room(layout_of_encoding::kSize);
        layout_of_encoding::kEncoding.store(entry, static_cast<std::uint8_t>(run.encoding));
        layout_of_encoding::kCount.store(entry, run.count);
    }
    out.number(framings.size());
    for (const auto& run : framings) {
        const auto entry = out.room(layout_of_framing::kSize);
        layout_of_framing::kFraming.store(entry, static_cast<std::uint8_t>(run.framing));
        layout_of_framing::kFlags.store(entry, run.flags);
        layout_of_framing::kPayloadSize.store(entry, run.size);
        layout_of_framing::kSequence.store(entry, run.sequence);
        layout_of_framing::kCount.store(entry, run.count);
    }
    out.number(record_crcs.size());
    for (const auto crc : record_crcs) {
        out.number(crc);
    }
    out.number(skip);
    out.number(chunks.size());
    for (const auto& chunk : chunks) {
        const auto entry = out.room(layout_of_chunk::kSize);
        std::copy(chunk.fingerprint.begin(), chunk.fingerprint.end(), entry.begin());
        layout_of_chunk::kPlainLength.store(entry, chunk.plain_length);
    }
    return std::move(out).take();
}

Result<SegmentMap> SegmentMap::decode(ByteView bytes) {
    Sections in(bytes);
    SegmentMap map;
    TL_TRY(const auto run_entries, in.entries(layout::index_run::kSize));
    TL_TRY(const auto records, count_records(run_entries));
    auto runs = ObjectRuns::decode_runs(run_entries);
    if (!runs) {
        return damaged("a run of a kind that is not known, or of no object");
    }
    map.runs = std::move(*runs);
    TL_TRY(const auto encoding_entries, in.entries(layout_of_encoding::kSize));
    TL_TRY(map.encodings, decode_encodings(encoding_entries));
    TL_TRY(const auto framing_entries, in.entries(layout_of_framing::kSize));
    TL_TRY(map.framings, decode_framings(framing_entries));
    TL_TRY(const auto crc_entries, in.entries(kCrcSize));
    map.record_crcs.reserve(crc_entries.size() / kCrcSize);
    for (auto rest = crc_entries; !rest.empty(); rest = rest.subspan(kCrcSize)) {
        map.record_crcs.push_back(static_cast<std::uint32_t>(load_little_endian<4>(rest)));
    }
    TL_TRY(map.skip, in.number());
    TL_TRY(const auto chunk_entries, in.entries(layout_of_chunk::kSize));
    TL_TRY(map.chunks, decode_chunks(chunk_entries));
    if (!in.at_end()) {
        return damaged("bytes behind its end");
    }
    if (total(map.encodings) != records || total(map.framings) != records ||
        map.record_crcs.size() != records) {
        return damaged("its counts of records do not agree");
    }
    TL_CHECK(SegmentPlan::of(map));
    return map;
}

}  // namespace tapeloft::media
