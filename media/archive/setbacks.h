// Cartridges that are not archived for now, why, and when they are tried again.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

#include "media/archive/store_access.h"
#include "media/catalog/catalog.h"

namespace tapeloft::media {

struct Setback {
    Error error;
    std::optional<std::uint64_t> segment;  ///< that cannot be read; those before it go on
    std::chrono::steady_clock::time_point again;
    std::chrono::milliseconds pause{};
};

/// Changed on the archive's strand only; read on any thread.
class Setbacks {
  public:
    Setbacks(EventLog& events, std::string library, StoreAccess::Pauses pauses)
        : events_(events), library_(std::move(library)), pauses_(pauses) {}

    [[nodiscard]] std::optional<Setback> of(CartridgeId id) const;
    /// It failed; again after twice the pause. An event, the first time.
    Setback begin(CartridgeId id, Error error, std::optional<std::uint64_t> segment);
    /// Somebody waits for it, and what was in the way may be gone: synced, cut, mended.
    void try_now(CartridgeId id);
    /// It was archived.
    void end(CartridgeId id);

  private:
    EventLog& events_;
    const std::string library_;
    const StoreAccess::Pauses pauses_;
    mutable std::mutex mutex_;
    std::map<CartridgeId, Setback> setbacks_;
};

}  // namespace tapeloft::media
