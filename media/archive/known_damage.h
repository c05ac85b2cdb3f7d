// Chunks that were found damaged a moment ago, so that they are not fetched for each record in
// them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/chunk/chunk.h"

namespace tapeloft::media {

/// For all readers of one library: whoever goes around damage opens a tape again and again. Any
/// thread; never waits.
class KnownDamage {
  public:
    static constexpr std::size_t kChunksMax = 64;
    static constexpr std::chrono::seconds kKnownFor{5};

    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;

    struct Finder {
        CartridgeId cartridge = 0;
        std::uint64_t segment = 0;
        std::uint32_t record = 0;
        bool operator==(const Finder&) const = default;
    };

    /// Whoever found it and comes back gets what is there now: what he found is forgotten.
    void look_again(const Finder& finder);
    [[nodiscard]] std::optional<Error> find(const Fingerprint& fingerprint,
                                            Time now = Clock::now()) const;
    /// It was asked for twice in vain.
    void note(const Fingerprint& fingerprint, Error error, const Finder& finder,
              Time now = Clock::now());

  private:
    struct Damage {
        Fingerprint fingerprint;
        Error error;
        Finder finder;
        Time until;
    };

    mutable std::mutex mutex_;
    std::deque<Damage> damages_;  ///< the oldest first
};

}  // namespace tapeloft::media
