// So many bytes a second, shared by all who ask.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace tapeloft {

/// Bytes are taken after the fact: who goes may overdraw, and then nobody goes until that is paid.
/// So the mean over any time is the rate, plus at most a tenth of a second and one transfer. One
/// thread.
class RateLimit {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// bytes_per_s: 0 is no limit.
    explicit RateLimit(std::uint64_t bytes_per_s) : bytes_per_s_(bytes_per_s) {}

    /// From now on; what is overdrawn stays so.
    void set_rate(std::uint64_t bytes_per_s);
    [[nodiscard]] bool may_go(Time now);
    void took(std::size_t bytes);
    /// Until may_go(); 0 where it is so now.
    [[nodiscard]] std::chrono::milliseconds wait(Time now);

  private:
    void refill(Time now);

    std::uint64_t bytes_per_s_;
    double credit_ = 0;  ///< bytes; below 0 while overdrawn, at most a tenth of a second
    Time refilled_{};
};

}  // namespace tapeloft
