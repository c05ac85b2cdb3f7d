#include "media/archive/archive.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cloud/base/call_on.h"

namespace tapeloft::media {
namespace {

namespace asio = boost::asio;

std::int64_t now_unix_s() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

Archive::Archive(ArchiveSettings settings, const KeyRing& keys, ArchiveSurroundings surroundings)
    : settings_(std::move(settings)),
      keys_(keys),
      surroundings_(std::move(surroundings)),
      strand_(asio::make_strand(surroundings_.cpu)),
      shares_(surroundings_.catalog),
      health_(surroundings_.events, surroundings_.store.url()),
      access_(strand_, health_, settings_.pauses),
      requests_access_(strand_, health_, settings_.pauses, settings_.request_patience),
      pack_recalls_({surroundings_.store, surroundings_.catalog, strand_, surroundings_.disk,
                     surroundings_.events,
                     surroundings_.store.capabilities().local ? nullptr : surroundings_.cache}),
      recall_({.store = surroundings_.store,
               .catalog = surroundings_.catalog,
               .keys = keys_,
               .disk = surroundings_.disk,
               .cpu = surroundings_.cpu,
               .cache = surroundings_.cache,
               .on_damage = surroundings_.on_damage,
               .on_archived = [this](CartridgeId id) { recall_again(id); }}),
      tasks_(strand_),
      collect_timer_(strand_) {}

Archive::~Archive() = default;

ArchiveParts Archive::parts(StoreAccess& access) {
    return {surroundings_.store,
            surroundings_.lease,
            keys_,
            surroundings_.catalog,
            strand_,
            surroundings_.cpu,
            surroundings_.disk,
            access,
            progress_,
            surroundings_.events,
            settings_.writer,
            settings_.compression_level};
}

void Archive::start(const SpoolContext& spool) {
    spool_.emplace(spool);
    ArchiverSettings archiver;
    archiver.library = settings_.library;
    archiver.tick = settings_.tick;
    archiver.small_commits_apart = settings_.small_commits_apart;
    archiver.pauses = settings_.pauses;
    archiver_ = std::make_unique<Archiver>(parts(access_), spool, std::move(archiver));
    asio::post(strand_, [this] {
        tasks_.spawn(enter_and_run());
        tasks_.spawn(collect_now_and_then());
    });
}

Awaitable<void> Archive::enter_and_run() {
    if (surroundings_.enter) {
        const auto entered = co_await access_.until_done(surroundings_.enter);
        TL_ASSERT(entered || entered.error().code == Errc::cancelled);
    }
    auto take = [this] { return surroundings_.lease.take(); };
    const auto taken = co_await access_.until_done(std::move(take));
    if (!taken && taken.error().code != Errc::cancelled) {
        archiver_->fence(taken.error());
    }
    co_await archiver_->run();
}

void Archive::end_requests() {
    requests_access_.stop();
    if (archiver_) {
        archiver_->refuse_quiet();
    }
}

void Archive::end_waits() {
    surroundings_.store.shut_down();
    if (archiver_) {
        archiver_->end_waits();
    }
}

Awaitable<void> Archive::stop() {
    if (!archiver_) {
        co_return;
    }
    end_requests();
    archiver_->stop();
    auto end = [](Archive* self) -> Awaitable<void> {
        self->collect_timer_.cancel();
        co_await self->pack_recalls_.stop();
        co_await self->tasks_.all();
    };
    co_await asio::co_spawn(strand_, end(this), asio::use_awaitable);
}

std::unique_ptr<StoredReader> Archive::reader(const CartridgeRecord& cartridge) {
    return recall_.open(cartridge.id);
}

void Archive::wake() noexcept {
    archiver_->wake();
}

bool Archive::is_stored(CartridgeId cartridge, std::uint64_t segment) const {
    return archiver_->is_stored(cartridge, segment);
}

void Archive::wait_stored(CartridgeId cartridge, std::uint64_t segment) {
    if (surroundings_.store.capabilities().local && !health_.trouble() && !archiver_->fenced()) {
        archiver_->wait_stored(cartridge, segment, kStoredPatience);
    }
}

void Archive::closed(CartridgeId cartridge) {
    archiver_->closed(cartridge);
}

bool Archive::is_leaving(CartridgeId cartridge, std::uint64_t segment) const {
    return archiver_->departures().is_leaving(cartridge, segment);
}

std::optional<SpareFile> Archive::take_spare(CartridgeId cartridge) {
    return archiver_->departures().take_spare(cartridge);
}

bool Archive::drop_spares(CartridgeId cartridge) {
    return archiver_->departures().drop_spares(cartridge);
}

void Archive::pass_on_spares(CartridgeId cartridge) {
    archiver_->departures().pass_on_spares(cartridge);
}

Awaitable<Result<void>> Archive::store_all(CartridgeId cartridge) {
    return call_on(strand_, archiver_->store_all(cartridge, settings_.promise_patience));
}

Awaitable<bool> Archive::wait_for_room(std::uint64_t bytes) {
    return call_on(strand_, archiver_->wait_for_room(bytes, settings_.room_patience));
}

Awaitable<std::chrono::seconds> Archive::recall(CartridgeId cartridge) {
    if (!surroundings_.store.recall_time(kPackPrefix)) {
        co_return std::chrono::seconds(0);
    }
    co_return co_await call_on(strand_, pack_recalls_.begin(cartridge));
}

/// A read met what is archived: a copy has expired, or a rule of the bucket's own archived it.
void Archive::recall_again(CartridgeId cartridge) {
    asio::post(strand_, [this, cartridge] {
        auto begin = [](Archive* self, CartridgeId id) -> Awaitable<void> {
            static_cast<void>(co_await self->pack_recalls_.begin(id));
        };
        if (!access_.stopped()) {
            tasks_.spawn(begin(this, cartridge));
        }
    });
}

/// Errors: busy, where part of it is archived; it was asked for.
Awaitable<Result<void>> Archive::check_readable(const CartridgeRecord& cartridge) {
    const auto expected = co_await recall(cartridge.id);
    if (!is_recalling(cartridge.id)) {
        co_return Result<void>();
    }
    co_return archived_error(cartridge.barcode, expected);
}

Awaitable<Result<CollectReport>> Archive::collect(CollectOptions options) {
    return call_on(strand_, collect_on_strand(options));
}

Awaitable<Result<CollectReport>> Archive::collect_on_strand(CollectOptions options) {
    if (collecting_) {
        co_return Error{Errc::busy, "garbage is being collected already"};
    }
    const TaskGroup::Visit visit(tasks_);
    collecting_ = true;
    Collector collector(parts(requests_access_), *archiver_, settings_.library, packs_that_stay_);
    auto report = co_await collector.run(options, now_unix_s());
    collecting_ = false;
    co_return report;
}

Awaitable<Result<VerifyReport>> Archive::verify(std::vector<CartridgeRecord> cartridges,
                                                VerifyOptions options) {
    return call_on(strand_, verify_on_strand(std::move(cartridges), options));
}

Awaitable<Result<VerifyReport>> Archive::verify_on_strand(std::vector<CartridgeRecord> cartridges,
                                                          VerifyOptions options) {
    if (verifying_) {
        co_return Error{Errc::busy, "cartridges are being verified already"};
    }
    const TaskGroup::Visit visit(tasks_);
    verifying_ = true;
    auto report = co_await verify_each(std::move(cartridges), options);
    verifying_ = false;
    co_return report;
}

Awaitable<Result<VerifyReport>> Archive::verify_each(std::vector<CartridgeRecord> cartridges,
                                                     VerifyOptions options) {
    Verifier verifier(parts(requests_access_), *spool_);
    VerifyReport report;
    for (auto& cartridge : cartridges) {
        auto serial = cartridge.medium_serial;
        TL_CO_CHECK(co_await check_readable(cartridge));
        TL_CO_TRY(auto verdict, co_await verifier.run(std::move(cartridge), options));
        const bool sound = !verdict.is_damaged() && verdict.is_whole();
        if (surroundings_.on_verdict && (verdict.is_damaged() || sound)) {
            surroundings_.on_verdict(serial, verdict.is_damaged());
        }
        report.cartridges.push_back(std::move(verdict));
    }
    co_return report;
}

Awaitable<Result<LibraryReport>> Archive::check(bool repair) {
    return call_on(strand_, check_on_strand(repair));
}

/// What is being collected would look like what is missing.
Awaitable<Result<LibraryReport>> Archive::check_on_strand(bool repair) {
    if (collecting_) {
        co_return Error{Errc::busy, "garbage is being collected, or the library checked, already"};
    }
    const TaskGroup::Visit visit(tasks_);
    collecting_ = true;
    auto quiet = [this](std::function<Awaitable<Result<void>>()> work) {
        return archiver_->in_quiet(std::move(work));
    };
    LibraryCheck run({settings_.library, surroundings_.store, keys_, spool_->catalog,
                      surroundings_.disk, std::move(quiet),
                      [this] { return requests_access_.stopped(); }});
    auto report = co_await run.run(repair);
    collecting_ = false;
    co_return report;
}

Awaitable<Result<Archive::LibraryFacts>> Archive::facts(std::vector<LiveTape> live) {
    auto ask = [this, live = std::move(live)] { return ask_facts(live); };
    co_return co_await run_on(surroundings_.disk, std::move(ask));
}

Awaitable<Result<Archive::OneAndAll>> Archive::facts(CartridgeId cartridge,
                                                     std::vector<LiveTape> live) {
    auto ask = [this, cartridge, live = std::move(live)] { return ask_facts(cartridge, live); };
    co_return co_await run_on(surroundings_.disk, std::move(ask));
}

/// Blocks.
Result<Archive::LibraryFacts> Archive::ask_facts(const std::vector<LiveTape>& live) {
    LibraryFacts facts;
    auto& catalog = surroundings_.catalog;
    TL_TRY(facts.totals, catalog.totals(settings_.library));
    TL_TRY(auto cartridges, spool_->catalog.cartridges(settings_.library));
    for (auto& cartridge : cartridges) {
        TL_TRY(auto one, facts_of(std::move(cartridge), live));
        facts.cartridges.push_back(std::move(one));
    }
    std::vector<StorageShares::Wanted> wanted;
    for (const auto& [record, storage, share] : facts.cartridges) {
        if (storage.stored != 0) {
            wanted.push_back({record.id, storage.stored, storage.log_objects});
        }
    }
    TL_TRY(const auto shares, shares_.of(wanted, kSharesPatience));
    for (auto& cartridge : facts.cartridges) {
        if (const auto found = shares.find(cartridge.record.id); found != shares.end()) {
            cartridge.share = found->second;
        }
    }
    TL_TRY(const auto index, catalog.head(keys_.index_stream()));
    facts.log_objects = facts.totals.log_objects + index.sequence + 1;  // of the library's one
    return facts;
}

/// Blocks.
Result<Archive::OneAndAll> Archive::ask_facts(CartridgeId cartridge,
                                              const std::vector<LiveTape>& live) {
    TL_TRY(auto record, spool_->catalog.cartridge(cartridge));
    TL_TRY(auto facts, facts_of(std::move(record), live));
    TL_TRY(facts.share, shares_.now(cartridge));
    TL_TRY(const auto totals, surroundings_.catalog.totals(settings_.library));
    return OneAndAll(std::move(facts), totals);
}

Result<Archive::CartridgeFacts> Archive::facts_of(CartridgeRecord record,
                                                  const std::vector<LiveTape>& live) {
    auto& catalog = surroundings_.catalog;
    CartridgeFacts facts;
    TL_TRY(facts.storage, catalog.storage(record.id));
    for (const auto& tape : live) {
        if (tape.barcode == record.barcode) {
            TL_TRY(const auto end, catalog.end_of_data(record.id, tape.partition));
            facts.storage.spooled_only += tape.used - std::min(tape.used, end);
        }
    }
    facts.record = std::move(record);
    return facts;
}

Awaitable<void> Archive::collect_now_and_then() {
    while (!access_.stopped()) {
        collect_timer_.expires_after(kCollectInterval);
        co_await collect_timer_.async_wait(kAsTuple);
        if (access_.stopped()) {
            break;
        }
        const auto report = co_await collect_on_strand({});
        if (!report && report.error().code != Errc::busy &&
            report.error().code != Errc::cancelled) {
            surroundings_.events.warning(
                "archive", "Garbage could not be collected.",
                {{"library", settings_.library}, {"cause", report.error().message}});
        }
    }
}

Archive::Status Archive::status() const {
    return {progress_.rates(), health_.trouble(), fenced()};
}

}  // namespace tapeloft::media
