#include "media/chunk/cut_memory.h"

#include <random>

#include <gtest/gtest.h>

#include "media/chunk/fast_cdc.h"

namespace tapeloft::media {
namespace {

constexpr ChunkLengths kLengths = {2048, 8192, 32'768};

Bytes random_text(std::mt19937_64& random, std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return bytes;
}

/// Lengths of the chunks of `bytes`, of which `step` more are shown at a time.
std::vector<std::size_t> cuts_of(ByteView bytes, CutMemory* memory, std::size_t step = SIZE_MAX) {
    CutScan scan(kLengths, memory);
    std::vector<std::size_t> cuts;
    std::size_t shown = 0;
    while (shown < bytes.size()) {
        shown += std::min(step, bytes.size() - shown);
        while (const auto cut = scan.scan(bytes.first(shown), shown == bytes.size())) {
            cuts.push_back(*cut);
            bytes = bytes.subspan(*cut);
            shown -= *cut;
            scan.restart();
        }
    }
    return cuts;
}

TEST(CutMemory, EndsAChunkThatComesAgainWithoutASearch) {
    std::mt19937_64 random(1);
    const auto bytes = random_text(random, 64 * 1024);
    CutMemory memory(16);
    EXPECT_FALSE(memory.find(ByteView(bytes).first(CutMemory::kStart)).has_value());
    const std::size_t length = 3333;  // where no search would end it
    ASSERT_NE(content_defined_cut(bytes, kLengths), length);
    memory.remember(ByteView(bytes).first(length));
    CutScan scan(kLengths, &memory);
    EXPECT_FALSE(scan.scan(ByteView(bytes).first(length - 1)).has_value());
    EXPECT_EQ(scan.scan(ByteView(bytes).first(length)), length);
}

TEST(CutMemory, WaitsForNothingThatDoesNotCome) {
    std::mt19937_64 random(3);
    const auto bytes = random_text(random, 64 * 1024);
    const auto cut = content_defined_cut(bytes, kLengths).value();
    CutMemory memory(16);
    memory.remember(ByteView(bytes).first(cut + 100));
    CutScan scan(kLengths, &memory);
    const auto most = ByteView(bytes).first(cut + 99);
    EXPECT_FALSE(scan.scan(most).has_value()) << "it may be the same again";
    EXPECT_EQ(scan.scan(most, true), cut);
}

TEST(CutMemory, SearchesWhatOnlyBeginsLikeSomethingKnown) {
    std::mt19937_64 random(2);
    auto bytes = random_text(random, 64 * 1024);
    CutMemory memory(16);
    memory.remember(ByteView(bytes).first(30'000));
    bytes[29'999] ^= 1U;
    EXPECT_EQ(CutScan(kLengths, &memory).scan(bytes), content_defined_cut(bytes, kLengths));
}

TEST(CutMemory, KeepsNothingThatIsShorterThanWhatItIsFoundBy) {
    CutMemory memory(1);
    const Bytes bytes(CutMemory::kStart, 7);
    memory.remember(ByteView(bytes).first(CutMemory::kStart - 1));
    EXPECT_FALSE(memory.find(bytes).has_value());
    memory.remember(bytes);
    ASSERT_TRUE(memory.find(bytes).has_value());
    EXPECT_EQ(memory.find(bytes)->length, CutMemory::kStart);
}

TEST(CutMemory, CutsAreWhereASearchFindsThemWhateverItHasSeen) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    for (const std::size_t entries : {1U, 4U, 4096U}) {
        CutMemory memory(entries);
        auto bytes = random_text(random, 400'000);
        for (int round = 0; round < 20; ++round) {
            const std::size_t step = random() % 3 == 0 ? 1 + random() % 5000 : SIZE_MAX;
            ASSERT_EQ(cuts_of(bytes, &memory, step), cuts_of(bytes, nullptr))
                << entries << " entries, round " << round;
            const auto at = static_cast<std::ptrdiff_t>(random() % bytes.size());
            switch (random() % 4) {
                case 0:
                    bytes[static_cast<std::size_t>(at)] ^= 1U;
                    break;
                case 1:
                    bytes.insert(bytes.begin() + at, static_cast<std::uint8_t>(random()));
                    break;
                case 2:
                    bytes.erase(bytes.begin(), bytes.begin() + at / 4);
                    break;
                default:
                    std::fill(bytes.begin() + at / 2, bytes.begin() + at, std::uint8_t{0});
            }
        }
    }
}

}  // namespace
}  // namespace tapeloft::media
