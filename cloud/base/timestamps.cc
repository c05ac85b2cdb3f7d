#include "cloud/base/timestamps.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "cloud/base/contract.h"

namespace tapeloft {
namespace {

struct Fields {
    int year = 0;
    unsigned month = 0;
    unsigned day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

std::optional<std::int64_t> unix_seconds(const Fields& fields) {
    const std::chrono::year_month_day date{std::chrono::year(fields.year),
                                           std::chrono::month(fields.month),
                                           std::chrono::day(fields.day)};
    if (!date.ok() || fields.year < 1970 || fields.year > 9999 || fields.hour > 23 ||
        fields.minute > 59 || fields.second > 60) {
        return std::nullopt;
    }
    const std::chrono::sys_seconds time =
        std::chrono::sys_days(date) + std::chrono::hours(fields.hour) +
        std::chrono::minutes(fields.minute) + std::chrono::seconds(fields.second);
    return time.time_since_epoch().count();
}

/// So many digits at `at`; unset: others stand there.
std::optional<int> number(std::string_view text, std::size_t at, std::size_t digits) {
    int value = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
        if (i >= text.size() || text[i] < '0' || text[i] > '9') {
            return std::nullopt;
        }
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_http_time(std::string_view text) {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    constexpr std::string_view kExample = "Fri, 24 May 2013 00:00:00 GMT";
    if (text.size() != kExample.size() || !text.ends_with(" GMT")) {
        return std::nullopt;
    }
    const auto month = kMonths.find(text.substr(8, 3));
    const auto day = number(text, 5, 2);
    const auto year = number(text, 12, 4);
    const auto hour = number(text, 17, 2);
    const auto minute = number(text, 20, 2);
    const auto second = number(text, 23, 2);
    if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hour || !minute ||
        !second) {
        return std::nullopt;
    }
    return unix_seconds({*year, static_cast<unsigned>(month / 3 + 1), static_cast<unsigned>(*day),
                         *hour, *minute, *second});
}

std::optional<std::int64_t> parse_iso_time(std::string_view text) {
    const auto year = number(text, 0, 4);
    const auto month = number(text, 5, 2);
    const auto day = number(text, 8, 2);
    const auto hour = number(text, 11, 2);
    const auto minute = number(text, 14, 2);
    const auto second = number(text, 17, 2);
    if (!year || !month || !day || !hour || !minute || !second || text[10] != 'T' ||
        !(text.ends_with('Z') || text.ends_with("+00:00"))) {
        return std::nullopt;
    }
    return unix_seconds({*year, static_cast<unsigned>(*month), static_cast<unsigned>(*day), *hour,
                         *minute, *second});
}

std::string iso_time(std::int64_t unix_s) {
    const auto time = static_cast<std::time_t>(unix_s);
    std::tm utc{};
    TL_ASSERT(gmtime_r(&time, &utc) != nullptr);
    std::array<char, 32> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return {text.data(), size};
}

}  // namespace tapeloft
