// How fast cartridges go to the store.
#include "media/archive/progress.h"

#include <chrono>

#include <gtest/gtest.h>

namespace tapeloft::media {
namespace {

using namespace std::chrono_literals;

constexpr RateMeter::Time kStart{std::chrono::hours(1)};

TEST(RateMeter, NothingIsNoRate) {
    EXPECT_EQ(RateMeter().bytes_per_second(kStart), 0);
    EXPECT_TRUE(RateMeter().is_idle(kStart));
}

TEST(RateMeter, ASteadyStreamHasItsRateFromTheFirstSecondsOn) {
    RateMeter meter;
    for (auto passed = 0ms; passed < 60s; passed += 100ms) {
        meter.add(100, kStart + passed);
        if (passed >= 2s) {
            ASSERT_NEAR(meter.bytes_per_second(kStart + passed), 1000, 110) << passed.count();
        }
    }
}

TEST(RateMeter, WhatCameInOneMomentIsNotARateWithoutMeasure) {
    RateMeter meter;
    meter.add(5000, kStart);
    EXPECT_EQ(meter.bytes_per_second(kStart), 5000);
    EXPECT_EQ(meter.bytes_per_second(kStart + 5s), 1000);
}

TEST(RateMeter, WhatWasLongAgoCountsNoMore) {
    RateMeter meter;
    meter.add(1'000'000, kStart);
    meter.add(100, kStart + 9s);
    EXPECT_NEAR(meter.bytes_per_second(kStart + 15s), 100.0 / 9, 1);
    EXPECT_EQ(meter.bytes_per_second(kStart + 19s), 0);
    EXPECT_TRUE(meter.is_idle(kStart + 19s));
    meter.add(300, kStart + 1000s);
    EXPECT_EQ(meter.bytes_per_second(kStart + 1000s), 300);
    EXPECT_EQ(meter.bytes_per_second(kStart + 1003s), 100);
}

TEST(RateMeter, TheLastRateStaysWhenNothingComesAnyMore) {
    RateMeter meter;
    EXPECT_EQ(meter.last_rate(kStart), 0);
    for (auto passed = 0s; passed < 8s; passed += 1s) {
        meter.add(1000, kStart + passed);
    }
    EXPECT_NEAR(meter.last_rate(kStart + 1h), 1000, 200);
    EXPECT_EQ(meter.bytes_per_second(kStart + 1h), 0);
}

TEST(ArchiveProgress, EachCartridgeHasItsRateAndAllHaveTheSum) {
    ArchiveProgress progress;
    EXPECT_TRUE(progress.rates().cartridges.empty());
    progress.taken(1, 1'000'000);
    progress.taken(2, 3'000'000);
    const auto rates = progress.rates();
    ASSERT_EQ(rates.cartridges.size(), 2U);
    const auto& first = rates.cartridges.at(1);
    const auto& second = rates.cartridges.at(2);
    EXPECT_GT(first.bytes_per_second, 0);
    EXPECT_GT(second.bytes_per_second, first.bytes_per_second);
    EXPECT_GT(rates.all.bytes_per_second, second.bytes_per_second);
    EXPECT_EQ(rates.all.under_way, 4'000'000U);
}

TEST(ArchiveProgress, WhatIsStoredOrGivenUpIsUnderWayNoMore) {
    ArchiveProgress progress;
    progress.taken(1, 1000);
    progress.stored(1, 400);
    EXPECT_EQ(progress.rates().cartridges.at(1).under_way, 600U);
    progress.stored(1, 700);  // a chunk of two segments counts with both
    EXPECT_EQ(progress.rates().cartridges.at(1).under_way, 0U);
    progress.taken(1, 1000);
    progress.dropped(1);
    progress.dropped(2);
    EXPECT_EQ(progress.rates().cartridges.at(1).under_way, 0U);
}

}  // namespace
}  // namespace tapeloft::media
