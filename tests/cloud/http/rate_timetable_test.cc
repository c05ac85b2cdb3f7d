#include "cloud/http/rate_timetable.h"

#include <cstdlib>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace tapeloft::tests {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20U;

RateTimetable timetable(std::string_view text) {
    const auto parsed = RateTimetable::parse(text);
    EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
    return parsed ? *parsed : RateTimetable();
}

/// day: 0 is Monday. In MiB/s.
std::uint64_t at(const RateTimetable& table, unsigned day, unsigned hour, unsigned minute) {
    const auto rate = table.rate_at((day * 24 + hour) * 60 + minute);
    EXPECT_EQ(rate % kMiB, 0U);
    return rate / kMiB;
}

TEST(RateTimetableTest, ANumberIsALimitAtAllTimes) {
    for (const std::string text : {"20", "20MiB/s"}) {
        const auto table = timetable(text);
        for (unsigned minute = 0; minute < RateTimetable::kMinutesOfWeek; ++minute) {
            ASSERT_EQ(table.rate_at(minute), 20 * kMiB) << minute;
        }
    }
    EXPECT_EQ(timetable("none"), timetable("none"));
    EXPECT_EQ(timetable("none").rate_at(5), 0U);
    EXPECT_EQ(RateTimetable().rate_at(5), 0U);
    EXPECT_EQ(RateTimetable(7).rate_at(5), 7U);
    EXPECT_EQ(RateTimetable(0).rate_at(5), 0U);
}

TEST(RateTimetableTest, WorkingHoursBeginAndEndToTheMinute) {
    for (const std::string text : {"Mon-Fri_08:00-18:00_20MiB/s", "Mon-Fri 08:00-18:00 20"}) {
        const auto table = timetable(text);
        for (unsigned day = 0; day < 7; ++day) {
            const auto limit = day < 5 ? 20U : 0U;
            EXPECT_EQ(at(table, day, 7, 59), 0U) << day;
            EXPECT_EQ(at(table, day, 8, 0), limit) << day;
            EXPECT_EQ(at(table, day, 17, 59), limit) << day;
            EXPECT_EQ(at(table, day, 18, 0), 0U) << day;
        }
    }
}

TEST(RateTimetableTest, ANightBelongsToTheDayItBeginsOn) {
    const auto table = timetable("Sun_22:00-06:30_5");
    EXPECT_EQ(at(table, 6, 21, 59), 0U);
    EXPECT_EQ(at(table, 6, 22, 0), 5U);
    EXPECT_EQ(at(table, 0, 0, 0), 5U) << "round the end of the week";
    EXPECT_EQ(at(table, 0, 6, 29), 5U);
    EXPECT_EQ(at(table, 0, 6, 30), 0U);
    EXPECT_EQ(at(table, 6, 6, 0), 0U) << "Saturday's night is no night of it";
}

TEST(RateTimetableTest, DaysMayGoRoundTheWeekAndADayEndsAtTwentyFour) {
    const auto table = timetable("Sat-Mon_12:00-24:00_3");
    for (unsigned day = 0; day < 7; ++day) {
        const auto limit = day >= 5 || day == 0 ? 3U : 0U;
        EXPECT_EQ(at(table, day, 11, 59), 0U) << day;
        EXPECT_EQ(at(table, day, 12, 0), limit) << day;
        EXPECT_EQ(at(table, day, 23, 59), limit) << day;
    }
    EXPECT_EQ(at(timetable("00:00-24:00_3"), 4, 12, 0), 3U);
}

TEST(RateTimetableTest, TheFirstRuleThatFitsCounts) {
    const auto table = timetable("Mon-Fri_08:00-18:00_20,Sat_none,100");
    EXPECT_EQ(at(table, 2, 9, 0), 20U);
    EXPECT_EQ(at(table, 2, 19, 0), 100U);
    EXPECT_EQ(at(table, 5, 9, 0), 0U);
    EXPECT_EQ(at(table, 6, 9, 0), 100U);
    EXPECT_EQ(table.longest(40 * kMiB), std::chrono::seconds(2));
    EXPECT_EQ(timetable("none").longest(40 * kMiB), std::chrono::seconds(0));
}

TEST(RateTimetableTest, WhatIsNoTimetableIsRefusedByTheRuleThatIsWrong) {
    for (const std::string text : {"",
                                   "0",
                                   "20,",
                                   "-1",
                                   "1048577",
                                   "20 MiB/s",
                                   "fast",
                                   "Mon",
                                   "Mon-Fri",
                                   "Mon-Fri_08:00-18:00",
                                   "mon_20",
                                   "Mon-_20",
                                   "Montag_20",
                                   "08:00_20",
                                   "08:00-08:00_20",
                                   "08:00-24:01_20",
                                   "24:00-08:00_20",
                                   "8:00-18:00_20",
                                   "08:60-09:00_20",
                                   "08:00-18:00_Mon_20",
                                   "Mon_Tue_20",
                                   "20_Mon",
                                   "Mon_-20",
                                   "99999999999999999999"}) {
        const auto parsed = RateTimetable::parse("Mon_5," + text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
        const auto wrong = text == "20," ? "" : text;
        EXPECT_NE(parsed.error().message.find("found \"" + wrong + "\""), std::string::npos)
            << parsed.error().message;
    }
}

TEST(RateTimetableTest, ARuleThatIsNeverReachedIsRefusedWithItsText) {
    const std::vector<std::pair<std::string, std::string>> shadowed = {
        {"100,Mon-Fri_08:00-18:00_20", "Mon-Fri_08:00-18:00_20"},
        {"20,20", "20"},
        {"Mon-Fri_1,Sat-Sun_2,none", "none"},
        {"00:00-12:00_1,12:00-24:00_2,Wed_3", "Wed_3"},
        {"Sun_22:00-06:00_1,Mon_00:00-06:00_2", "Mon_00:00-06:00_2"}};
    for (const auto& [text, rule] : shadowed) {
        const auto parsed = RateTimetable::parse(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_EQ(parsed.error().code, Errc::invalid_argument);
        EXPECT_NE(parsed.error().message.find("found \"" + rule + "\", which is never reached"),
                  std::string::npos)
            << parsed.error().message;
    }
    timetable("Mon_1,Mon-Tue_2,3");
    timetable("Mon_08:00-18:00_1,Mon_08:00-18:01_2");
}

TEST(RateTimetableTest, TheWeekGoesByTheTimeZoneOfTheMachine) {
    const char* const zone = std::getenv("TZ");
    const std::string kept = zone == nullptr ? "" : zone;
    const auto monday =
        std::chrono::system_clock::from_time_t(1'795'996'800);  // 2026-11-30 00:00 Z
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
    EXPECT_EQ(local_minute_of_week(monday), 0U);
    ::setenv("TZ", "XXX-1:30", 1);  // ahead of UTC
    ::tzset();
    EXPECT_EQ(local_minute_of_week(monday), 90U);
    ::setenv("TZ", "XXX1", 1);
    ::tzset();
    EXPECT_EQ(local_minute_of_week(monday), RateTimetable::kMinutesOfWeek - 60);
    zone == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", kept.c_str(), 1);
    ::tzset();
}

}  // namespace
}  // namespace tapeloft::tests
