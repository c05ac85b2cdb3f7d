// The event log: what a person should know about this library, in the order in which it happened.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapeloft {

enum class Severity : std::uint8_t { debug, info, warning, error };

[[nodiscard]] std::string_view to_string(Severity severity) noexcept;

struct Event {
    std::uint64_t sequence = 0;     ///< from 1, without gaps, since the daemon started
    std::int64_t time_unix_ms = 0;  ///< wall clock
    Severity severity = Severity::info;
    std::string component;  ///< "iscsi", "drive0", "changer", "spool", ...
    std::string message;    ///< one sentence in plain words
    std::vector<std::pair<std::string, std::string>> fields;  ///< key=value, never a secret
};

/// Writes each event to the log (stderr) at once, and keeps the newest kEventsMax of severity info
/// and above in memory. Any thread.
class EventLog {
  public:
    static constexpr std::size_t kEventsMax = 1000;
    using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

    /// False: debug() goes nowhere, and what it would say need not be put together.
    [[nodiscard]] static bool shows_debug() noexcept;

    void debug(std::string_view component, std::string message, Fields fields = {}) {
        add(Severity::debug, component, std::move(message), fields);
    }
    void info(std::string_view component, std::string message, Fields fields = {}) {
        add(Severity::info, component, std::move(message), fields);
    }
    void warning(std::string_view component, std::string message, Fields fields = {}) {
        add(Severity::warning, component, std::move(message), fields);
    }
    void error(std::string_view component, std::string message, Fields fields = {}) {
        add(Severity::error, component, std::move(message), fields);
    }

    /// The kept events with sequence > after, oldest first.
    [[nodiscard]] std::vector<Event> events_after(std::uint64_t after) const;

  private:
    void add(Severity severity, std::string_view component, std::string message, Fields fields);

    mutable std::mutex mutex_;
    std::uint64_t last_sequence_ = 0;
    std::deque<Event> events_;
};

}  // namespace tapeloft
