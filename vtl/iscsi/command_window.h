// The CmdSN window of a session (RFC 7143, 4.2.2.1): which commands may come, and in which order
// they are delivered.
#pragma once

#include <cstdint>
#include <set>

namespace tapeloft::vtl::iscsi {

/// RFC 1982 arithmetic on 32 bits: a comes before b.
[[nodiscard]] constexpr bool serial_before(std::uint32_t a, std::uint32_t b) noexcept {
    return a != b && b - a < 0x80000000U;
}

/// Invariants: max_cmd_sn() never goes back; max_cmd_sn() - exp_cmd_sn() + 1 <= size_max.
class CommandWindow {
  public:
    enum class Verdict : std::uint8_t {
        deliver,  ///< it is the next one: deliver it, then call advance()
        hold,     ///< inside the window, others are missing before it
        drop,     ///< outside the window, or there already: ignore it silently
    };

    /// size_max: commands that may be open at once, 1 to 65535.
    CommandWindow(std::uint32_t exp_cmd_sn, std::uint32_t size_max)
        : size_max_(size_max), exp_cmd_sn_(exp_cmd_sn), max_cmd_sn_(exp_cmd_sn + size_max - 1) {}

    /// What to do with a non-immediate command. A held one is noted, so that a second one is
    /// dropped.
    [[nodiscard]] Verdict on_command(std::uint32_t cmd_sn);
    /// A held one was discarded after all: it may come again.
    void forget(std::uint32_t cmd_sn) { held_.erase(cmd_sn); }
    /// exp_cmd_sn() has been delivered.
    void advance();
    /// Notes a command that will never come as if it had been received (RFC 7143, 11.6.1, b).
    /// False: it is outside the window or there already.
    bool skip(std::uint32_t cmd_sn);
    /// The next one is noted as skipped: advance() over it.
    [[nodiscard]] bool next_is_skipped() const { return skipped_.contains(exp_cmd_sn_); }

    /// Opens the window as far as `open` commands that have not ended allow. Non-immediate ones
    /// only.
    void update(std::uint32_t open);
    /// No further command is asked for.
    void close() { closed_ = true; }

    [[nodiscard]] std::uint32_t exp_cmd_sn() const noexcept { return exp_cmd_sn_; }
    [[nodiscard]] std::uint32_t max_cmd_sn() const noexcept { return max_cmd_sn_; }

  private:
    [[nodiscard]] bool inside(std::uint32_t cmd_sn) const noexcept {
        return !serial_before(cmd_sn, exp_cmd_sn_) && !serial_before(max_cmd_sn_, cmd_sn);
    }

    std::uint32_t size_max_;
    std::uint32_t exp_cmd_sn_;
    std::uint32_t max_cmd_sn_;
    bool closed_ = false;
    std::set<std::uint32_t> held_;     ///< at most size_max_
    std::set<std::uint32_t> skipped_;  ///< at most size_max_
};

}  // namespace tapeloft::vtl::iscsi
