#include "media/archive/archiver.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include "media/archive/segment_records.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {
namespace {

/// Payload in one group of chunks.
constexpr std::size_t kGroupBytes = 16UL * 1024 * 1024;

/// Else it is a matter of one cartridge.
constexpr bool ends_the_pass(Errc code) {
    return code == Errc::cancelled || code == Errc::precondition;
}

constexpr auto kNoWait = boost::asio::as_tuple(boost::asio::use_awaitable);

}  // namespace

Archiver::Archiver(ArchiveParts parts, SpoolContext spool, ArchiverSettings settings)
    : parts_(std::move(parts)),
      spool_(std::move(spool)),
      settings_(std::move(settings)),
      log_(parts_, settings_.library),
      departures_(parts_.strand),
      woken_(parts_.strand) {}

void Archiver::stop() {
    parts_.access.stop();
    {
        const std::lock_guard lock(stored_mutex_);  // so that nobody misses it
    }
    stored_changed_.notify_all();
    wake();
}

void Archiver::wake() {
    if (!work_.exchange(true)) {
        boost::asio::post(parts_.strand, [this] { woken_.cancel(); });
    }
}

Awaitable<void> Archiver::run() {
    co_await let_go_of_the_rest();
    while (!parts_.access.stopped()) {
        const bool tick = co_await wait_for_work();
        if (parts_.access.stopped()) {
            break;
        }
        Result<void> done;
        if (!fenced_) {
            done = co_await pass(tick);
        }
        if (!done && done.error().code == Errc::precondition) {
            fenced_ = true;
            notify();  // nobody waits for what will not come
            parts_.events.error("archive",
                                "Another daemon writes to the store of this library; nothing is "
                                "archived any more.",
                                {{"library", settings_.library}, {"cause", done.error().message}});
        } else if (!done && done.error().code != Errc::cancelled) {
            parts_.events.error("archive", "Archiving failed; it is tried again.",
                                {{"library", settings_.library}, {"cause", done.error().message}});
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

/// True: it is time for what waits for more, too.
Awaitable<bool> Archiver::wait_for_work() {
    if (quiet_wanted_ != 0) {
        co_await drop_live();
        quiet_ = true;
        notify();
        while (quiet_wanted_ != 0 && !parts_.access.stopped()) {
            woken_.expires_after(settings_.tick);
            co_await woken_.async_wait(kNoWait);
        }
        quiet_ = false;
    }
    if (!work_.exchange(false)) {
        woken_.expires_after(settings_.tick);
        co_await woken_.async_wait(kNoWait);
        work_ = false;
    }
    const auto now = std::chrono::steady_clock::now();
    const bool tick = now >= next_tick_;
    if (tick) {
        next_tick_ = now + settings_.tick;
    }
    co_return tick;
}

Awaitable<Result<void>> Archiver::pass(bool tick) {
    co_await serve_requests();
    auto ask = [this] { return parts_.catalog.cartridges_with_work(settings_.library); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto ids, co_await run_on(std::move(disk), std::move(ask)));
    Result<void> first_failure;
    for (const auto id : ids) {
        auto done = co_await archive(id, tick);
        if (!done && ends_the_pass(done.error().code)) {
            co_return std::move(done).error();
        }
        if (!done && first_failure) {
            first_failure = std::move(done).error();  // the other cartridges are archived
        }
        co_await serve_requests();
    }
    if (tick) {
        TL_CO_CHECK(co_await log_.store_library_state());
    }
    co_return first_failure;
}

Awaitable<void> Archiver::serve_requests() {
    while (!requests_.empty()) {
        const auto request = requests_.front();
        requests_.erase(requests_.begin());
        Result<void> done;
        if (fenced_) {
            done = fenced_error();
        } else {
            done = co_await archive(request->id, true);
            co_await departures_.all();
        }
        if (done) {
            done = co_await log_.store_library_state();
        }
        request->result = std::move(done);  // at the end: whoever waits looks at any time
        notify();
    }
}

/// Commit after commit, until nothing is left that is worth one. urgent: everything is.
Awaitable<Result<void>> Archiver::archive(CartridgeId id, bool urgent) {
    bool more = true;
    bool tried_again = false;
    while (more) {
        if (parts_.access.stopped()) {
            co_return Error{Errc::cancelled, "the archive is stopping"};
        }
        auto done = co_await archive_some(id, urgent);
        if (!done) {
            co_await drop(id);
            if (done.error().code != Errc::not_found || tried_again) {
                co_return std::move(done).error();
            }
            tried_again = true;  // the host cut the tape meanwhile, unless it comes again
            continue;
        }
        tried_again = false;
        more = *done;
    }
    co_return Result<void>();
}

/// One commit; false: there is nothing (more) to do now.
Awaitable<Result<bool>> Archiver::archive_some(CartridgeId id, bool urgent) {
    // Those that wait for the end of their last chunk come again, in front of the others.
    const auto known = live_.find(id);
    const auto held = known == live_.end() ? 0 : known->second.stream.held();
    const auto most = held + settings_.segments_max;
    auto ask = [this, id, most] { return parts_.catalog.work(id, most); };
    auto disk = parts_.disk;
    const auto asked = co_await run_on(std::move(disk), std::move(ask));
    if (!asked && asked.error().code == Errc::not_found) {
        co_return false;  // the cartridge was deleted
    }
    if (!asked) {
        co_return asked.error();
    }
    const auto& work = *asked;
    TL_CO_TRY(const bool resynchronised, co_await log_.adopt(work));
    if (resynchronised) {
        co_return true;
    }
    // FORMAT.md, invariant 6: its state, then its name, then its segments.
    if (work.head.sequence == 0 && !work.segments.empty()) {
        TL_CO_CHECK(co_await log_.commit(work, {}));
        co_return true;
    }
    auto& live = live_[id];
    if (!live.pipeline) {
        live.pipeline = std::make_unique<ChunkPipeline>(parts_);
    }
    const auto segments = new_segments(live, work);
    const bool rest = work.at_end && !live.stream.idle();
    if (!worth_it(work, segments.size(), urgent) && !(urgent && rest)) {
        if (live.stream.idle()) {
            live_.erase(id);
        }
        co_return false;
    }
    if (!work.segments.empty()) {
        TL_CO_CHECK(co_await log_.store_library_state());
    }
    bool broke_off = false;
    for (const auto& row : segments) {
        if (!live.stream.continues(row)) {
            broke_off = true;  // another partition: with the next commit
            break;
        }
        TL_CO_CHECK(co_await read_segment(live, work.record, row));
    }
    // Where a segment follows, its first bytes may belong to the last chunk.
    const bool full = work.segments.size() >= most;
    const bool flush = work.at_end || broke_off || live.stream.held() >= kHeldMax;
    TL_CO_CHECK(co_await commit(live, work, flush));
    co_return broke_off || full;
}

/// Segments that were not read yet. Where those that were are not what the catalog has any more
/// (the tape was cut), or do not lead on, all are read anew.
std::vector<SegmentRecord> Archiver::new_segments(Live& live, const ArchiveWork& work) {
    std::vector<SegmentRecord> fresh;
    std::size_t held = 0;
    for (const auto& row : work.segments) {
        if (live.stream.holds(row)) {
            ++held;
        } else {
            fresh.push_back(row);
        }
    }
    const bool cut = held != live.stream.held();
    if (cut || (live.stream.idle() && !fresh.empty() && !live.stream.continues(fresh.front()))) {
        live.stream = TapeStream(live.stream.next_chunk());
        return work.segments;
    }
    return fresh;
}

bool Archiver::worth_it(const ArchiveWork& work, std::size_t segments, bool urgent) const {
    const bool pressed = spool_.budget.used() > spool_.budget.limit() / 2;
    return segments >= settings_.segments_wanted || (segments != 0 && (pressed || urgent)) ||
           (urgent && !work.changes.empty());
}

Awaitable<Result<void>> Archiver::read_segment(Live& live, const CartridgeRecord& record,
                                               const SegmentRecord& row) {
    TL_CO_TRY(const auto directory, cartridge_directory(spool_, record));
    auto open = [this, row, path = directory / segment_file_name(row.number),
                 serial = record.medium_serial] {
        return SegmentRecords::open(spool_.files, path, row, serial);
    };
    auto disk = parts_.disk;
    TL_CO_TRY(auto records, co_await run_on(std::move(disk), std::move(open)));
    live.stream.begin_segment(row);
    bool more = true;
    while (more) {
        std::vector<StreamChunk> chunks;
        auto feed = [&records, &live, &chunks] {
            return records.feed(live.stream, kGroupBytes, chunks);
        };
        auto cpu = parts_.cpu;
        TL_CO_TRY(more, co_await run_on(std::move(cpu), std::move(feed)));
        co_await live.pipeline->add(std::move(chunks));
    }
    live.stream.end_segment();
    if (!records.damage().empty()) {
        TL_CO_CHECK(co_await check_still_there(record.id, row));
        report(record, row, records.damage());
    }
    co_return Result<void>();
}

/// Errors: not_found (the host cut it off while it was read).
Awaitable<Result<void>> Archiver::check_still_there(CartridgeId id, const SegmentRecord& row) {
    auto ask = [this, id] { return parts_.catalog.work(id, settings_.segments_max); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto work, co_await run_on(std::move(disk), std::move(ask)));
    const bool there = std::ranges::any_of(work.segments, [&row](const SegmentRecord& now) {
        return now.number == row.number && now.object_count == row.object_count;
    });
    if (!there) {
        co_return Error{Errc::not_found, "the segment was cut off"};
    }
    co_return Result<void>();
}

Awaitable<Result<void>> Archiver::commit(Live& live, const ArchiveWork& work, bool flush) {
    if (flush) {
        std::vector<StreamChunk> rest;
        live.stream.flush(rest);
        co_await live.pipeline->add(std::move(rest));
    }
    TL_CO_TRY(auto packs, co_await live.pipeline->finish());
    if (!packs.empty()) {
        TL_CO_CHECK(co_await log_.add_packs(std::move(packs)));
    }
    const auto finished = live.stream.take_finished();
    std::vector<ReadySegment> ready;
    for (const auto& segment : finished) {
        ready.push_back({segment.row, describe(*live.pipeline, segment)});
    }
    live.pipeline->forget_below(live.stream.needed_from());
    if (ready.empty() && work.changes.empty()) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await log_.commit(work, std::move(ready)));
    co_await let_go(work.record, finished);
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
    co_await departures_.below(kDeparturesMax);
    departures_.spawn(depart(std::move(record), std::move(numbers)));
}

Awaitable<void> Archiver::depart(CartridgeRecord record, std::vector<std::uint64_t> numbers) {
    auto work = [this, &record, &numbers] { return remove_files(record, numbers); };
    auto disk = parts_.disk;
    const auto done = co_await run_on(std::move(disk), std::move(work));
    if (!done) {
        parts_.events.warning("spool",
                              "What is stored could not leave the spool; the next start does it.",
                              {{"cartridge", record.barcode}, {"reason", done.error().message}});
    }
    notify();
}

/// What a crash kept from leaving the spool.
Awaitable<void> Archiver::let_go_of_the_rest() {
    auto look = [this]() -> Result<void> {
        TL_TRY(const auto cartridges, spool_.catalog.cartridges(settings_.library));
        for (const auto& cartridge : cartridges) {
            TL_TRY(const auto numbers, parts_.catalog.stored_and_spooled(cartridge.id));
            TL_CHECK(remove_files(cartridge, numbers));
        }
        return {};
    };
    auto disk = parts_.disk;
    const auto done = co_await run_on(std::move(disk), std::move(look));
    if (!done) {
        parts_.events.warning("spool", "What is stored could not leave the spool.",
                              {{"library", settings_.library}, {"reason", done.error().message}});
    }
}

/// Blocks.
Result<void> Archiver::remove_files(const CartridgeRecord& record,
                                    const std::vector<std::uint64_t>& numbers) {
    TL_TRY(const auto directory, cartridge_directory(spool_, record));
    TL_TRY(const auto gone, parts_.catalog.leave_spool(record.id, numbers));
    for (const auto number : gone) {
        const auto path = directory / segment_file_name(number);
        const auto file = spool_.files.open(path);
        const auto length = file ? (*file)->length() : Result<std::uint64_t>(0);
        auto removed = spool_.files.remove(path);
        if (removed && length) {
            spool_.budget.give_back(*length);
        } else if (!removed && removed.error().code != Errc::not_found) {
            parts_.events.warning("spool",
                                  "A segment file could not be removed; the next start does it.",
                                  {{"reason", removed.error().message}});
        }
    }
    return {};
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
        return parts_.access.stopped() ||
               (found != stored_.end() && found->second.contains(segment));
    });
    --waiting_;
}

