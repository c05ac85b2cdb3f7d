// The archive of one library: everything between its spool and its store.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/archive/archiver.h"
#include "media/archive/collector.h"
#include "media/archive/pack_recalls.h"
#include "media/archive/progress.h"
#include "media/archive/recall.h"
#include "media/archive/storage_shares.h"
#include "media/archive/store_access.h"
#include "media/archive/verifier.h"
#include "media/cartridge/archive_port.h"
#include "media/cartridge/spool.h"
#include "media/catalog/archive_catalog.h"
#include "media/repository/keys.h"
#include "media/repository/lease.h"
#include "media/repository/library_check.h"

namespace tapeloft::media {

struct ArchiveSettings {
    std::string library;
    WriterId writer{};                 ///< of the catalog: media/FORMAT.md, `writer`
    bool promises_need_store = false;  ///< durability "cloud"
    int compression_level = 3;         ///< of zstd; 0: none
    /// How long a promise waits for the store before the host is told that it cannot be kept.
    std::chrono::milliseconds promise_patience{240'000};
    /// How long a WRITE waits for room in the spool.
    std::chrono::milliseconds room_patience{540'000};
    std::chrono::milliseconds tick{2'000};
    std::chrono::milliseconds small_commits_apart{10'000};
    /// How long a person who asked for something waits for a store that is away.
    std::chrono::milliseconds request_patience{60'000};
    StoreAccess::Pauses pauses;
};

/// A cartridge was read back, and part of it is damaged, or all of it was found sound. Comes on the
/// archive's strand, after the catalog knows.
using VerdictHook = std::function<void(const std::string& medium_serial, bool damaged)>;

/// What all of it is made of; outlives the archive.
struct ArchiveSurroundings {
    ObjectStore& store;
    Lease& lease;  ///< on that store; taken before anything is written
    ArchiveCatalog& catalog;
    Executor cpu;   ///< threads of low priority
    Executor disk;  ///< blocking work
    EventLog& events;
    RangeCache* cache = nullptr;  ///< of what was read; none, or where the store is remote
    DamageHook on_damage = {};
    VerdictHook on_verdict = {};
    /// Asked first, until it is done: whether the store is the one that may be written. Its errors
    /// are those of a store (StoreAccess::until_done()).
    std::function<Awaitable<Result<void>>()> enter = {};
};

/// Any thread, unless it says otherwise.
class Archive final : public ArchivePort {
  public:
    /// What a person wants to know of it.
    struct Status {
        ArchiveProgress::Rates rates;
        std::optional<StoreHealth::Trouble> trouble;
        bool fenced = false;
    };

    struct CartridgeFacts {
        CartridgeRecord record;
        CartridgeStorage storage;
        std::optional<StorageShare> share;  ///< nothing: not looked up yet
    };
    /// The tape of a cartridge in a drive has more than the catalog knows.
    struct LiveTape {
        std::string barcode;
        std::uint32_t partition = 0;
        std::uint64_t used = 0;  ///< capacity, bytes
    };
    struct LibraryFacts {
        RepositoryTotals totals;
        std::vector<CartridgeFacts> cartridges;  ///< in order of barcode
        std::uint64_t log_objects = 0;  ///< at most: those that a checkpoint made obsolete count
    };

    Archive(ArchiveSettings settings, const KeyRing& keys, ArchiveSurroundings surroundings);
    ~Archive() override;

    /// Begins to work. spool: with this archive in it. Once; stop() must follow.
    void start(const SpoolContext& spool);
    /// What is under way is given up; the next start goes on with it. Returns when nothing uses the
    /// store any more.
    Awaitable<void> stop();

    std::unique_ptr<StoredReader> reader(const CartridgeRecord& cartridge) override;
    void wake() noexcept override;
    [[nodiscard]] bool is_stored(CartridgeId cartridge, std::uint64_t segment) const override;
    void wait_stored(CartridgeId cartridge, std::uint64_t segment) override;
    void closed(CartridgeId cartridge) override;
    [[nodiscard]] bool is_leaving(CartridgeId cartridge, std::uint64_t segment) const override;
    std::optional<SpareFile> take_spare(CartridgeId cartridge) override;
    bool drop_spares(CartridgeId cartridge) override;
    void pass_on_spares(CartridgeId cartridge) override;
    [[nodiscard]] bool promises_need_store() const noexcept override {
        return settings_.promises_need_store && !disk_promises_;
    }
    Awaitable<Result<void>> store_all(CartridgeId cartridge) override;
    Awaitable<bool> wait_for_room(std::uint64_t bytes) override;
    Awaitable<std::chrono::seconds> recall(CartridgeId cartridge) override;
    [[nodiscard]] bool is_recalling(CartridgeId cartridge) const override {
        return pack_recalls_.is_under_way(cartridge);
    }

    // The end of a daemon, in this order; any thread. Harmless where start() never was.
    /// Nobody waits for the store any more: its calls, store_all() and wait_for_room() fail at
    /// once, those under way as well. Hosts are told that what they asked for is not promised.
    void end_waits();
    /// collect(), verify() and check() that are under way are cancelled, and so is every later one;
    /// people wait for them, and the end must not.
    void end_requests();
    /// No host is there to be promised anything: tapes are closed on the disk, and the next start
    /// brings them to the store.
    void leave_promises_to_disk() noexcept { disk_promises_ = true; }

    /// One at a time; busy while another one runs.
    Awaitable<Result<CollectReport>> collect(CollectOptions options);

    /// Reads the cartridges back and checks everything, one after the other; see Verifier. One call
    /// at a time; busy while another one runs.
    Awaitable<Result<VerifyReport>> verify(std::vector<CartridgeRecord> cartridges,
                                           VerifyOptions options);

    /// See LibraryCheck. One at a time; busy while another one, or a collection, runs.
    Awaitable<Result<LibraryReport>> check(bool repair);

    /// What the catalog knows of it, for people.
    Awaitable<Result<LibraryFacts>> facts(std::vector<LiveTape> live);
    /// Of one, whose share is looked up now. Errors: not_found.
    using OneAndAll = std::pair<CartridgeFacts, RepositoryTotals>;
    Awaitable<Result<OneAndAll>> facts(CartridgeId cartridge, std::vector<LiveTape> live);
    [[nodiscard]] Status status() const;
    /// Archived cartridges that were asked for and are not all there yet.
    [[nodiscard]] std::vector<PackRecallStatus> recalls() const { return pack_recalls_.status(); }
    /// Another daemon has the library, or the catalog is an old copy: nothing will be archived.
    [[nodiscard]] bool fenced() const noexcept { return archiver_ && archiver_->fenced(); }
    [[nodiscard]] ObjectStore& store() const noexcept { return surroundings_.store; }
    [[nodiscard]] const KeyRing& keys() const noexcept { return keys_; }
    [[nodiscard]] ArchiveCatalog& catalog() const noexcept { return surroundings_.catalog; }

  private:
    static constexpr std::chrono::hours kCollectInterval{1};
    static constexpr std::chrono::seconds kStoredPatience{10};
    static constexpr std::chrono::milliseconds kSharesPatience{250};

    [[nodiscard]] ArchiveParts parts(StoreAccess& access);
    Awaitable<void> enter_and_run();
    Awaitable<void> collect_now_and_then();
    Awaitable<Result<CollectReport>> collect_on_strand(CollectOptions options);
    Awaitable<Result<VerifyReport>> verify_on_strand(std::vector<CartridgeRecord> cartridges,
                                                     VerifyOptions options);
    Awaitable<Result<LibraryReport>> check_on_strand(bool repair);
    [[nodiscard]] Result<LibraryFacts> ask_facts(const std::vector<LiveTape>& live);
    [[nodiscard]] Result<OneAndAll> ask_facts(CartridgeId cartridge,
                                              const std::vector<LiveTape>& live);
    [[nodiscard]] Result<CartridgeFacts> facts_of(CartridgeRecord record,
                                                  const std::vector<LiveTape>& live);
    void recall_again(CartridgeId cartridge);
    Awaitable<Result<void>> check_readable(const CartridgeRecord& cartridge);
    Awaitable<Result<VerifyReport>> verify_each(std::vector<CartridgeRecord> cartridges,
                                                VerifyOptions options);

    const ArchiveSettings settings_;
    const KeyRing& keys_;
    const ArchiveSurroundings surroundings_;
    const Executor strand_;
    ArchiveProgress progress_;
    StorageShares shares_;
    StoreHealth health_;
    StoreAccess access_;
    StoreAccess requests_access_;  ///< of collect(), verify() and check()
    PackRecalls pack_recalls_;     ///< on strand_
    Recall recall_;
    std::unique_ptr<Archiver> archiver_;
    TaskGroup tasks_;  ///< on strand_, as the next two
    boost::asio::steady_timer collect_timer_;
    PacksThatStay packs_that_stay_;
    bool collecting_ = false;
    bool verifying_ = false;
    std::atomic<bool> disk_promises_ = false;
    std::optional<SpoolContext> spool_;  ///< since start()
};

}  // namespace tapeloft::media
