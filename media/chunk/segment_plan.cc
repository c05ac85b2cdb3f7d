// SegmentPlan: from records to chunks, and a record put together.
#include <algorithm>
#include <string>

#include "cloud/base/digest.h"

#include "media/chunk/segment_map.h"
#include "media/pbs/block_format.h"

namespace tapeloft::media {
namespace {

/// Walks a list of runs, each with a `count`, record by record.
template <typename Run>
class RunCursor {
  public:
    explicit RunCursor(const std::vector<Run>& runs) : runs_(runs) {}

    [[nodiscard]] const Run& run() const { return runs_[index_]; }
    [[nodiscard]] std::uint32_t passed() const noexcept { return passed_; }
    [[nodiscard]] std::uint32_t left() const { return run().count - passed_; }
    void advance(std::uint32_t count) {
        passed_ += count;
        if (passed_ == run().count) {
            ++index_;
            passed_ = 0;
        }
    }

  private:
    const std::vector<Run>& runs_;
    std::size_t index_ = 0;
    std::uint32_t passed_ = 0;  ///< records of the run that lie behind
};

}  // namespace

Result<SegmentPlan> SegmentPlan::of(const SegmentMap& map) {
    SegmentPlan plan;
    plan.map_ = &map;
    RunCursor encodings(map.encodings);
    RunCursor framings(map.framings);
    Span next;
    for (std::uint64_t object = 0; object < map.runs.objects();) {
        const auto place = map.runs.place(object);
        const auto end = map.runs.end_of_run(object);
        if (place.kind != RunKind::records) {
            object = end;
            continue;
        }
        const auto in_run = static_cast<std::uint32_t>(end - object);
        next.count = std::min({in_run, encodings.left(), framings.left()});
        next.object = object;
        next.length = place.length;
        next.encoding = encodings.run().encoding;
        next.framing = framings.run();
        next.framing.sequence += framings.passed();
        const bool framed = next.framing.framing == RecordFraming::pbs_block;
        if (framed ? next.length != kPbsBlockSize
                   : next.length > stored_length_max(next.encoding)) {
            return Error{Errc::corrupt, "segment map: a record of " + std::to_string(next.length) +
                                            " bytes that is not of its kind"};
        }
        plan.spans_.push_back(next);
        next.record += next.count;
        next.payload += std::uint64_t{next.count} * payload_of(next);
        encodings.advance(next.count);
        framings.advance(next.count);
        object += next.count;
    }
    plan.records_ = next.record;
    std::uint64_t chunk_end = 0;
    plan.chunk_starts_.reserve(map.chunks.size());
    for (const auto& chunk : map.chunks) {
        plan.chunk_starts_.push_back(chunk_end);
        chunk_end += chunk.plain_length;
    }
    const auto skip_end = map.chunks.empty() ? 1 : map.chunks.front().plain_length;
    if (map.skip >= skip_end || chunk_end - map.skip < next.payload) {
        return Error{Errc::corrupt, "segment map: its chunks do not cover its records"};
    }
    return plan;
}

std::uint32_t SegmentPlan::payload_of(const Span& span) noexcept {
    return span.framing.framing == RecordFraming::pbs_block ? span.framing.size : span.length;
}

RecordSource SegmentPlan::record(std::uint32_t record) const {
    TL_ASSERT(record < records_);
    const auto& span = *std::prev(std::upper_bound(
        spans_.begin(), spans_.end(), record,
        [](std::uint32_t wanted, const Span& candidate) { return wanted < candidate.record; }));
    const auto index = record - span.record;
    RecordSource source;
    source.encoding = span.encoding;
    source.framing = span.framing.framing;
    source.flags = span.framing.flags;
    source.length = span.length;
    source.payload_length = payload_of(span);
    source.payload_offset = span.payload + std::uint64_t{index} * source.payload_length;
    if (source.framing == RecordFraming::pbs_block) {
        source.sequence = span.framing.sequence + index;
    }
    source.crc = map_->record_crcs[record];
    return source;
}

std::uint32_t SegmentPlan::record_of_object(std::uint64_t object) const {
    const auto behind = std::upper_bound(
        spans_.begin(), spans_.end(), object,
        [](std::uint64_t wanted, const Span& candidate) { return wanted < candidate.object; });
    TL_ASSERT(behind != spans_.begin());
    const auto& span = *std::prev(behind);
    TL_ASSERT(object - span.object < span.count);
    return span.record + static_cast<std::uint32_t>(object - span.object);
}

std::vector<ChunkSlice> SegmentPlan::slices(std::uint64_t payload_offset,
                                            std::uint32_t payload_length) const {
    std::vector<ChunkSlice> found;
    if (payload_length == 0) {
        return found;
    }
    auto at = payload_offset + map_->skip;
    const auto end = at + payload_length;
    const auto behind = std::upper_bound(chunk_starts_.begin(), chunk_starts_.end(), at);
    TL_ASSERT(behind != chunk_starts_.begin());
    for (auto chunk = static_cast<std::size_t>(behind - chunk_starts_.begin()) - 1; at < end;
         ++chunk) {
        TL_ASSERT(chunk < chunk_starts_.size());
        const auto chunk_end = chunk_starts_[chunk] + map_->chunks[chunk].plain_length;
        const auto slice_end = std::min(end, chunk_end);
        found.push_back({chunk, static_cast<std::uint32_t>(at - chunk_starts_[chunk]),
                         static_cast<std::uint32_t>(slice_end - at)});
        at = slice_end;
    }
    return found;
}

std::uint32_t SegmentPlan::records() const noexcept {
    return records_;
}

std::optional<RecordCut> SegmentPlan::begin_of(std::size_t chunk) const {
    TL_ASSERT(chunk < chunk_starts_.size());
    if (chunk_starts_[chunk] < map_->skip) {
        return std::nullopt;
    }
    const auto payload = chunk_starts_[chunk] - map_->skip;
    const auto behind = std::upper_bound(
        spans_.begin(), spans_.end(), payload,
        [](std::uint64_t wanted, const Span& candidate) { return wanted < candidate.payload; });
    if (behind == spans_.begin()) {
        return std::nullopt;
    }
    const auto& span = *std::prev(behind);
    const auto length = payload_of(span);
    if (length == 0 || (payload - span.payload) / length >= span.count) {
        return std::nullopt;
    }
    const auto index = static_cast<std::uint32_t>((payload - span.payload) / length);
    const auto place = payload_place(record(span.record + index));
    return RecordCut{span.object + index,
                     static_cast<std::uint32_t>(place + (payload - span.payload) % length)};
}

std::size_t payload_place(const RecordSource& source) noexcept {
    return source.framing == RecordFraming::pbs_block ? kPbsBlockHeaderSize : 0;
}

Result<void> assemble_record(const RecordSource& source, ByteView payload, MutableByteView record) {
    TL_ASSERT(record.size() == source.length && payload.size() == source.payload_length);
    const auto place = record.subspan(payload_place(source), payload.size());
    if (payload.data() != place.data()) {
        std::copy(payload.begin(), payload.end(), place.begin());
    }
    if (source.framing == RecordFraming::pbs_block) {
        namespace at = layout::pbs_block;
        frame_pbs_block(
            record, {source.payload_length, source.sequence, (source.flags & at::kEndOfStream) != 0,
                     (source.flags & at::kIncomplete) != 0});
    }
    return check_record(source, record);
}

Result<void> check_record(const RecordSource& source, ByteView record) {
    if (record.size() != source.length || crc32c(record) != source.crc) {
        return Error{Errc::corrupt, "its checksum does not fit its bytes"};
    }
    return {};
}

}  // namespace tapeloft::media
