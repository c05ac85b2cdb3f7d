#include "cloud/base/bytes.h"

#include <array>

#include <gtest/gtest.h>

namespace tapeloft {
namespace {

TEST(FixedOrderField, LoadsWhatItStoredAndTouchesOnlyItsBytes) {
    std::array<std::uint8_t, 8> bytes{};
    using Field = BigEndian<std::uint32_t, 2, 3>;
    Field::store(bytes, 0x00ABCDEFU);
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 8>{0, 0, 0xAB, 0xCD, 0xEF, 0, 0, 0}));
    EXPECT_EQ(Field::load(bytes), 0x00ABCDEFU);
    using Little = LittleEndian<std::uint16_t, 6>;
    Little::store(bytes, 0x1234);
    EXPECT_EQ(bytes[6], 0x34);
    EXPECT_EQ(Little::load(bytes), 0x1234);
}

TEST(FixedOrderFieldDeathTest, ReadingBehindTheEndIsABug) {
    const std::array<std::uint8_t, 3> bytes{};
    EXPECT_DEATH((void)load_big_endian<4>(bytes), "assertion failed");
}

TEST(Buffer, SlicesShareTheBytes) {
    auto buffer = Buffer::copy_of(as_bytes("abcdef"));
    const auto tail = buffer.slice(2, 4);
    buffer.mutable_view()[3] = 'X';
    EXPECT_EQ(as_text(tail.view()), "cXef");
    EXPECT_EQ(as_text(tail.first(1).view()), "c");
    EXPECT_EQ(buffer.slice(6, 0).size(), 0U);
}

TEST(BufferDeathTest, ASliceBehindTheEndIsABug) {
    const auto buffer = Buffer::zeroed(4);
    EXPECT_DEATH((void)buffer.slice(3, 2), "assertion failed");
}

TEST(Buffer, WhatWasMovedFromIsEmpty) {
    auto whole = Buffer::copy_of(as_bytes("abcdef"));
    auto tail = whole.slice(4, 2);
    const auto taken = std::move(tail);
    EXPECT_TRUE(tail.empty());  // NOLINT(bugprone-use-after-move): what the test is about
    EXPECT_TRUE(tail.view().empty());
    tail = std::move(whole);
    EXPECT_TRUE(whole.empty());  // NOLINT(bugprone-use-after-move)
    EXPECT_EQ(as_text(tail.view()), "abcdef");
    EXPECT_EQ(as_text(taken.view()), "ef");
}

TEST(Buffer, AnEmptyOneHasAnEmptyView) {
    EXPECT_TRUE(Buffer().view().empty());
    EXPECT_TRUE(Buffer::allocate(0).empty());
}

}  // namespace
}  // namespace tapeloft
