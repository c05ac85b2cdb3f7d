// What cartridges take in the store, for people: looked up in some of their segments, and kept for
// a while, since all chunks of a full cartridge are too many.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "cloud/base/result.h"

#include "media/catalog/archive_catalog.h"

namespace tapeloft::media {

/// Any thread; blocks.
class StorageShares {
  public:
    /// So many segments of a cartridge; exact for one that has no more.
    static constexpr std::size_t kSegmentsMax = 16;
    /// How long a share is good while the cartridge stays as it is: others may come to share its
    /// chunks, or go.
    static constexpr std::chrono::seconds kGoodFor{10};

    explicit StorageShares(ArchiveCatalog& catalog) : catalog_(catalog) {}

    struct Wanted {
        CartridgeId cartridge = 0;
        std::uint64_t stored = 0;    ///< bytes; with `sequence`: what changes with the cartridge
        std::uint64_t sequence = 0;  ///< of its log
    };
    /// Looks up what is missing or old until `patience` is over, those first that
    /// were never looked up, or longest ago; others as they were, or nothing. Cartridges that
    /// are not asked for are forgotten.
    [[nodiscard]] Result<std::map<CartridgeId, StorageShare>> of(
        std::span<const Wanted> wanted, std::chrono::milliseconds patience);

    /// Of one cartridge, looked up now.
    [[nodiscard]] Result<StorageShare> now(CartridgeId cartridge) const;

  private:
    using Clock = std::chrono::steady_clock;
    struct Known {
        std::uint64_t stored = 0;
        std::uint64_t sequence = 0;
        Clock::time_point at;
        StorageShare share;
    };

    [[nodiscard]] bool is_good(const Wanted& wanted, Clock::time_point time) const;

    ArchiveCatalog& catalog_;
    std::mutex mutex_;
    std::map<CartridgeId, Known> known_;
};

}  // namespace tapeloft::media
