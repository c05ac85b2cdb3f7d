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
};

class ArchiveProgress {
  public:
    struct Rates {
        double all = 0;  ///< payload, bytes a second, lately; 0: nothing is under way
        std::map<CartridgeId, double> cartridges;  ///< those under way
    };

    /// Payload that went through.
    void seen(CartridgeId cartridge, std::uint64_t bytes);
    [[nodiscard]] Rates rates() const;

  private:
    mutable std::mutex mutex_;
    RateMeter all_;
    std::map<CartridgeId, RateMeter> cartridges_;
};

}  // namespace tapeloft::media
