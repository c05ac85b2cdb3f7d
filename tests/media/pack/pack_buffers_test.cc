// Memory of packs is used again, and never while somebody has it.
#include "media/pack/pack_buffers.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace tapeloft::media {
namespace {

constexpr std::size_t kSize = 8UL << 20U;

const std::uint8_t* where(const Buffer& buffer) {
    return buffer.view().data();
}

TEST(PackBuffers, WhatNobodyHasAnyMoreIsTakenAgain) {
    PackBuffers buffers;
    auto first = buffers.take(kSize);
    ASSERT_EQ(first.size(), kSize);
    const auto* const place = where(first);
    first = {};
    EXPECT_EQ(where(buffers.take(kSize)), place);
}

TEST(PackBuffers, ASliceKeepsIt) {
    PackBuffers buffers;
    auto whole = buffers.take(kSize);
    whole.mutable_view()[4] = 7;
    const auto part = whole.slice(4, 1);
    whole = {};
    auto other = buffers.take(kSize);
    std::ranges::fill(other.mutable_view(), std::uint8_t{1});
    EXPECT_EQ(part.view()[0], 7);
}

TEST(PackBuffers, AnotherSizeIsAnotherBuffer) {
    PackBuffers buffers;
    auto small = buffers.take(100);
    auto large = buffers.take(kSize);
    small = {};
    auto again = buffers.take(kSize);
    std::ranges::fill(large.mutable_view(), std::uint8_t{1});
    std::ranges::fill(again.mutable_view(), std::uint8_t{2});
    EXPECT_EQ(large.view().back(), 1);
    EXPECT_EQ(buffers.take(100).size(), 100U);
}

TEST(PackBuffers, ABufferMayOutliveThem) {
    std::optional<PackBuffers> buffers(std::in_place);
    auto held = buffers->take(kSize);
    buffers->trim();
    buffers.reset();
    std::ranges::fill(held.mutable_view(), std::uint8_t{1});
    EXPECT_EQ(held.view().back(), 1);
}

TEST(PackBuffers, ThreadsNeverShareOne) {
    PackBuffers buffers;
    std::vector<std::thread> threads;
    for (std::uint8_t own = 1; own <= 4; ++own) {
        threads.emplace_back([&buffers, own] {
            for (int round = 0; round < 500; ++round) {
                auto buffer = buffers.take(10'000);
                std::ranges::fill(buffer.mutable_view(), own);
                const auto view = buffer.view();
                EXPECT_EQ(std::ranges::count(view, own), std::ssize(view));
                if (round % 50 == 0) {
                    buffers.trim();
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
}

}  // namespace
}  // namespace tapeloft::media
