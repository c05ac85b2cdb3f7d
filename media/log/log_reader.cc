#include <algorithm>
#include <utility>

#include "cloud/base/hex.h"

#include "media/log/log_entries.h"
#include "media/log/log_fetch.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {
namespace {

/// One reading of a stream. chain_ is gapless; it begins at a checkpoint or at object 1.
class LogReading {
  public:
    LogReading(ObjectStore& store, const KeyRing& keys, const StreamId& stream,
               const std::optional<StreamHead>& known, TrimLogObject trim)
        : fetch_(store, keys, stream, trim), stream_(stream), known_(known) {}

    Awaitable<Result<LogContents>> run();

  private:
    Awaitable<Result<bool>> read_from_checkpoint();
    Awaitable<Result<void>> read_down_from_list();
    Awaitable<Result<void>> take_down(std::uint64_t top);
    Awaitable<Result<void>> read_beyond();
    Awaitable<Result<void>> read_what_is_listed_beyond();
    Awaitable<Result<void>> read_retained(LogContents* contents);
    [[nodiscard]] Result<void> check(const std::optional<StreamHead>& end,
                                     const std::string& who) const;
    void note_head();
    LogContents split();
    [[nodiscard]] Error missing(std::uint64_t sequence) const;

    LogFetch fetch_;
    StreamId stream_;
    std::optional<StreamHead> known_;
    std::optional<StreamHead> stored_;  ///< the head object
    StreamHead newest_;                 ///< of the two; sequence 0: there is neither
    std::vector<LogObjectAt> chain_;
    std::vector<LogFinding> findings_;
};

Error LogReading::missing(std::uint64_t sequence) const {
    auto error = fetch_.removed(sequence);
    if (known_ && sequence <= known_->sequence) {
        error.message += "; the catalog knows the stream up to object " +
                         std::to_string(known_->sequence) + ": an older state was put back";
    }
    return error;
}

Awaitable<Result<LogContents>> LogReading::run() {
    TL_CO_TRY(stored_, co_await fetch_.head(&findings_));
    newest_ = stored_.value_or(StreamHead{});
    if (known_ && known_->sequence > newest_.sequence) {
        newest_ = *known_;
    }
    TL_CO_TRY(const bool whole, co_await read_from_checkpoint());
    if (!whole) {
        TL_CO_CHECK(co_await read_down_from_list());
    }
    TL_CO_CHECK(co_await read_beyond());
    if (whole) {
        TL_CO_CHECK(co_await read_what_is_listed_beyond());
    }
    TL_CO_CHECK(fetch_.check_chain(chain_));
    TL_CO_CHECK(check(stored_, "the head"));
    TL_CO_CHECK(check(known_, "the catalog"));
    note_head();
    auto contents = split();
    TL_CO_CHECK(co_await read_retained(&contents));
    co_return contents;
}

/// False: an object is missing there. It may be that a later checkpoint made it obsolete, which an
/// old head does not know.
Awaitable<Result<bool>> LogReading::read_from_checkpoint() {
    const auto first = std::max<std::uint64_t>(newest_.checkpoint, 1);
    for (auto next = first; next <= newest_.sequence;) {
        const auto count = std::min<std::uint64_t>(LogFetch::kAtOnce, newest_.sequence - next + 1);
        TL_CO_TRY(auto objects, co_await fetch_.range(next, count));
        for (auto& at : objects) {
            if (!at) {
                chain_.clear();
                co_return false;
            }
            chain_.push_back(std::move(*at));
        }
        next += count;
    }
    if (newest_.checkpoint != 0 && chain_.front().object.kind != LogKind::checkpoint) {
        co_return Error{Errc::corrupt,
                        fetch_.name(first) + " is no checkpoint, though the head says so"};
    }
    co_return !chain_.empty();
}

Awaitable<Result<void>> LogReading::read_down_from_list() {
    TL_CO_TRY(const auto listed, co_await fetch_.highest_listed(0));
    const auto top = std::max(listed.value_or(0), newest_.sequence);
    if (top != 0) {
        co_return co_await take_down(top);
    }
    // A list need not show the first object of a young stream.
    TL_CO_TRY(chain_, co_await fetch_.from(1));
    if (chain_.empty()) {
        co_return Error{Errc::not_found, "the store has no log stream " + to_hex(stream_)};
    }
    co_return Result<void>();
}

/// From `top` down to the newest checkpoint, or object 1. The objects behind the newest checkpoint
/// are all there, so one of them in the list is enough: the rest is asked for by name.
Awaitable<Result<void>> LogReading::take_down(std::uint64_t top) {
    for (auto end = top; end != 0;) {
        const auto count = std::min<std::uint64_t>(LogFetch::kAtOnce, end);
        TL_CO_TRY(auto objects, co_await fetch_.range(end - count + 1, count));
        for (; !objects.empty(); objects.pop_back(), --end) {
            if (!objects.back()) {
                co_return missing(end);
            }
            chain_.push_back(std::move(*objects.back()));
            if (chain_.back().object.kind == LogKind::checkpoint) {
                end = 1;
                objects.resize(1);
            }
        }
    }
    std::reverse(chain_.begin(), chain_.end());
    co_return Result<void>();
}

Awaitable<Result<void>> LogReading::read_beyond() {
    TL_CO_TRY(auto beyond, co_await fetch_.from(chain_.back().object.sequence + 1));
    std::move(beyond.begin(), beyond.end(), std::back_inserter(chain_));
    co_return Result<void>();
}

/// An old head that was put back together with what it names hides a later checkpoint, which made
/// the objects in between obsolete: the list has objects behind the end then.
Awaitable<Result<void>> LogReading::read_what_is_listed_beyond() {
    TL_CO_TRY(const auto listed, co_await fetch_.highest_listed(chain_.back().object.sequence));
    if (!listed) {
        co_return Result<void>();
    }
    chain_.clear();
    TL_CO_CHECK(co_await take_down(*listed));
    co_return co_await read_beyond();
}

/// What the head or the catalog says of an object must be true of it.
Result<void> LogReading::check(const std::optional<StreamHead>& end, const std::string& who) const {
    if (!end || end->sequence == 0) {
        return {};
    }
    const auto first = chain_.front().object.sequence;
    const bool before = end->sequence + 1 == first;
    if (before && chain_.front().object.previous != end->digest) {
        return fetch_.out_of_chain(first);
    }
    if (end->sequence >= first && chain_[end->sequence - first].digest != end->digest) {
        return Error{Errc::corrupt,
                     fetch_.name(end->sequence) + " is another one than " + who + " names"};
    }
    return {};
}

void LogReading::note_head() {
    if (!stored_) {
        return;
    }
    // A crash leaves a head behind by one object, which the catalog then does not know either.
    const auto end = chain_.back().object.sequence;
    if (stored_->sequence + 1 < end || (known_ && stored_->sequence < known_->sequence)) {
        findings_.push_back({head_name(stream_), "an older head was put back: it names object " +
                                                     std::to_string(stored_->sequence) +
                                                     ", the stream ends with object " +
                                                     std::to_string(end)});
    }
}

LogContents LogReading::split() {
    LogContents contents;
    contents.stream = stream_;
    contents.head = {0, chain_.back().object.sequence, chain_.back().digest};
    contents.findings = std::move(findings_);
    const auto newest = std::find_if(chain_.rbegin(), chain_.rend(), [](const LogObjectAt& at) {
        return at.object.kind == LogKind::checkpoint;
    });
    auto deltas = chain_.begin();
    if (newest != chain_.rend()) {
        deltas = newest.base();
        contents.head.checkpoint = newest->object.sequence;
        contents.checkpoint = std::move(*newest);
    }
    std::move(deltas, chain_.end(), std::back_inserter(contents.deltas));
    return contents;
}

Awaitable<Result<void>> LogReading::read_retained(LogContents* contents) {
    if (!contents->checkpoint) {
        co_return Result<void>();
    }
    const auto& checkpoint = contents->checkpoint->object;
    TL_CO_TRY(const auto retained, decode_retained(checkpoint.entries.front()));
    if (!retained.empty() && retained.back().sequence >= checkpoint.sequence) {
        co_return Error{Errc::corrupt,
                        fetch_.name(checkpoint.sequence) + " retains objects behind itself"};
    }
    std::vector<std::uint64_t> sequences;
    for (const auto& object : retained) {
        sequences.push_back(object.sequence);
    }
    TL_CO_TRY(auto objects, co_await fetch_.objects(std::move(sequences)));
    for (std::size_t i = 0; i < retained.size(); ++i) {
        if (!objects[i]) {
            co_return missing(retained[i].sequence);
        }
        if (objects[i]->digest != retained[i].digest) {
            co_return Error{Errc::corrupt, fetch_.name(retained[i].sequence) +
                                               " is another one than the checkpoint names"};
        }
        contents->retained.push_back(std::move(*objects[i]));
    }
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<LogContents>> read_log(ObjectStore& store, const KeyRing& keys, StreamId stream,
                                        std::optional<StreamHead> known, TrimLogObject trim) {
    LogReading reading(store, keys, stream, known, trim);
    co_return co_await reading.run();
}

}  // namespace tapeloft::media
