// How much peers may write into the log: whoever comes and goes all day must not wash away what the
// library itself had to say.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace tapeloft::vtl::net {

/// A burst of lines, then a steady rate. Any thread. Time comes in as an argument and never goes
/// back.
class LogBudget {
  public:
    static constexpr std::int64_t kBurst = 50;          // lines
    static constexpr std::int64_t kIntervalMs = 1'000;  // one line more

    /// The line to write, or nothing. It says how many lines before it were not written.
    [[nodiscard]] std::optional<std::string> line(std::int64_t now_ms, std::string text) {
        const std::scoped_lock lock(mutex_);
        const auto earliest = now_ms - kBurst * kIntervalMs;
        if (!used_until_ms_ || *used_until_ms_ < earliest) {
            used_until_ms_ = earliest;
        }
        if (*used_until_ms_ + kIntervalMs > now_ms) {
            ++not_written_;
            return std::nullopt;
        }
        *used_until_ms_ += kIntervalMs;
        if (const auto missing = std::exchange(not_written_, 0); missing != 0) {
            text += " (" + std::to_string(missing) + " more lines of this kind not logged)";
        }
        return text;
    }

  private:
    std::mutex mutex_;
    std::optional<std::int64_t> used_until_ms_;  ///< every line moves it on by an interval
    std::uint64_t not_written_ = 0;
};

}  // namespace tapeloft::vtl::net
