#include "media/archive/archiver.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <boost/asio/post.hpp>

#include "media/cartridge/spool_files.h"

namespace tapeloft::media {
namespace {

/// Else it is a matter of one cartridge.
constexpr bool ends_the_pass(Errc code) {
    return code == Errc::cancelled || code == Errc::precondition;
}

}  // namespace

bool Archiver::Live::holds(const SegmentRecord& row) const noexcept {
    const auto is_it = [&row](const TapeStream::Finished& segment) {
        return are_same_segment(segment.row, row);
    };
    return stream.holds(row) || std::ranges::any_of(finished, is_it);
}

void Archiver::Live::take_finished() {
    std::ranges::move(stream.take_finished(), std::back_inserter(finished));
}

Archiver::Archiver(ArchiveParts parts, SpoolContext spool, ArchiverSettings settings)
    : parts_(std::move(parts)),
      spool_(std::move(spool)),
      settings_(std::move(settings)),
      log_(parts_, settings_.library),
      departures_(parts_, spool_, settings_.library, [this] { notify(); }),
      setbacks_(parts_.events, settings_.library, settings_.pauses),
      woken_(parts_.strand) {}

void Archiver::stop() {
    parts_.access.stop();
    end_waits();
    wake();
}

void Archiver::end_waits() {
    {
        const std::lock_guard lock(stored_mutex_);  // so that nobody misses it
        waits_ended_ = true;
    }
    stored_changed_.notify_all();
    boost::asio::post(parts_.strand, [this] { notify(); });
}

void Archiver::wake() {
    if (!work_.exchange(true)) {
        boost::asio::post(parts_.strand, [this] { woken_.cancel(); });
    }
}

Awaitable<void> Archiver::run() {
    co_await departures_.finish_left_over();
    next_tick_ = std::chrono::steady_clock::now() + settings_.tick;
    while (!parts_.access.stopped()) {
        const bool tick = co_await wait_for_work();
        if (parts_.access.stopped()) {
            break;
        }
        if (tick && departures_.left_over()) {
            co_await departures_.finish_left_over();
        }
        Result<void> done;
        if (!fenced_) {
            done = co_await pass(tick);
        }
        if (!done && done.error().code == Errc::precondition) {
            fence(done.error());
        } else {
            tell_of(done, tick);
        }
    }
    co_await drop_live();
    co_await departures_.all();
    for (const auto& request : requests_) {
        request->result = Error{Errc::cancelled, "the archive is stopping"};
    }
    requests_.clear();
    notify();
}

void Archiver::fence(const Error& cause) {
    if (fenced_) {
        return;
    }
    parts_.events.error("archive",
                        "Another daemon writes to the store of this library, or the catalog is an "
                        "old copy; nothing is archived any more, and hosts are not served.",
                        {{"library", settings_.library}, {"cause", cause.message}});
    fenced_ = true;
    notify();  // nobody waits for what will not come
}

/// A failure may last, and passes are many: it is told when it begins, when it becomes another one,
/// now and then, and when it ends.
void Archiver::tell_of(const Result<void>& done, bool tick) {
    if (done) {
        if (!tick) {
            return;  // what fails may not have been tried
        }
        if (failing_) {
            parts_.events.info("archive", "Archiving works again.",
                               {{"library", settings_.library}});
        }
        failing_.reset();
        return;
    }
    const auto& error = done.error();
    const auto now = std::chrono::steady_clock::now();
    const bool known = failing_ && failing_->code == error.code && now - failing_->told < kReminder;
    if (error.code == Errc::cancelled || known) {
        return;
    }
    failing_ = Failing{error.code, now};
    parts_.events.error("archive", "Archiving failed; it is tried again.",
                        {{"library", settings_.library}, {"cause", error.message}});
}

/// True: it is time for what waits for more, too.
Awaitable<bool> Archiver::wait_for_work() {
    if (quiet_wanted_ != 0) {
        co_await drop_live();
        quiet_ = true;
        notify();
        while (quiet_ && !parts_.access.stopped()) {
            woken_.expires_after(settings_.tick);
            co_await woken_.async_wait(kAsTuple);
        }
        quiet_ = false;
    }
    if (!work_.exchange(false)) {
        woken_.expires_after(settings_.tick);
        co_await woken_.async_wait(kAsTuple);
        work_ = false;
    }
    const auto now = std::chrono::steady_clock::now();
    const bool tick = now >= next_tick_;
    if (tick) {
        next_tick_ = now + settings_.tick;
        watch_spool(spool_);  // where nobody writes
    }
    co_return tick;
}

Awaitable<Result<void>> Archiver::pass(bool tick) {
    co_await serve_requests();
    auto ask = [this] { return parts_.catalog.cartridges_with_work(settings_.library); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto ids, co_await run_on(std::move(disk), std::move(ask)));
    for (const auto id : ids) {
        auto done = co_await archive(id, tick ? Urgency::tick : Urgency::none);
        if (!done && ends_the_pass(done.error().code)) {
            co_return std::move(done).error();
        }
        co_await serve_requests();
    }
    if (tick) {
        TL_CO_CHECK(co_await log_.store_library_state());
    }
    co_return Result<void>();
}

Awaitable<void> Archiver::serve_requests() {
    while (!requests_.empty()) {
        const auto request = requests_.front();
        requests_.erase(requests_.begin());
        Result<void> done;
        if (fenced_) {
            done = fenced_error();
        } else {
            setbacks_.try_now(request->id);
            done = co_await archive(request->id, Urgency::at_once);
            co_await departures_.all();
        }
        if (done) {
            done = co_await log_.store_library_state();
        }
        if (!done && done.error().code == Errc::precondition) {
            fence(done.error());
        }
        request->result = std::move(done);  // at the end: whoever waits looks at any time
        notify();
    }
}

/// Commit after commit, until nothing is left that is worth one. What failed waits before it is
/// tried again, but for what stands in front of a segment that cannot be read.
Awaitable<Result<void>> Archiver::archive(CartridgeId id, Urgency urgency) {
    auto setback = setbacks_.of(id);
    if (setback && std::chrono::steady_clock::now() >= setback->again) {
        setback.reset();
    }
    if (setback && !setback->segment) {
        co_return setback->error;
    }
    bool more = true;
    bool tried_again = false;
    SegmentRecord lost;  // or none of them
    while (more) {
        if (parts_.access.stopped()) {
            co_return Error{Errc::cancelled, "the archive is stopping"};
        }
        const auto before = setback ? setback->segment : std::nullopt;
        auto done = co_await archive_some(id, urgency, before);
        if (done) {
            tried_again = tried_again && !committed_;
            more = *done;
            continue;
        }
        co_await drop(id);
        if (ends_the_pass(done.error().code)) {
            co_return std::move(done).error();
        }
        const auto lost_before = std::exchange(lost, unreadable_.value_or(SegmentRecord()));
        const bool again = tried_again && are_same_segment(lost, lost_before);
        if (done.error().code == Errc::not_found && !again) {
            tried_again = true;  // the host cut the tape meanwhile; what it cut is not listed again
            continue;
        }
        const bool in_front = before.has_value();
        setback = setbacks_.begin(id, std::move(done).error(),
                                  unreadable_ ? std::optional(unreadable_->number) : std::nullopt);
        {
            const std::lock_guard lock(stored_mutex_);  // so that nobody misses it
        }
        stored_changed_.notify_all();
        more = setback->segment && !in_front;
    }
    if (setback) {
        co_return setback->error;
    }
    co_return Result<void>();
}

/// One commit, or, where there is much, the reading of more beside the commit of what was read
/// before; false: there is nothing (more) to do now. before: a segment that is left for later, and
/// so is what follows it.
Awaitable<Result<bool>> Archiver::archive_some(CartridgeId id, Urgency urgency,
                                               std::optional<std::uint64_t> before) {
    unreadable_.reset();
    committed_ = false;
    const auto known = live_.find(id);
    const auto uncommitted = known == live_.end() ? 0 : known->second.uncommitted();
    const auto most = uncommitted + settings_.segments_max;  // those that were read come again
    auto ask = [this, id, most] { return parts_.catalog.work(id, most); };
    auto disk = parts_.disk;
    auto asked = co_await run_on(std::move(disk), std::move(ask));
    if (!asked && asked.error().code == Errc::not_found) {
        co_return false;  // the cartridge was deleted
    }
    if (!asked) {
        co_return asked.error();
    }
    auto& work = *asked;
    TL_CO_TRY(const bool resynchronised, co_await log_.adopt(work));
    if (resynchronised) {
        co_return true;
    }
    // FORMAT.md, invariant 6: its state, then its name, then its segments.
    if (work.head.sequence == 0 && !work.segments.empty()) {
        TL_CO_CHECK(co_await log_.commit(work, {}, {}));
        co_return true;
    }
    const bool full = work.segments.size() >= most;
    const bool ends = (before && end_before(*before, work)) || work.at_end;
    auto& live = live_[id];
    if (!live.pipeline) {
        live.pipeline = std::make_unique<ChunkPipeline>(parts_, id);
    }
    const auto fresh = new_segments(live, work);
    if (!fresh) {
        co_await drop(id);  // the tape was cut
        co_return true;
    }
    const auto& segments = *fresh;
    const bool rest = ends && !live.stream.idle();
    const bool ends_now = rest && urgency != Urgency::none;
    if (live.finished.empty() && !ends_now &&
        !worth_it(work, segments.size(), before ? Urgency::at_once : urgency)) {
        if (live.idle()) {
            live_.erase(id);
        }
        co_return false;
    }
    if (!work.segments.empty()) {
        TL_CO_CHECK(co_await log_.store_library_state());
    }
    const bool much = full || segments.size() >= settings_.segments_wanted;
    if (much && !segments.empty() && !before) {
        TL_CO_CHECK(co_await read_on(live, work, segments));
        if (committed_) {
            setbacks_.end(id);
        }
        co_return true;
    }
    bool broke_off = false;
    const std::function<bool(std::size_t)> never = [](std::size_t) { return false; };
    TL_CO_CHECK(co_await read_segments(live, work.record, segments, broke_off, never));
    // Where a segment follows, its first bytes may belong to the last chunk.
    const bool flush = ends || broke_off || live.stream.held() >= kHeldMax;
    if (flush) {
        co_await end_chunk(live);
    }
    live.take_finished();
    co_await live.pipeline->seal();
    TL_CO_CHECK(co_await commit(live, work));
    next_small_[id] = std::chrono::steady_clock::now() + settings_.small_commits_apart;
    if (!before) {
        setbacks_.end(id);
    }
    if (flush && live.idle()) {
        parts_.progress.dropped(id);
        live_.erase(id);
    }
    co_return broke_off || (full && !before);
}

/// Leaves the segment and what follows it to a later commit; false: it is not there.
bool Archiver::end_before(std::uint64_t segment, ArchiveWork& work) {
    const auto found = std::ranges::find(work.segments, segment, &SegmentRecord::number);
    if (found == work.segments.end()) {
        return false;
    }
    work.segments.erase(found, work.segments.end());
    return true;
}

/// Segments that were not read yet; where the last one that was does not lead on to them, a new
/// stream begins. Nothing: those that were read are not what the catalog has any more (or it has so
/// much in front of them, in another partition, that they were not among what was asked for).
std::optional<std::vector<SegmentRecord>> Archiver::new_segments(Live& live,
                                                                 const ArchiveWork& work) {
    std::vector<SegmentRecord> fresh;
    std::ranges::copy_if(work.segments, std::back_inserter(fresh),
                         [&live](const SegmentRecord& row) { return !live.holds(row); });
    if (work.segments.size() - fresh.size() != live.uncommitted()) {
        return std::nullopt;
    }
    if (live.stream.idle() && !fresh.empty() && !live.stream.continues(fresh.front())) {
        live.stream = TapeStream(live.stream.next_chunk());
    }
    return fresh;
}

bool Archiver::worth_it(const ArchiveWork& work, std::size_t segments, Urgency urgency) const {
    const auto last = next_small_.find(work.record.id);
    const bool waited =
        last == next_small_.end() || std::chrono::steady_clock::now() >= last->second;
    const bool urgent =
        urgency == Urgency::at_once || (urgency == Urgency::tick && (waited || work.at_end));
    const bool pressed = spool_.budget.used() > spool_.budget.limit() / 2;
    return segments >= settings_.segments_wanted || (segments != 0 && (pressed || urgent)) ||
           (urgent && !work.changes.empty());
}

/// Cuts the last chunk where it is.
Awaitable<void> Archiver::end_chunk(Live& live) {
    std::vector<StreamChunk> rest;
    live.stream.flush(rest);
    co_await live.pipeline->add(std::move(rest));
}

/// What is finished, and the changes.
Awaitable<Result<void>> Archiver::commit(Live& live, const ArchiveWork& work) {
    const auto finished = std::exchange(live.finished, {});
    auto below = live.stream.needed_from();
    if (!finished.empty()) {
        const auto& last = finished.back();
        below = last.first_chunk + last.map.chunks.size();
    }
    TL_CO_TRY(auto packs, co_await live.pipeline->settle(below));
    std::vector<ReadySegment> ready;
    for (const auto& segment : finished) {
        ready.push_back({segment.row, describe(*live.pipeline, segment)});
    }
    live.pipeline->forget_below(live.stream.needed_from());
    if (ready.empty() && work.changes.empty()) {
        if (!packs.empty()) {
            TL_CO_CHECK(co_await log_.add_packs(std::move(packs)));
        }
    } else {
        TL_CO_CHECK(co_await log_.commit(work, std::move(ready), std::move(packs)));
        for (const auto& segment : finished) {
            parts_.progress.stored(work.record.id, segment.map.plain_bytes());
        }
        co_await let_go(work.record, finished);
    }
    committed_ = true;
    co_return Result<void>();
}

StoredSegment Archiver::describe(const ChunkPipeline& pipeline,
                                 const TapeStream::Finished& finished) {
    auto map = finished.map;
    for (std::size_t i = 0; i < map.chunks.size(); ++i) {
        map.chunks[i].fingerprint = pipeline.fingerprint(finished.first_chunk + i);
    }
    StoredSegment stored;
    stored.number = finished.row.number;
    stored.map = map.encode();
    stored.chunks = std::move(map.chunks);
    return stored;
}

/// What is stored leaves the spool, while archiving goes on.
Awaitable<void> Archiver::let_go(CartridgeRecord record,
                                 const std::vector<TapeStream::Finished>& finished) {
    if (finished.empty()) {
        co_return;
    }
    std::vector<std::uint64_t> numbers;
    {
        const std::lock_guard lock(stored_mutex_);
        for (const auto& segment : finished) {
            numbers.push_back(segment.row.number);
            if (!segment.row.sealed) {
                stored_[record.id].insert(segment.row.number);
            }
        }
    }
    stored_changed_.notify_all();
    co_await departures_.begin(std::move(record), std::move(numbers));
}

bool Archiver::is_stored(CartridgeId cartridge, std::uint64_t segment) const {
    const std::lock_guard lock(stored_mutex_);
    const auto found = stored_.find(cartridge);
    return found != stored_.end() && found->second.contains(segment);
}

void Archiver::wait_stored(CartridgeId cartridge, std::uint64_t segment,
                           std::chrono::milliseconds most) {
    std::unique_lock lock(stored_mutex_);
    if (waiting_ == kWaitingMax) {
        return;
    }
    ++waiting_;
    stored_changed_.wait_for(lock, most, [this, cartridge, segment] {
        const auto found = stored_.find(cartridge);
        return waits_ended_ || setbacks_.of(cartridge) ||
               (found != stored_.end() && found->second.contains(segment));
    });
    --waiting_;
}

void Archiver::closed(CartridgeId cartridge) {
    const std::lock_guard lock(stored_mutex_);
    stored_.erase(cartridge);
}

/// Forgets what is under way. The packs that are stored already are noted, so that the next try
/// finds their chunks, or the collector what nobody needs.
Awaitable<void> Archiver::drop(CartridgeId id) {
    const auto live = live_.find(id);
    if (live == live_.end()) {
        co_return;
    }
    parts_.progress.dropped(id);
    if (live->second.pipeline) {
        auto packs = co_await live->second.pipeline->abandon();
        if (!packs.empty() && !fenced_) {
            const auto noted = co_await log_.add_packs(std::move(packs));
            if (!noted && noted.error().code != Errc::cancelled) {
                parts_.events.warning(
                    "archive",
                    "Packs that were stored are not in the index; nothing refers to them.",
                    {{"library", settings_.library}, {"reason", noted.error().message}});
            }
        }
    }
    live_.erase(id);
}

Awaitable<void> Archiver::drop_live() {
    while (!live_.empty()) {
        co_await drop(live_.begin()->first);
    }
}

}  // namespace tapeloft::media
