// The store of one library put together: key file, repository, cache, archive.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/store/store_registry.h"

#include "media/archive/archive.h"
#include "media/catalog/catalog.h"
#include "media/repository/lease.h"

#include "vtl/daemon/config.h"
#include "vtl/daemon/store_watch.h"

namespace tapeloft::vtl::daemon {

class LibraryArchive {
  public:
    struct Parts {
        media::Catalog& catalog;
        Executor cpu;
        Executor disk;
        EventLog& events;
        std::filesystem::path cache;  ///< folder for what is read from a remote store
    };

    /// At the first start: makes the key file and the repository, and warns that who loses the key
    /// loses the data. Later: both must be there, and fit each other and the catalog; where the
    /// store does not answer within kStartPatience, the archive finds that out, before it writes
    /// anything. Blocks.
    /// Errors, in words that say what to do: denied (no or a wrong passphrase, another key),
    /// precondition (key or repository are missing; the store holds a library that the catalog does
    /// not know; another daemon has the library), those of the store.
    [[nodiscard]] static Result<std::unique_ptr<LibraryArchive>> open(const LibraryConfig& config,
                                                                      Parts parts);

    LibraryArchive(const LibraryArchive&) = delete;
    LibraryArchive& operator=(const LibraryArchive&) = delete;
    ~LibraryArchive();

    [[nodiscard]] media::Archive& archive() noexcept { return *archive_; }
    [[nodiscard]] StoreWatch& watch() noexcept { return *watch_; }

    /// One round of what is done for the stores of a mirror; does not wait for it.
    void tend_mirror(const Executor& executor);
    /// Nothing needs the store any more; a mirror may be copying for hours.
    void end_mirror();
    /// Empty: it is one store. Any thread.
    [[nodiscard]] std::vector<MirrorMemberStatus> mirror_members() const;

    /// The daemon ends: what still waits for the store after kEndPatience is cancelled.
    void begin_end(const Executor& executor);
    /// Nobody uses the store any more. Others may have the library once this object is gone.
    void finish_end();

    /// Part of what hosts wrote on the cartridge cannot be read any more. Any thread, never waits.
    [[nodiscard]] bool is_damaged(std::string_view medium_serial) const {
        return damaged_->contains(medium_serial);
    }

  private:
    /// Medium serial numbers; any thread.
    class DamagedCartridges {
      public:
        void set(const std::string& medium_serial, bool damaged) {
            const std::lock_guard lock(mutex_);
            if (damaged) {
                serials_.insert(medium_serial);
            } else {
                serials_.erase(medium_serial);
            }
        }
        [[nodiscard]] bool contains(std::string_view medium_serial) const {
            const std::lock_guard lock(mutex_);
            return serials_.contains(medium_serial);
        }

      private:
        mutable std::mutex mutex_;
        std::set<std::string, std::less<>> serials_;
    };

    static constexpr std::chrono::seconds kStartPatience{5};
    static constexpr std::chrono::seconds kEndPatience{2};
    /// Longer than a mirror's start waits for a store that hangs.
    static constexpr std::chrono::seconds kLeasePatience{5};

    LibraryArchive() = default;
    [[nodiscard]] std::optional<Error> why_away(const Executor& disk);
    [[nodiscard]] media::DamageHook damage_hook(const Parts& parts) const;
    Result<void> remember_damage(const std::string& library, media::Catalog& catalog);
    Result<void> build(const LibraryConfig& config, Parts parts);
    Result<void> take_lease(const LibraryConfig& config, const Parts& parts, bool away);
    void make_archive(const LibraryConfig& config, const Parts& parts);
    void give_up_lease();

    std::shared_ptr<ObjectStore> store_;
    std::shared_ptr<MirrorStore> mirror_;              ///< null: it is one store
    std::future<std::optional<Result<void>>> asking_;  ///< whether the store is there, at the start
    std::optional<boost::asio::steady_timer> end_timer_;
    std::unique_ptr<media::KeyRing> keys_;
    std::function<Result<OpenedStore>(const StoreContext&)> open_store_;
    media::LeaseHolder self_;
    std::unique_ptr<media::Lease> lease_;
    std::unique_ptr<media::RangeCache> cache_;
    std::shared_ptr<DamagedCartridges> damaged_ = std::make_shared<DamagedCartridges>();
    std::unique_ptr<media::Archive> archive_;
    std::unique_ptr<StoreWatch> watch_;
};

}  // namespace tapeloft::vtl::daemon
