// What is stored leaves the spool: the catalog first, then the file, then its bytes of the budget.
// Files are kept to be written over: by the tape, where it is being written, else by any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/archive_parts.h"
#include "media/archive/task_group.h"
#include "media/cartridge/archive_port.h"
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

    /// Any thread: the file is removed or kept here, and its bytes given back, by nobody else.
    [[nodiscard]] bool is_leaving(CartridgeId cartridge, std::uint64_t segment) const;
    /// Any thread; see ArchivePort.
    std::optional<SpareFile> take_spare(CartridgeId cartridge);
    bool drop_spares(CartridgeId cartridge);
    void pass_on_spares(CartridgeId cartridge);

  private:
    struct Spare {
        SpareFile file;
        std::filesystem::path path;
    };
    static constexpr std::size_t kAtOnce = 2;

    Awaitable<void> leave(CartridgeRecord cartridge, std::vector<std::uint64_t> segments);
    void tell(const Error& error);
    Result<void> leave_all();
    Result<void> remove_files(const CartridgeRecord& cartridge,
                              const std::vector<std::uint64_t>& segments);
    bool keep(CartridgeId cartridge, std::uint64_t segment, std::uint64_t length,
              const std::filesystem::path& path);
    bool pass_on(CartridgeId cartridge, std::uint64_t segment, std::uint64_t length,
                 const std::filesystem::path& path);
    bool remove(CartridgeId cartridge, std::uint64_t segment, const std::filesystem::path& path);
    void drop(CartridgeId cartridge, const Spare& spare);
    std::deque<Spare> end_keeping(CartridgeId cartridge);
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
    std::set<std::pair<CartridgeId, std::uint64_t>> leaving_;  ///< those that are kept, too
    std::map<CartridgeId, std::deque<Spare>> spares_;          ///< of tapes that ask for them
};

}  // namespace tapeloft::media
