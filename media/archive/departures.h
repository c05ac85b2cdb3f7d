// What is stored leaves the spool: the catalog first, then the file, then its bytes of the budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/archive_parts.h"
#include "media/archive/task_group.h"
#include "media/cartridge/spool.h"

namespace tapeloft::media {

/// Belongs to the archive's strand, but for what says otherwise.
class Departures {
  public:
    /// left: called, on the strand, whenever something has left.
    Departures(const ArchiveParts& parts, const SpoolContext& spool, std::string library,
               std::function<void()> left)
        : parts_(parts),
          spool_(spool),
          library_(std::move(library)),
          left_(std::move(left)),
          tasks_(parts_.strand) {}

    /// Segments of the cartridge that are stored, and noted as that. Returns before they have left;
    /// waits while kAtOnce others are on their way.
    Awaitable<void> begin(CartridgeRecord cartridge, std::vector<std::uint64_t> segments);
    /// Returns when all that were begun have ended.
    Awaitable<void> all() { return tasks_.all(); }
    /// What is stored and has not left, of all cartridges: at the start, and wherever leaving
    /// failed.
    Awaitable<void> finish_left_over();
    [[nodiscard]] bool left_over() const noexcept { return left_over_; }

    /// Any thread: the file is removed here, and its bytes given back, by nobody else.
    [[nodiscard]] bool is_leaving(CartridgeId cartridge, std::uint64_t segment) const;

  private:
    static constexpr std::size_t kAtOnce = 2;

    Awaitable<void> leave(CartridgeRecord cartridge, std::vector<std::uint64_t> segments);
    void tell(const Error& error);
    Result<void> leave_all();
    Result<void> remove_files(const CartridgeRecord& cartridge,
                              const std::vector<std::uint64_t>& segments);
    Result<std::vector<std::uint64_t>> claim(CartridgeId cartridge,
                                             const std::vector<std::uint64_t>& segments);

    const ArchiveParts& parts_;
    const SpoolContext& spool_;
    const std::string library_;
    const std::function<void()> left_;
    TaskGroup tasks_;
    bool left_over_ = true;
    bool told_ = false;  ///< of what is left over
    mutable std::mutex mutex_;
    std::set<std::pair<CartridgeId, std::uint64_t>> leaving_;
};

}  // namespace tapeloft::media
