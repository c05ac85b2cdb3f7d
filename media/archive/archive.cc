#include "media/archive/archive.h"

#include <utility>

#include <boost/asio/as_tuple.hpp>
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
      health_(surroundings_.events, surroundings_.store.url()),
      access_(strand_, health_, settings_.pauses),
      recall_({surroundings_.store, surroundings_.catalog, keys_, surroundings_.disk,
               surroundings_.cpu, surroundings_.cache, surroundings_.on_damage}),
      tasks_(strand_),
      collect_timer_(strand_) {}

Archive::~Archive() = default;

ArchiveParts Archive::parts() {
    return {surroundings_.store,
            keys_,
            surroundings_.catalog,
            strand_,
            surroundings_.cpu,
            surroundings_.disk,
            access_,
            progress_,
            surroundings_.events,
            settings_.compression_level};
}

void Archive::start(const SpoolContext& spool) {
    ArchiverSettings archiver;
    archiver.library = settings_.library;
    archiver.tick = settings_.tick;
    archiver_ = std::make_unique<Archiver>(parts(), spool, std::move(archiver));
    asio::post(strand_, [this] {
        tasks_.spawn(archiver_->run());
        tasks_.spawn(collect_now_and_then());
    });
}

Awaitable<void> Archive::stop() {
    if (!archiver_) {
        co_return;
    }
    archiver_->stop();
    auto end = [](Archive* self) -> Awaitable<void> {
        self->collect_timer_.cancel();
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

Awaitable<Result<void>> Archive::store_all(CartridgeId cartridge) {
    return call_on(strand_, archiver_->store_all(cartridge, settings_.promise_patience));
}

Awaitable<bool> Archive::wait_for_room(std::uint64_t bytes) {
    return call_on(strand_, archiver_->wait_for_room(bytes, settings_.room_patience));
}

Awaitable<Result<CollectReport>> Archive::collect(CollectOptions options) {
    return call_on(strand_, collect_on_strand(options));
}

Awaitable<Result<CollectReport>> Archive::collect_on_strand(CollectOptions options) {
    if (collecting_) {
        co_return Error{Errc::busy, "garbage is being collected already"};
    }
    collecting_ = true;
    Collector collector(parts(), *archiver_, settings_.library);
    auto report = co_await collector.run(options, now_unix_s());
    collecting_ = false;
    co_return report;
}

Awaitable<void> Archive::collect_now_and_then() {
    while (!access_.stopped()) {
        collect_timer_.expires_after(kCollectInterval);
        co_await collect_timer_.async_wait(asio::as_tuple(asio::use_awaitable));
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
    return {progress_.counts(), health_.trouble(), archiver_ && archiver_->fenced()};
}

}  // namespace tapeloft::media
