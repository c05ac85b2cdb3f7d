#include "vtl/daemon/rest_target.h"

#include <gtest/gtest.h>

namespace tapeloft::vtl::daemon {
namespace {

TEST(RestTarget, PathAndQueryAreSplitAndDecoded) {
    const auto target = parse_rest_target("/v1/cartridges/TL%30001L9?library=a%26b&dry_run=&x");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->segments, (std::vector<std::string>{"v1", "cartridges", "TL0001L9"}));
    EXPECT_EQ(target->parameter("library"), "a&b");
    EXPECT_EQ(target->parameter("dry_run"), "");
    EXPECT_EQ(target->parameter("x"), "");
    EXPECT_EQ(target->parameter("y"), std::nullopt);
}

TEST(RestTarget, ASlashInsideASegmentDoesNotSplitIt) {
    const auto target = parse_rest_target("/v1/cartridges/a%2Fb");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->segments.back(), "a/b");
}

TEST(RestTarget, WhatIsMalformedIsRefused) {
    for (const auto* const bad :
         {"", "v1/status", "*", "/a%", "/a%2", "/a%zz", "/a%+1", "/?a=1&a=2", "/?%=1"}) {
        EXPECT_FALSE(parse_rest_target(bad)) << bad;
    }
}

}  // namespace
}  // namespace tapeloft::vtl::daemon
