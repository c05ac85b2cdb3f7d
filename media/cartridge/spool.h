// The spool: the directory that holds the segment files of all cartridges, its size limit, and what
// is done to it at start.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

#include "media/cartridge/archive_port.h"
#include "media/cartridge/spare_pool.h"
#include "media/catalog/catalog.h"
#include "media/segment/file.h"

namespace tapeloft::media {

enum class SpoolLevel : std::uint8_t {
    ample,
    nearly_full,  ///< nine tenths of the limit are used, or were until lately
    full,         ///< a write waits for room, or did until lately
};
[[nodiscard]] std::string_view to_string(SpoolLevel level) noexcept;

/// Bytes of segment files, of all cartridges, against one limit. Any thread.
class SpoolBudget {
  public:
    using Clock = std::function<std::chrono::steady_clock::time_point()>;

    explicit SpoolBudget(std::uint64_t limit = std::numeric_limits<std::uint64_t>::max(),
                         Clock clock = std::chrono::steady_clock::now)
        : limit_(limit), clock_(std::move(clock)) {}

    [[nodiscard]] std::uint64_t limit() const noexcept { return limit_; }
    [[nodiscard]] std::uint64_t used() const noexcept {
        return used_.load(std::memory_order_relaxed);
    }
    /// Now.
    [[nodiscard]] bool is_nearly_full() const noexcept { return used() / 9 >= limit_ / 10; }
    [[nodiscard]] SpoolLevel level() const noexcept { return level_; }
    /// It rises at once, and falls to ample only: when half the limit is free, and for a minute no
    /// write waited and it was not nearly full; or nine tenths are, and for ten seconds. A spool
    /// that is emptied in large pieces, and filled again, stays what it is. Whoever uses the spool
    /// looks, also when nothing happens. True: the level is another one, for the event that tells.
    [[nodiscard]] bool look();
    /// A write has to wait, or has waited; or is refused. The same.
    [[nodiscard]] bool note_wait();
    /// False, and nothing is taken, where it would pass the limit.
    [[nodiscard]] bool try_take(std::uint64_t bytes) noexcept;
    /// Counts bytes that are needed whatever the limit says (the index of a segment).
    void take(std::uint64_t bytes) noexcept { used_ += bytes; }
    void give_back(std::uint64_t bytes) noexcept;

  private:
    std::uint64_t limit_;
    Clock clock_;
    std::atomic<std::uint64_t> used_ = 0;
    std::atomic<SpoolLevel> level_ = SpoolLevel::ample;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point pressed_{};  ///< nearly full, or waited for
};

/// What every cartridge needs to live. All that is referred to outlives every Tape, every call, and
/// the jobs on `disk`, of which one may still run when its Tape is gone.
struct SpoolContext {
    std::filesystem::path directory;  ///< exists; belongs to this daemon alone
    Catalog& catalog;
    Executor disk;  ///< blocking work runs here: a thread pool, two threads or more for speed
    EventLog& events;
    SpoolBudget& budget;
    SparePool& spares;  ///< of the same directory and files
    FileSystem& files = posix_file_system();
    SegmentLimits limits = {};
    ArchivePort* archive = nullptr;  ///< where sealed segments go; none: they stay
};

/// Looks, and tells people where the level is another one.
void watch_spool(const SpoolContext& context);
/// The same where a write has to wait or is refused.
void tell_spool_waits(const SpoolContext& context);

/// The name of a cartridge's folder in the spool: its medium serial. Errors: invalid_argument (not
/// 1 to 32 characters of [A-Za-z0-9_-]).
[[nodiscard]] Result<std::filesystem::path> cartridge_directory(const SpoolContext& context,
                                                                const CartridgeRecord& record);

struct SpoolRecovery {
    std::uint64_t bytes_in_use = 0;    ///< counted into the budget
    std::uint64_t files_removed = 0;   ///< segment files of no row, or of one that left the spool
    std::uint64_t cartridges_cut = 0;  ///< cartridges whose unsynced tail was torn and cut off
};

/// Once at start, before any cartridge is opened: brings every cartridge to a sealed, gapless state
/// (cuts torn tails), removes segment files that no row of the catalog wants to be in the spool,
/// and counts what is left into the budget; the rows of what has left the spool are not read.
/// cartridges: ALL of the catalog, of every library; the files of any other are removed. Blocks.
/// Errors: io, no_space. Damage is no error: it is an event, and reading reports it.
[[nodiscard]] Result<SpoolRecovery> recover_spool(const SpoolContext& context,
                                                  const std::vector<CartridgeRecord>& cartridges);

/// Removes the segment files of a cartridge that is not open and that the catalog has no row of any
/// more; gives its bytes back to the budget. Blocks. Errors: invalid_argument, io.
[[nodiscard]] Result<void> remove_cartridge_files(const SpoolContext& context,
                                                  const CartridgeRecord& record);

}  // namespace tapeloft::media