void Archiver::closed(CartridgeId cartridge) {
    const std::lock_guard lock(stored_mutex_);
    stored_.erase(cartridge);
}

void Archiver::report(const CartridgeRecord& record, const SegmentRecord& row,
                      const std::string& damage) {
    parts_.events.error("archive",
                        "A segment of the spool is damaged; what cannot be read of it is archived "
                        "as damaged.",
                        {{"cartridge", record.barcode},
                         {"segment", std::to_string(row.number)},
                         {"reason", damage}});
}

/// Waits for what is under way, whatever becomes of it, and forgets it.
Awaitable<void> Archiver::drop(CartridgeId id) {
    const auto live = live_.find(id);
    if (live == live_.end()) {
        co_return;
    }
    if (live->second.pipeline) {
        const auto rest = co_await live->second.pipeline->finish();
        static_cast<void>(rest.has_value());
    }
    live_.erase(id);
}

Awaitable<void> Archiver::drop_live() {
    while (!live_.empty()) {
        co_await drop(live_.begin()->first);
    }
}

Awaitable<Result<void>> Archiver::store_all(CartridgeId id, std::chrono::milliseconds patience) {
    auto request = std::make_shared<Request>();
    request->id = id;
    requests_.push_back(request);
    wake();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto met = [request] { return request->result.has_value(); };
    if (!co_await wait_until(deadline, std::move(met))) {
        std::erase(requests_, request);
        co_return why_not("the store did not take it in time");
    }
    co_return *request->result;
}

