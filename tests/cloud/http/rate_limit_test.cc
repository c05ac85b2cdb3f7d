#include "cloud/http/rate_limit.h"

#include <gtest/gtest.h>

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;

TEST(RateLimitTest, WithoutALimitEverythingGoes) {
    RateLimit limit(0);
    limit.took(1ULL << 40U);
    EXPECT_TRUE(limit.may_go({}));
    EXPECT_EQ(limit.wait({}).count(), 0);
}

TEST(RateLimitTest, WhatWasOverdrawnIsPaidBeforeAnybodyGoes) {
    RateLimit limit(1000);
    const auto begin = RateLimit::Time() + std::chrono::hours(1);
    ASSERT_TRUE(limit.may_go(begin));
    limit.took(600);  // a tenth of a second is credit, half a second is not
    EXPECT_FALSE(limit.may_go(begin));
    EXPECT_NEAR(static_cast<double>(limit.wait(begin).count()), 500, 2);
    EXPECT_FALSE(limit.may_go(begin + milliseconds(499)));
    EXPECT_TRUE(limit.may_go(begin + milliseconds(501)));
}

TEST(RateLimitTest, TheMeanOfALongTimeIsTheRate) {
    RateLimit limit(1000000);
    auto now = RateLimit::Time() + std::chrono::hours(1);
    const auto end = now + std::chrono::seconds(10);
    double taken = 0;
    while (now < end) {
        if (limit.may_go(now)) {
            limit.took(64UL * 1024);
            taken += 64 * 1024;
        }
        now += milliseconds(3);
    }
    EXPECT_NEAR(taken, 10e6, 0.2e6);
}

TEST(RateLimitTest, ALiftedLimitForgivesWhatIsOverdrawn) {
    RateLimit limit(1000);
    const auto begin = RateLimit::Time() + std::chrono::hours(1);
    ASSERT_TRUE(limit.may_go(begin));
    limit.took(1000000);
    ASSERT_FALSE(limit.may_go(begin + milliseconds(1)));
    limit.set_rate(0);
    EXPECT_TRUE(limit.may_go(begin + milliseconds(1)));
    EXPECT_EQ(limit.wait(begin + milliseconds(1)).count(), 0);
    limit.set_rate(1000);
    EXPECT_TRUE(limit.may_go(begin + milliseconds(2))) << "nor does it come back";
}

TEST(RateLimitTest, AnotherRateCountsFromNowOnAndWhatIsOverdrawnIsPaidAtIt) {
    RateLimit limit(1000);
    const auto begin = RateLimit::Time() + std::chrono::hours(1);
    ASSERT_TRUE(limit.may_go(begin));
    limit.took(1100);
    ASSERT_NEAR(static_cast<double>(limit.wait(begin).count()), 1000, 2);
    limit.set_rate(100);
    EXPECT_NEAR(static_cast<double>(limit.wait(begin).count()), 10000, 2);
    limit.set_rate(10000);
    EXPECT_NEAR(static_cast<double>(limit.wait(begin).count()), 100, 2);
    EXPECT_TRUE(limit.may_go(begin + milliseconds(102)));
}

TEST(RateLimitTest, ALimitThatIsImposedOwesNothingForTheTimeWithoutOne) {
    RateLimit limit(0);
    auto now = RateLimit::Time() + std::chrono::hours(1);
    limit.took(1ULL << 40U);
    limit.set_rate(1000);
    ASSERT_TRUE(limit.may_go(now));
    limit.took(1100);
    EXPECT_NEAR(static_cast<double>(limit.wait(now).count()), 1000, 2)
        << "an hour without a limit is a tenth of a second of credit";
}

}  // namespace
}  // namespace tapeloft::tests
