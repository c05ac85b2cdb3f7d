#include "vtl/net/log_budget.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::net {
namespace {

TEST(LogBudget, AfterABurstOneLineASecondThatCountsTheMissingOnes) {
    for (const std::int64_t start : {std::int64_t{0}, std::int64_t{1'000'000}}) {
        LogBudget budget;
        for (std::int64_t i = 0; i < LogBudget::kBurst; ++i) {
            ASSERT_EQ(budget.line(start, "line"), "line") << i;
        }
        for (int i = 0; i < 1000; ++i) {
            ASSERT_FALSE(budget.line(start + i % 1000, "line"));
        }
        EXPECT_EQ(budget.line(start + 1000, "next"),
                  "next (1000 more lines of this kind not logged)");
        EXPECT_FALSE(budget.line(start + 1999, "line"));
        EXPECT_EQ(budget.line(start + 2000, "next"), "next (1 more lines of this kind not logged)");
        EXPECT_EQ(budget.line(start + 3000, "next"), "next");
    }
}

TEST(LogBudget, SilenceSavesUpABurstAndNoMore) {
    LogBudget budget;
    ASSERT_TRUE(budget.line(0, "line"));
    const std::int64_t late = 1'000'000'000;
    for (std::int64_t i = 0; i < LogBudget::kBurst; ++i) {
        ASSERT_EQ(budget.line(late, "line"), "line") << i;
    }
    EXPECT_FALSE(budget.line(late, "line"));
}

}  // namespace
}  // namespace tapeloft::vtl::net
