// How many bytes a second, by the day of the week and the time of the day.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft {

/// Rules in order; of those that fit a moment the first one counts. Where none fits there is no
/// limit. A plain value.
class RateTimetable {
  public:
    /// Minutes since Monday 00:00, 0 to kMinutesOfWeek - 1.
    using Minute = unsigned;
    static constexpr Minute kMinutesOfWeek = 7U * 24 * 60;

    RateTimetable() = default;  ///< no limit
    /// bytes_per_s: always; 0 is no limit.
    RateTimetable(std::uint64_t bytes_per_s);  // NOLINT: a rate is the plainest timetable

    /// RULE[,RULE...]; a rule is [DAYS][ FROM-TO] RATE with "_" or blanks between its words: DAYS
    /// "Mon" or "Mon-Fri" (it may go round: "Sat-Mon"), FROM and TO "08:00" ("24:00" too; a time
    /// that goes past midnight belongs to the day it begins on), RATE a number of MiB/s, 1 to
    /// 1048576, with "MiB/s" behind it or not, or "none": "Mon-Fri_08:00-18:00_20MiB/s,100".
    /// Errors: invalid_argument, which says what was found and what is allowed.
    [[nodiscard]] static Result<RateTimetable> parse(std::string_view text);

    /// Bytes a second; 0: no limit.
    [[nodiscard]] std::uint64_t rate_at(Minute minute) const noexcept;
    /// What so many bytes take at the lowest rate there ever is; 0: never a limit.
    [[nodiscard]] std::chrono::seconds longest(std::uint64_t bytes) const noexcept;

    friend bool operator==(const RateTimetable&, const RateTimetable&) = default;

  private:
    struct Rule {
        Minute first_day = 0;  ///< 0: Monday
        Minute days = 7;       ///< from that day on, round the week
        Minute from = 0;       ///< of a day
        Minute length = 24U * 60;
        std::uint64_t bytes_per_s = 0;

        [[nodiscard]] bool fits(Minute minute) const noexcept;
        friend bool operator==(const Rule&, const Rule&) = default;
    };

    static Result<Rule> parse_rule(std::string_view text);
    [[nodiscard]] bool leaves_time_for(const Rule& rule) const noexcept;

    std::vector<Rule> rules_;
};

/// What it is at this machine, by its own clock and time zone.
[[nodiscard]] RateTimetable::Minute local_minute_of_week(std::chrono::system_clock::time_point now);

}  // namespace tapeloft
