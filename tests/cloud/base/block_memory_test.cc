// Large blocks: none is lent twice, none is lost, and what nobody has is used again.
#include "cloud/base/block_memory.h"

#include <algorithm>
#include <map>
#include <random>
#include <span>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/base/bytes.h"

namespace tapeloft {
namespace {

constexpr std::size_t kMebibyte = 1024UL * 1024;
constexpr std::size_t kReserved = 64 * kMebibyte;

struct Block {
    void* at = nullptr;
    std::size_t size = 0;

    [[nodiscard]] std::span<std::uint8_t> bytes() const {
        return {static_cast<std::uint8_t*>(at), size};
    }
};

class BlockMemoryTest : public testing::Test {
  protected:
    Block take(std::size_t size) { return {memory_.take(size), size}; }
    void give_back(const Block& block) { memory_.give_back(block.at, block.size); }

    BlockMemory memory_{kReserved};
};

TEST_F(BlockMemoryTest, WhatIsGivenBackIsTakenNext) {
    for (const auto size : {kMebibyte, 8 * kMebibyte}) {
        const auto first = take(size);
        const auto second = take(size);
        ASSERT_NE(first.at, nullptr);
        ASSERT_NE(second.at, nullptr);
        give_back(first);
        const auto third = take(size);
        EXPECT_EQ(third.at, first.at);
        give_back(second);
        give_back(third);
    }
}

TEST_F(BlockMemoryTest, VeryLongBlocksAreNotSeparatedByShortOnesThatStay) {
    std::vector<Block> kept;
    std::vector<Block> longs;
    for (int i = 0; i < 6; ++i) {
        longs.push_back(take(BlockMemory::kVeryLong));
        kept.push_back(take(kMebibyte));
        ASSERT_NE(longs.back().at, nullptr);
    }
    std::ranges::for_each(longs, [this](const Block& block) { give_back(block); });
    EXPECT_NE(take(6 * BlockMemory::kVeryLong + 20 * kMebibyte).at, nullptr);
}

TEST_F(BlockMemoryTest, WhereThereIsNoRoomThereIsNoBlock) {
    const auto most = take(kReserved);
    ASSERT_NE(most.at, nullptr);
    EXPECT_EQ(take(1).at, nullptr);
    give_back(most);
    EXPECT_EQ(take(kReserved + 1).at, nullptr);
    EXPECT_EQ(take(SIZE_MAX).at, nullptr);
    EXPECT_NE(take(1).at, nullptr);
}

TEST(BlockMemory, WhereTheSystemRefusesTheAddressesThereIsNoBlock) {
    BlockMemory memory(std::size_t{1} << 60U);
    EXPECT_EQ(memory.take(1), nullptr);
    int elsewhere = 0;
    EXPECT_FALSE(memory.holds(&elsewhere));
    memory.trim();
}

TEST_F(BlockMemoryTest, ATrimTakesThePagesThatNobodyHas) {
    const auto before = take(kMebibyte);
    const auto block = take(kMebibyte);
    const auto behind = take(kMebibyte);
    for (const auto& each : {before, block, behind}) {
        std::ranges::fill(each.bytes(), std::uint8_t{1});
    }
    give_back(block);
    memory_.trim();
    const auto again = take(kMebibyte);
    ASSERT_EQ(again.at, block.at);
    EXPECT_EQ(std::ranges::count(again.bytes(), 0), std::ssize(again.bytes()));
    for (const auto& each : {before, behind}) {
        EXPECT_EQ(std::ranges::count(each.bytes(), 1), std::ssize(each.bytes()));
    }
}

TEST_F(BlockMemoryTest, BlocksNeverOverlapAndInTheEndAllIsOneAgain) {
    const auto seed = std::random_device()();
    std::printf("seed %u\n", seed);
    std::mt19937 random(seed);
    std::map<void*, std::pair<Block, std::uint8_t>> blocks;
    const auto end_one = [&](auto lent) {
        const auto& [block, mark] = lent->second;
        EXPECT_EQ(block.bytes().front(), mark);
        EXPECT_EQ(block.bytes().back(), mark);
        give_back(block);
        blocks.erase(lent);
    };
    std::uniform_int_distribution<std::size_t> size(1, 6 * kMebibyte);
    for (int step = 0; step < 20'000; ++step) {
        const auto block = take(size(random));
        if (block.at != nullptr) {
            const auto mark = static_cast<std::uint8_t>(random());
            block.bytes().front() = mark;
            block.bytes().back() = mark;
            const auto next = blocks.upper_bound(block.at);
            if (next != blocks.end()) {
                ASSERT_LE(block.bytes().data() + block.size, next->first);
            }
            if (next != blocks.begin()) {
                const auto& one_before = std::prev(next)->second.first;
                ASSERT_LE(one_before.bytes().data() + one_before.size, block.at);
            }
            ASSERT_TRUE(memory_.holds(block.at));
            blocks.emplace(block.at, std::pair(block, mark));
        }
        while (!blocks.empty() && (block.at == nullptr || random() % 2 == 0)) {
            end_one(
                std::next(blocks.begin(), static_cast<std::ptrdiff_t>(random() % blocks.size())));
            if (random() % 4 == 0) {
                break;
            }
        }
    }
    while (!blocks.empty()) {
        end_one(blocks.begin());
    }
    EXPECT_NE(take(kReserved).at, nullptr);
}

TEST_F(BlockMemoryTest, ThreadsNeverShareOne) {
    std::vector<std::thread> threads;
    for (std::uint8_t own = 1; own <= 4; ++own) {
        threads.emplace_back([this, own] {
            for (int round = 0; round < 500; ++round) {
                const auto block = take(10'000);
                std::ranges::fill(block.bytes(), own);
                EXPECT_EQ(std::ranges::count(block.bytes(), own), std::ssize(block.bytes()));
                give_back(block);
                if (round % 50 == 0) {
                    memory_.trim();
                }
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
}

TEST(LargeBuffer, KeepsItsBytesWhileASliceIsThereWhateverIsTrimmed) {
    auto whole = Buffer::allocate(Buffer::kLargeBlock);
#ifndef TAPELOFT_SANITIZED
    EXPECT_TRUE(block_memory().holds(whole.view().data()));
#endif
    std::ranges::fill(whole.mutable_view(), std::uint8_t{7});
    const auto part = whole.slice(Buffer::kLargeBlock - 1, 1);
    whole = {};
    block_memory().trim();
    auto other = Buffer::allocate(Buffer::kLargeBlock);
    std::ranges::fill(other.mutable_view(), std::uint8_t{1});
    EXPECT_EQ(part.view()[0], 7);
}

}  // namespace
}  // namespace tapeloft