Awaitable<bool> Archiver::wait_for_room(std::uint64_t bytes, std::chrono::milliseconds patience) {
    wake();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto met = [this, bytes] {
        const auto used = spool_.budget.used();
        return used <= spool_.budget.limit() && bytes <= spool_.budget.limit() - used;
    };
    co_return co_await wait_until(deadline, std::move(met));
}

Awaitable<Result<void>> Archiver::in_quiet(std::function<Awaitable<Result<void>>()> work) {
    ++quiet_wanted_;
    wake();
    auto met = [this] { return quiet_refused_ || (quiet_ && !in_quiet_); };
    const bool met_in_time =
        co_await wait_until(std::chrono::steady_clock::time_point::max(), std::move(met));
    const bool quiet = met_in_time && !quiet_refused_;
    Result<void> done = why_not("the archive did not come to rest");
    if (quiet) {
        in_quiet_ = true;
        if (fenced_) {
            done = fenced_error();
        } else {
            done = co_await work();
            log_.forget_index_end();
        }
        in_quiet_ = false;
    }
    --quiet_wanted_;
    notify();
    wake();
    co_return done;
}

void Archiver::refuse_quiet() {
    quiet_refused_ = true;
    boost::asio::post(parts_.strand, [this] { notify(); });
}

/// False: the deadline came first, or stop(), or another daemon.
Awaitable<bool> Archiver::wait_until(std::chrono::steady_clock::time_point deadline,
                                     std::function<bool()> met) {
    while (!met()) {
        if (parts_.access.stopped() || fenced_ || std::chrono::steady_clock::now() >= deadline) {
            co_return false;
        }
        boost::asio::steady_timer timer(parts_.strand, deadline);
        waiters_.push_back(&timer);
        co_await timer.async_wait(kNoWait);
        std::erase(waiters_, &timer);
    }
    co_return true;
}

void Archiver::notify() {
    for (auto* const waiter : waiters_) {
        waiter->cancel();
    }
}

/// What ended a wait too early, or else: the deadline.
Error Archiver::why_not(const std::string& otherwise) const {
    if (fenced_) {
        return fenced_error();
    }
    if (parts_.access.stopped()) {
        return {Errc::cancelled, "the archive is stopping"};
    }
    return {Errc::transient, otherwise};
}

Error Archiver::fenced_error() {
    return {Errc::precondition, "another daemon writes to the store of this library"};
}

}  // namespace tapeloft::media
