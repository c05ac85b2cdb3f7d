#include "media/chunk/chunker.h"

#include "media/chunk/archive_follower.h"
#include "media/chunk/fast_cdc.h"
#include "media/pbs/block_format.h"

namespace tapeloft::media {
namespace {

/// Inside a piece of a PBS archive that is longer than a chunk may be.
constexpr ChunkLengths kLongPieceLengths = {1024 * 1024, 4 * 1024 * 1024, kChunkLengthMax};

}  // namespace

/// Invariants between calls: seen_ bytes of what is pending were looked at; when next_cut() says
/// nothing, that is all of it. end_ <= seen_: a cut that is due there, whatever is in between.
class Chunker::State {
  public:
    explicit State(const ChunkLengths& lengths) : plain_(lengths), long_(kLongPieceLengths) {}

    void begin_record(const FramingRun& framing, bool first_of_file) {
        const bool block = framing.framing == RecordFraming::pbs_block;
        if (first_of_file && seen_ != 0 && !end_) {
            end_ = seen_;
        }
        if (first_of_file && block && framing.sequence == 0) {
            archive_.begin();
            is_long_ = false;
        } else if (first_of_file || !block || framing.sequence != next_sequence_ || ended_) {
            archive_.lose();
        }
        next_sequence_ = framing.sequence + 1;
        ended_ = (framing.flags & layout::pbs_block::kEndOfStream) != 0;
    }

    std::optional<std::size_t> next_cut(ByteView pending) {
        TL_ASSERT(seen_ <= pending.size());
        if (!end_ && archive_.is_following()) {
            follow(pending);
        }
        if (!end_ && !archive_.is_following()) {
            seen_ = pending.size();
        }
        const auto visible = pending.first(end_.value_or(seen_));
        if (!archive_.is_following()) {
            if (const auto cut = plain_.scan(visible)) {
                return take(*cut);
            }
        } else if (is_long_) {
            if (const auto cut = long_.scan(visible)) {
                return take(*cut);
            }
        }
        return end_ ? std::optional<std::size_t>(take(*end_)) : std::nullopt;
    }

    void cut_here() {
        seen_ = 0;
        end_.reset();
        restart_scans();
    }

  private:
    void follow(ByteView pending) {
        const auto step = archive_.take(pending.subspan(seen_));
        seen_ += step.taken;
        if (step.piece_length != 0) {
            is_long_ = step.piece_length > kChunkLengthMax;
        }
        if (step.ends_piece && seen_ != 0) {
            end_ = seen_;
        }
    }

    std::size_t take(std::size_t cut) {
        seen_ -= cut;
        if (end_ && *end_ == cut) {
            end_.reset();
        } else if (end_) {
            *end_ -= cut;
        }
        restart_scans();
        return cut;
    }

    void restart_scans() {
        plain_.restart();
        long_.restart();
    }

    ArchiveFollower archive_;
    std::uint32_t next_sequence_ = 0;
    bool ended_ = false;    ///< the last block ended its stream
    bool is_long_ = false;  ///< what is pending is of a piece that no chunk can hold
    std::size_t seen_ = 0;
    std::optional<std::size_t> end_;
    CutScan plain_;
    CutScan long_;
};

Chunker::Chunker(const ChunkLengths& lengths) : state_(std::make_unique<State>(lengths)) {}
Chunker::Chunker(Chunker&&) noexcept = default;
Chunker& Chunker::operator=(Chunker&&) noexcept = default;
Chunker::~Chunker() = default;

void Chunker::begin_record(const FramingRun& framing, bool first_of_file) {
    state_->begin_record(framing, first_of_file);
}

std::optional<std::size_t> Chunker::next_cut(ByteView pending) {
    return state_->next_cut(pending);
}

void Chunker::cut_here() {
    state_->cut_here();
}

}  // namespace tapeloft::media
