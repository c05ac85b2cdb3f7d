#include <algorithm>
#include <numeric>
#include <random>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "media/chunk/fast_cdc.h"

#include "tests/media/chunk/pbs_records.h"

namespace tapeloft::media {
namespace {

std::vector<std::size_t> cuts_of(ByteView bytes, const ChunkLengths& lengths) {
    std::vector<std::size_t> cuts;
    while (const auto cut = content_defined_cut(bytes, lengths)) {
        cuts.push_back(*cut);
        bytes = bytes.subspan(*cut);
    }
    EXPECT_LT(bytes.size(), lengths.max);
    return cuts;
}

std::uint64_t split_mix(std::uint64_t& state) {
    std::uint64_t mixed = state += 0x9E3779B97F4A7C15U;
    mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
    mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
    return mixed ^ (mixed >> 31U);
}

// Made by another implementation, byte by byte. If this fails, every library stores everything
// anew: it is never to be renewed.
TEST(ContentDefinedCut, CutsWhereItAlwaysDid) {
    // What was cut with the lengths in use must be cut there again.
    EXPECT_EQ(ChunkLengths().min, 16U * 1024);
    EXPECT_EQ(ChunkLengths().average, 64U * 1024);
    EXPECT_EQ(ChunkLengths().max, 256U * 1024);
    Bytes bytes(2UL * 1024 * 1024);
    std::uint64_t state = 1;
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        store_little_endian<8>(MutableByteView(bytes).subspan(at), split_mix(state));
    }
    EXPECT_EQ(cuts_of(bytes, {32 * 1024, 128 * 1024, 512 * 1024}),
              (std::vector<std::size_t>{128435, 67972, 69178, 192660, 131962, 84584, 69486, 89889,
                                        104081, 33687, 124830, 134734, 133541, 74595, 213978,
                                        134385, 66893, 75339}));
}

TEST(ContentDefinedCut, AProcessorThatLacksInstructionsFindsTheSame) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937_64 random(seed);
    constexpr std::uint64_t kOneIn64 = 1ULL << 58U;
    for (int round = 0; round < 200; ++round) {
        const auto bytes = random_bytes(CutScan::kWindow + random() % 40'000, random());
        const auto from = CutScan::kWindow + random() % (bytes.size() - CutScan::kWindow + 1);
        const auto end = from + random() % (bytes.size() - from + 1);
        for (const auto limit : {std::uint64_t{0}, kOneIn64, UINT64_MAX}) {
            const auto wanted = cut_finders().back()(bytes.data(), from, end, limit);
            for (const auto& find : cut_finders()) {
                ASSERT_EQ(find(bytes.data(), from, end, limit), wanted)
                    << "way " << &find - cut_finders().data() << ", " << from << " to " << end
                    << " of " << bytes.size() << ", limit " << limit;
            }
        }
    }
}

// Else what every disk has much of would be cut at each of its places, or hashed at each of them.
TEST(ContentDefinedCut, NoPlaceInARunOfOneByteIsMarked) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const Bytes run(1000, static_cast<std::uint8_t>(byte));
        for (const auto find : cut_finders()) {
            EXPECT_EQ(find(run.data(), CutScan::kWindow, run.size(), UINT64_MAX), 0U) << byte;
        }
    }
}

TEST(ContentDefinedCut, TextIsCutNearTheAverageToo) {
    std::mt19937_64 random(5);
    std::vector<std::string> words(1000);
    for (auto& word : words) {
        for (auto length = 2 + random() % 8; length > 0; --length) {
            word += static_cast<char>('a' + random() % 26);
        }
        word += ' ';
    }
    Bytes bytes;
    while (bytes.size() < 8UL * 1024 * 1024) {
        const auto& word = words[random() % words.size()];
        bytes.insert(bytes.end(), word.begin(), word.end());
    }
    const auto cuts = cuts_of(bytes, {2048, 8192, 32'768});
    EXPECT_NEAR(static_cast<double>(bytes.size()) / static_cast<double>(cuts.size()), 7600, 1500);
}

TEST(ContentDefinedCut, LengthsStayWithinTheirLimitsAndNearTheAverage) {
    const ChunkLengths lengths = {2048, 8192, 32'768};
    const auto bytes = random_bytes(8UL * 1024 * 1024, 1);
    const auto cuts = cuts_of(bytes, lengths);
    const auto total = std::accumulate(cuts.begin(), cuts.end(), std::size_t{0});
    for (const auto cut : cuts) {
        ASSERT_GT(cut, lengths.min);
        ASSERT_LE(cut, lengths.max);
    }
    EXPECT_NEAR(static_cast<double>(total) / static_cast<double>(cuts.size()), 7600, 500);
}

TEST(ContentDefinedCut, BytesWithoutContentAreCutAtTheLongestLength) {
    EXPECT_EQ(cuts_of(Bytes(4UL * 1024 * 1024), {}), std::vector<std::size_t>(16, 256UL * 1024));
}

TEST(ContentDefinedCut, ComesBackToTheSameCutsBehindAnInsertion) {
    const ChunkLengths lengths = {2048, 8192, 32'768};
    const auto bytes = random_bytes(1024UL * 1024, 3);
    auto changed = bytes;
    changed.insert(changed.begin() + 1000, 7, 0xAA);
    const auto before = cuts_of(bytes, lengths);
    const auto after = cuts_of(changed, lengths);
    std::set<std::size_t> ends;  // counted from the end of the bytes
    auto left = bytes.size();
    for (const auto cut : before) {
        ends.insert(left -= cut);
    }
    std::size_t shared = 0;
    left = changed.size();
    for (const auto cut : after) {
        shared += ends.contains(left -= cut) ? 1U : 0U;
    }
    EXPECT_GE(shared + 5, before.size());
}

TEST(ContentDefinedCut, SearchingBitByBitFindsTheSameCut) {
    const ChunkLengths lengths = {256, 1024, 4096};
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        const auto bytes = random_bytes(4096, seed);
        const auto whole = content_defined_cut(bytes, lengths);
        ASSERT_TRUE(whole.has_value());
        for (const std::size_t step : {1U, 2U, 3U, 7U, 500U}) {
            CutScan scan(lengths);
            std::optional<std::size_t> cut;
            std::size_t size = 0;
            while (!cut) {
                size = std::min(size + step, bytes.size());
                cut = scan.scan(ByteView(bytes).first(size));
            }
            ASSERT_EQ(cut, whole) << "seed " << seed << " step " << step;
            ASSERT_LT(size - *cut, step) << "it says so as soon as it can";
        }
        ASSERT_FALSE(content_defined_cut(ByteView(bytes).first(*whole - 1), lengths).has_value());
    }
}

}  // namespace
}  // namespace tapeloft::media
