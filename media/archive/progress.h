// How fast cartridges go to the store, for people. Any thread.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "media/catalog/catalog.h"

namespace tapeloft::media {

/// Bytes a second over the last kWindow, or since it began where that is less.
class RateMeter {
  public:
    using Time = std::chrono::steady_clock::time_point;
    static constexpr std::chrono::seconds kWindow{10};

    void add(std::uint64_t bytes, Time now);
    [[nodiscard]] double bytes_per_second(Time now) const;
    /// The same; where it is idle: when it was last not.
    [[nodiscard]] double last_rate(Time now) const;
    [[nodiscard]] bool is_idle(Time now) const;  ///< nothing came within the window

  private:
    /// Numbers of seconds.
    [[nodiscard]] static std::int64_t second(Time time);

    struct Bucket {
        std::int64_t second = 0;
        std::uint64_t bytes = 0;
    };
    std::array<Bucket, static_cast<std::size_t>(kWindow.count())> buckets_{};
    std::optional<Time> begin_;  ///< of what came without a pause as long as the window
    Time last_;
    double before_ = 0;  ///< rate when something came last
};

class ArchiveProgress {
  public:
    struct Rate {
        double bytes_per_second = 0;  ///< payload, lately; 0: nothing is under way
        double last = 0;              ///< the same; 0: nothing ever was
        std::uint64_t under_way = 0;  ///< bytes that were taken and are not stored yet
    };
    struct Rates {
        Rate all;
        std::map<CartridgeId, Rate> cartridges;  ///< those of which something was archived
    };

    /// Payload that was taken.
    void taken(CartridgeId cartridge, std::uint64_t bytes);
    /// So much of it is stored and logged.
    void stored(CartridgeId cartridge, std::uint64_t bytes);
    /// What was under way is given up, and will come again.
    void dropped(CartridgeId cartridge);
    [[nodiscard]] Rates rates() const;

  private:
    struct Way {
        RateMeter meter;
        std::uint64_t under_way = 0;
    };

    mutable std::mutex mutex_;
    RateMeter all_;
    std::map<CartridgeId, Way> cartridges_;
};

}  // namespace tapeloft::media
