#include "media/archive/tape_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace tapeloft::media {
namespace {

/// Of payload that is copied because there are headers in between: room for the longest chunk, and
/// more.
constexpr std::size_t kBlockSize = 2 * kChunkLengthMax;
/// Of payload that is copied because the records before it lie elsewhere, until the next cut: room
/// for the longest chunk of it.
constexpr std::size_t kJointSize = 512UL * 1024;

}  // namespace

bool TapeStream::continues(const SegmentRecord& row) const noexcept {
    return !begun_ || (row.partition == last_.partition &&
                       row.first_object == last_.first_object + last_.object_count);
}

bool TapeStream::holds(const SegmentRecord& row) const noexcept {
    return std::ranges::any_of(open_, [&row](const Open& open) {
        return open.row.number == row.number && open.row.object_count == row.object_count;
    });
}

void TapeStream::begin_segment(const SegmentRecord& row) {
    TL_ASSERT(continues(row) && (open_.empty() || open_.back().ended));
    begun_ = true;
    last_ = row;
    Open open;
    open.row = row;
    open.start = payload_;
    open_.push_back(std::move(open));
}

void TapeStream::add_record(const StoredRecord& record, std::vector<StreamChunk>& out) {
    const auto bytes = record.bytes.view();
    auto framed = frame_record(bytes);
    if (record.encoding != RecordEncoding::plain) {
        framed = {{RecordFraming::none, 0, 0, 0, 1}, bytes};
    }
    open_.back().builder.add_record(
        {static_cast<std::uint32_t>(bytes.size()), record.encoding, framed.framing, record.crc});
    chunker_.begin_record(framed.framing, first_of_file_);
    first_of_file_ = false;
    append(record.bytes, framed.payload);
    cut_pending(out);
    TL_ASSERT(pending_ < kChunkLengthMax);
    if (framed.payload.size() == bytes.size() && pending_ <= bytes.size()) {
        lie_in(record.bytes);  // what is pending are its last bytes
    }
}

/// Chunks are slices of where the records lie, as long as these are all payload and one behind the
/// other; payload is copied where it is not, or where pending bytes lie elsewhere.
void TapeStream::append(const Buffer& record, ByteView payload) {
    if (payload.empty()) {
        return;
    }
    const bool whole = payload.size() == record.size();
    if (whole && pending_ == 0) {
        lie_in(record);
    } else if (whole && !block_is_ours_ && block_.is_followed_by(record)) {
        lie_in(block_.joined_with(record));
    } else {
        copy_behind_pending(payload, whole ? kJointSize : kBlockSize);
    }
    pending_ += payload.size();
    payload_ += payload.size();
}

void TapeStream::lie_in(Buffer records) {
    block_used_ = records.size();
    block_ = std::move(records);
    block_is_ours_ = false;
}

/// room: what a new block has, at least, where one is needed.
void TapeStream::copy_behind_pending(ByteView payload, std::size_t room) {
    if (!block_is_ours_ || block_.size() - block_used_ < payload.size()) {
        auto next = Buffer::allocate(std::max(room, payload.size()) + pending_);
        if (pending_ != 0) {
            std::memcpy(next.mutable_view().data(), block_.view().data() + (block_used_ - pending_),
                        pending_);
        }
        block_ = std::move(next);
        block_used_ = pending_;
        block_is_ours_ = true;
    }
    std::memcpy(block_.mutable_view().data() + block_used_, payload.data(), payload.size());
    block_used_ += payload.size();
}

/// As far as the chunker says.
void TapeStream::cut_pending(std::vector<StreamChunk>& out) {
    while (pending_ != 0) {
        const auto pending = block_.view().subspan(block_used_ - pending_, pending_);
        const auto length = chunker_.next_cut(pending);
        if (!length) {
            break;
        }
        TL_ASSERT(*length >= 1 && *length <= pending_);
        cut(*length, out);
    }
}

void TapeStream::cut(std::size_t length, std::vector<StreamChunk>& out) {
    StreamChunk chunk;
    chunk.number = cuts_first_ + cuts_.size();
    chunk.plain = block_.slice(block_used_ - pending_, length);
    cuts_.push_back({end_of_cuts(), static_cast<std::uint32_t>(length)});
    pending_ -= length;
    out.push_back(std::move(chunk));
}

void TapeStream::add_filemarks(std::uint32_t count, std::vector<StreamChunk>& out) {
    flush(out);
    first_of_file_ = true;
    open_.back().builder.add_filemarks(count);
}

void TapeStream::add_damage(std::uint64_t objects, std::uint64_t filemarks,
                            std::uint32_t file_bytes) {
    open_.back().builder.add_damage(objects, filemarks, file_bytes);
}

void TapeStream::end_segment() {
    open_.back().end = payload_;
    open_.back().ended = true;
}

void TapeStream::flush(std::vector<StreamChunk>& out) {
    if (pending_ != 0) {
        cut(pending_, out);
    }
    chunker_.cut_here();
}

std::vector<TapeStream::Finished> TapeStream::take_finished() {
    std::vector<Finished> finished;
    while (!open_.empty() && open_.front().ended && open_.front().end <= end_of_cuts()) {
        finished.push_back(finish(std::move(open_.front())));
        open_.pop_front();
        const auto from = open_.empty() ? payload_ : open_.front().start;
        while (!cuts_.empty() && cuts_.front().start + cuts_.front().length <= from) {
            cuts_.pop_front();
            ++cuts_first_;
        }
    }
    return finished;
}

std::uint64_t TapeStream::needed_from() const noexcept {
    return cuts_first_;
}

TapeStream::Finished TapeStream::finish(Open open) const {
    Finished finished;
    const auto first = std::ranges::find_if(
        cuts_, [&open](const Cut& cut) { return cut.start + cut.length > open.start; });
    finished.first_chunk =
        cuts_first_ + static_cast<std::uint64_t>(std::distance(cuts_.begin(), first));
    std::uint32_t skip = 0;
    std::vector<ChunkRef> chunks;
    for (auto cut = first; cut != cuts_.end() && cut->start < open.end; ++cut) {
        if (cut == first) {
            skip = static_cast<std::uint32_t>(open.start - std::min(open.start, cut->start));
        }
        chunks.push_back({{}, cut->length});
    }
    finished.row = open.row;
    finished.map = std::move(open.builder).finish(skip, std::move(chunks));
    return finished;
}

}  // namespace tapeloft::media
