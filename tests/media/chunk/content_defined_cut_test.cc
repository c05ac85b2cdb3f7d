#include <algorithm>
#include <numeric>
#include <set>

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
    EXPECT_EQ(gear_table().front(), 0xE220'A839'7B1D'CDAFU);
    EXPECT_EQ(gear_table().back(), 0x5A58'32BB'47BC'F19EU);
    // What was cut with the lengths in use must be cut there again.
    EXPECT_EQ(ChunkLengths().min, 16U * 1024);
    EXPECT_EQ(ChunkLengths().average, 64U * 1024);
    EXPECT_EQ(ChunkLengths().max, 256U * 1024);
    Bytes bytes(2UL * 1024 * 1024);
    std::uint64_t state = 1;
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
        store_little_endian<8>(MutableByteView(bytes).subspan(at), split_mix(state));
    }
    EXPECT_EQ(
        cuts_of(bytes, {32 * 1024, 128 * 1024, 512 * 1024}),
        (std::vector<std::size_t>{67499, 152710, 143729, 158742, 70952, 93021, 66456, 66846, 82051,
                                  140055, 87476, 95567, 211685, 219059, 93025, 72535, 142390}));
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

TEST(ContentDefinedCut, BytesWithoutContentAreCutAtTheLongestOrShortestLength) {
    const auto cuts = cuts_of(Bytes(4UL * 1024 * 1024), {});
    ASSERT_FALSE(cuts.empty());
    EXPECT_EQ(cuts, std::vector<std::size_t>(cuts.size(), cuts.front()));
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
