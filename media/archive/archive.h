// The archive of one library: everything between its spool and its store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/archive/archiver.h"
#include "media/archive/collector.h"
#include "media/archive/progress.h"
#include "media/archive/recall.h"
#include "media/archive/store_access.h"
#include "media/cartridge/archive_port.h"
#include "media/cartridge/spool.h"
#include "media/catalog/archive_catalog.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

struct ArchiveSettings {
    std::string library;
    bool promises_need_store = false;  ///< durability "cloud"
    int compression_level = 3;         ///< of zstd; 0: none
    /// How long a promise waits for the store before the host is told that it cannot be kept.
    std::chrono::milliseconds promise_patience{240'000};
    /// How long a WRITE waits for room in the spool.
    std::chrono::milliseconds room_patience{540'000};
    std::chrono::milliseconds tick{2'000};
    StoreAccess::Pauses pauses;
};

/// What all of it is made of; outlives the archive.
struct ArchiveSurroundings {
    ObjectStore& store;
    ArchiveCatalog& catalog;
    Executor cpu;   ///< threads of low priority
    Executor disk;  ///< blocking work
    EventLog& events;
    RangeCache* cache = nullptr;  ///< of what was read; none, or where the store is remote
    DamageHook on_damage = {};
};

/// Any thread, unless it says otherwise.
class Archive final : public ArchivePort {
  public:
    /// What a person wants to know of it.
    struct Status {
        ArchiveProgress::Counts counts;
        std::optional<StoreHealth::Trouble> trouble;
        bool fenced = false;
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
    [[nodiscard]] bool promises_need_store() const noexcept override {
        return settings_.promises_need_store;
    }
    Awaitable<Result<void>> store_all(CartridgeId cartridge) override;
    Awaitable<bool> wait_for_room(std::uint64_t bytes) override;

    /// One at a time; busy while another one runs.
    Awaitable<Result<CollectReport>> collect(CollectOptions options);

    [[nodiscard]] Status status() const;
    [[nodiscard]] ObjectStore& store() const noexcept { return surroundings_.store; }
    [[nodiscard]] const KeyRing& keys() const noexcept { return keys_; }
    [[nodiscard]] ArchiveCatalog& catalog() const noexcept { return surroundings_.catalog; }

  private:
    static constexpr std::chrono::hours kCollectInterval{1};
    static constexpr std::chrono::seconds kStoredPatience{10};

    [[nodiscard]] ArchiveParts parts();
    Awaitable<void> collect_now_and_then();
    Awaitable<Result<CollectReport>> collect_on_strand(CollectOptions options);

    const ArchiveSettings settings_;
    const KeyRing& keys_;
    const ArchiveSurroundings surroundings_;
    const Executor strand_;
    ArchiveProgress progress_;
    StoreHealth health_;
    StoreAccess access_;
    Recall recall_;
    std::unique_ptr<Archiver> archiver_;
    TaskGroup tasks_;  ///< on strand_, as the next two
    boost::asio::steady_timer collect_timer_;
    bool collecting_ = false;
};

}  // namespace tapeloft::media
