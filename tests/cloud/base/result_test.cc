#include "cloud/base/result.h"

#include <cerrno>
#include <memory>

#include <gtest/gtest.h>

namespace tapeloft {
namespace {

Result<std::unique_ptr<int>> half(int value) {
    if (value % 2 != 0) {
        return Error{Errc::invalid_argument, "odd"};
    }
    return std::make_unique<int>(value / 2);
}

Result<int> quarter(int value) {
    TL_TRY(const auto once, half(value));
    TL_CHECK(half(*once));
    TL_TRY(const auto twice, half(*once));
    return *twice;
}

TEST(Result, TryGivesTheValueOrReturnsTheError) {
    ASSERT_TRUE(quarter(8).has_value());
    EXPECT_EQ(*quarter(8), 2);
    ASSERT_FALSE(quarter(6).has_value());
    EXPECT_EQ(quarter(6).error().code, Errc::invalid_argument);
    EXPECT_EQ(quarter(5).error().message, "odd");
}

TEST(ResultDeathTest, TheValueOfAnErrorIsABug) {
    EXPECT_DEATH((void)*quarter(5), "assertion failed");
}

TEST(ErrorFromErrno, SaysWhatWasTriedAndItsClass) {
    const auto full = error_from_errno("write /spool/1", ENOSPC);
    EXPECT_EQ(full.code, Errc::no_space);
    EXPECT_EQ(full.message, "write /spool/1: No space left on device");
    EXPECT_EQ(error_from_errno("open", ENOENT).code, Errc::not_found);
    EXPECT_EQ(error_from_errno("open", EACCES).code, Errc::denied);
    EXPECT_EQ(error_from_errno("read", EIO).code, Errc::io);
}

TEST(Errc, EveryClassHasAName) {
    for (int code = 0; code <= static_cast<int>(Errc::cancelled); ++code) {
        EXPECT_FALSE(to_string(static_cast<Errc>(code)).empty());
    }
}

}  // namespace
}  // namespace tapeloft
