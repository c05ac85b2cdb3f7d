#include "cloud/base/event_log.h"

#include <array>
#include <chrono>

#include <spdlog/spdlog.h>

namespace tapeloft {
namespace {

spdlog::level::level_enum level_of(Severity severity) {
    switch (severity) {
        case Severity::debug:
            return spdlog::level::debug;
        case Severity::info:
            return spdlog::level::info;
        case Severity::warning:
            return spdlog::level::warn;
        case Severity::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

/// A value with a blank, a quote or a control character is quoted, so that one event stays one
/// line.
std::string quoted(std::string_view value) {
    const auto plain = [](char c) { return c > ' ' && c < '\x7F' && c != '"' && c != '\\'; };
    bool needs_quotes = value.empty();
    for (const char c : value) {
        needs_quotes = needs_quotes || !plain(c);
    }
    if (!needs_quotes) {
        return std::string(value);
    }
    std::string text = "\"";
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            text += '\\';
            text += c;
        } else if (static_cast<unsigned char>(c) < 0x20U || c == '\x7F') {
            text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
        } else {
            text += c;
        }
    }
    return text + '"';
}

}  // namespace

std::string_view to_string(Severity severity) noexcept {
    constexpr std::array<std::string_view, 4> kNames = {"debug", "info", "warning", "error"};
    return kNames.at(static_cast<std::size_t>(severity));
}

bool EventLog::shows_debug() noexcept {
    return spdlog::should_log(spdlog::level::debug);
}

void EventLog::add(Severity severity, std::string_view component, std::string message,
                   Fields fields) {
    const auto level = level_of(severity);
    if (spdlog::should_log(level)) {
        std::string line = fmt::format("{}: {}", component, message);
        for (const auto& [key, value] : fields) {
            line += fmt::format(" {}={}", key, quoted(value));
        }
        spdlog::log(level, "{}", line);
    }
    if (severity == Severity::debug) {
        return;
    }
    Event event;
    event.time_unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
    event.severity = severity;
    event.component = component;
    event.message = std::move(message);
    for (const auto& [key, value] : fields) {
        event.fields.emplace_back(key, value);
    }
    const std::lock_guard lock(mutex_);
    event.sequence = ++last_sequence_;
    events_.push_back(std::move(event));
    if (events_.size() > kEventsMax) {
        events_.pop_front();
    }
}

std::vector<Event> EventLog::events_after(std::uint64_t after) const {
    const std::lock_guard lock(mutex_);
    std::vector<Event> found;
    for (const auto& event : events_) {
        if (event.sequence > after) {
            found.push_back(event);
        }
    }
    return found;
}

}  // namespace tapeloft
