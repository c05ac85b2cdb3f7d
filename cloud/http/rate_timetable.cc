#include "cloud/http/rate_timetable.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <string>

namespace tapeloft {
namespace {

using Minute = RateTimetable::Minute;

constexpr Minute kMinutesOfDay = 24U * 60;
constexpr std::uint64_t kRateMax = 1ULL << 20U;  // MiB/s
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? std::optional(value) : std::nullopt;
}

std::optional<Minute> day_of(std::string_view text) {
    const auto* const found = std::ranges::find(kDays, text);
    return found == kDays.end() ? std::nullopt
                                : std::optional(static_cast<Minute>(found - kDays.begin()));
}

std::optional<Minute> time_of(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') {
        return std::nullopt;
    }
    const auto hour = number_of<Minute>(text.substr(0, 2));
    const auto minute = number_of<Minute>(text.substr(3));
    if (!hour || !minute || *minute > 59 || *hour * 60 + *minute > kMinutesOfDay) {
        return std::nullopt;
    }
    return *hour * 60 + *minute;
}

std::optional<std::uint64_t> rate_of(std::string_view text) {
    constexpr std::string_view kUnit = "MiB/s";
    if (text == "none") {
        return 0;
    }
    if (text.ends_with(kUnit)) {
        text.remove_suffix(kUnit.size());
    }
    const auto rate = number_of<std::uint64_t>(text);
    return rate && *rate != 0 && *rate <= kRateMax ? std::optional(*rate << 20U) : std::nullopt;
}

/// Both sides of the "-"; without one the word stands on both.
template <typename Side>
bool take_span(std::string_view word, std::optional<Minute> (*side)(std::string_view), Side& from,
               Side& to) {
    const auto dash = word.find('-');
    from = side(word.substr(0, dash));
    to = dash == std::string_view::npos ? from : side(word.substr(dash + 1));
    return from && to;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find_first_of(separators);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

Error wrong(std::string_view rule) {
    return {Errc::invalid_argument,
            "found \"" + std::string(rule) +
                "\"; allowed: rules with \",\" between them, each a number of MiB/s, or none, "
                "behind the days and the time it is meant for, as in "
                "Mon-Fri_08:00-18:00_20MiB/s,Sat_50,none"};
}

}  // namespace

RateTimetable::RateTimetable(std::uint64_t bytes_per_s) {
    if (bytes_per_s != 0) {
        Rule always;
        always.bytes_per_s = bytes_per_s;
        rules_.push_back(always);
    }
}

Result<RateTimetable> RateTimetable::parse(std::string_view text) {
    RateTimetable timetable;
    for (const auto part : split(text, ",")) {
        TL_TRY(const auto rule, parse_rule(part));
        if (!timetable.leaves_time_for(rule)) {
            return Error{
                Errc::invalid_argument,
                "found \"" + std::string(part) +
                    "\", which is never reached: rules before it have all of its time, and "
                    "the first one that fits counts; allowed: it before them, or not at "
                    "all"};
        }
        timetable.rules_.push_back(rule);
    }
    return timetable;
}

Result<RateTimetable::Rule> RateTimetable::parse_rule(std::string_view text) {
    auto words = split(text, "_ ");
    Rule rule;
    const auto rate = rate_of(words.back());
    words.pop_back();
    if (!rate) {
        return wrong(text);
    }
    rule.bytes_per_s = *rate;
    auto word = words.begin();
    std::optional<Minute> from;
    std::optional<Minute> to;
    if (word != words.end() && take_span(*word, &day_of, from, to)) {
        rule.first_day = *from;
        rule.days = (*to + 7 - *from) % 7 + 1;
        ++word;
    }
    if (word != words.end() && take_span(*word, &time_of, from, to) && *from != *to &&
        *from < kMinutesOfDay) {
        rule.from = *from;
        rule.length = (*to + kMinutesOfDay - *from - 1) % kMinutesOfDay + 1;
        ++word;
    }
    return word == words.end() ? Result<Rule>(rule) : wrong(text);
}

bool RateTimetable::Rule::fits(Minute minute) const noexcept {
    const auto since_day = (minute + kMinutesOfWeek - first_day * kMinutesOfDay) % kMinutesOfWeek;
    const auto since = (since_day + kMinutesOfWeek - from) % kMinutesOfWeek;
    return since / kMinutesOfDay < days && since % kMinutesOfDay < length;
}

bool RateTimetable::leaves_time_for(const Rule& rule) const noexcept {
    for (Minute minute = 0; minute < kMinutesOfWeek; ++minute) {
        const auto fits = [minute](const Rule& each) { return each.fits(minute); };
        if (rule.fits(minute) && std::ranges::none_of(rules_, fits)) {
            return true;
        }
    }
    return false;
}

std::uint64_t RateTimetable::rate_at(Minute minute) const noexcept {
    const auto fits = [minute](const Rule& rule) { return rule.fits(minute); };
    const auto found = std::ranges::find_if(rules_, fits);
    return found == rules_.end() ? 0 : found->bytes_per_s;
}

std::chrono::seconds RateTimetable::longest(std::uint64_t bytes) const noexcept {
    std::uint64_t least = 0;
    for (const auto& rule : rules_) {
        if (rule.bytes_per_s != 0 && (least == 0 || rule.bytes_per_s < least)) {
            least = rule.bytes_per_s;
        }
    }
    return std::chrono::seconds(least == 0 ? 0 : bytes / least);
}

RateTimetable::Minute local_minute_of_week(std::chrono::system_clock::time_point now) {
    const auto time = std::chrono::system_clock::to_time_t(now);
    std::tm local{};
    if (::localtime_r(&time, &local) == nullptr) {
        return 0;
    }
    const auto day = static_cast<Minute>((local.tm_wday + 6) % 7);  // tm_wday 0 is Sunday
    return day * kMinutesOfDay + static_cast<Minute>(local.tm_hour * 60 + local.tm_min);
}

}  // namespace tapeloft
