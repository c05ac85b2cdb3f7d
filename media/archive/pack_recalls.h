// Packs of cartridges that the store has archived: asked for, and waited for.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/archive/range_cache.h"
#include "media/archive/task_group.h"
#include "media/catalog/archive_catalog.h"

namespace tapeloft::media {

/// Of one cartridge, for people.
struct PackRecallStatus {
    CartridgeId cartridge{};
    std::string barcode;
    std::uint64_t asked = 0;           ///< packs so far
    std::uint64_t left = 0;            ///< of those, not there yet
    std::chrono::seconds expected{0};  ///< from now on, at most; 0: it should be over
    std::optional<std::string> trouble;
};

/// One for each library. begin() and stop() belong to its strand, the rest to any thread. Nothing
/// is kept: what was asked for before a restart is under way in the store, and found there again.
class PackRecalls {
  public:
    struct Context {
        ObjectStore& store;
        ArchiveCatalog& catalog;
        Executor strand;
        Executor disk;  ///< blocking work: catalog
        EventLog& events;
        RangeCache* cache = nullptr;  ///< what it has needs no pack
    };

    explicit PackRecalls(Context context) : context_(std::move(context)), tasks_(context_.strand) {}

    /// Asks for every pack of the cartridge that is not in the cache and has to be recalled, and
    /// goes on until all of them are there; joins one that is under way. Returns how long that
    /// takes at most as soon as it is known: with the first pack that is archived, when all were
    /// found to be there (0), or, where the store is slow or away, after kLookPatience (0: it is
    /// not known, and is_under_way()).
    Awaitable<std::chrono::seconds> begin(CartridgeId cartridge);

    /// Something of the cartridge cannot be read yet.
    [[nodiscard]] bool is_under_way(CartridgeId cartridge) const;
    [[nodiscard]] std::vector<PackRecallStatus> status() const;

    /// Ends all of them here, not in the store; returns when nothing uses it any more.
    Awaitable<void> stop();

    static constexpr std::chrono::seconds kLookPatience{20};

  private:
    using Clock = std::chrono::steady_clock;

    /// Fields that others read change under mutex_.
    struct Job {
        Job(Executor strand, CartridgeId id);

        const CartridgeId cartridge;
        const Clock::time_point begun = Clock::now();
        std::string barcode;
        std::uint64_t asked = 0;
        std::deque<PackId> left;
        bool archived = false;  ///< a pack is
        bool known = false;     ///< whether one is
        std::optional<std::string> trouble;
        boost::asio::steady_timer changed;  ///< an event: cancelled when known; fires at last
    };

    enum class Look { first, again };

    Awaitable<void> run(std::shared_ptr<Job> job);
    Awaitable<bool> ask_for_all(Job* job);
    Awaitable<bool> ask(Job* job, std::vector<PackId> packs, Look look);
    Awaitable<void> wait_for_all(Job* job);
    bool note(Job& job, const PackId& pack, Look look, const Result<RecallState>& state);
    void note_known(Job& job);
    void tell_of_trouble(const Job& job, const Error& error);
    [[nodiscard]] Result<std::vector<PackId>> packs_of(CartridgeId cartridge,
                                                       std::uint64_t segment) const;
    [[nodiscard]] std::chrono::seconds expected(const Job& job) const;

    const Context context_;
    mutable std::mutex mutex_;  ///< never held over a co_await
    std::map<CartridgeId, std::shared_ptr<Job>> jobs_;
    bool stopped_ = false;  ///< on the strand, as the next two
    std::set<boost::asio::steady_timer*> pauses_;
    TaskGroup tasks_;
};

}  // namespace tapeloft::media
