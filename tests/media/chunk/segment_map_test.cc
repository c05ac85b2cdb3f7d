#include "media/chunk/segment_map.h"

#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

#include "media/chunk/segment_map_builder.h"

#include "tests/media/chunk/model_segment.h"

namespace tapeloft::media {
namespace {

class RandomMaps : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RandomMaps, testing::Range(1U, 21U));

TEST_P(RandomMaps, SayOfEachRecordWhatItsModelSays) {
    std::mt19937_64 random(GetParam());
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    const auto segment = random_segment(random, 300);
    const auto map = map_of(segment, 0, {{{}, payload_of(segment)}});
    const auto plan = SegmentPlan::of(map);
    ASSERT_TRUE(plan.has_value()) << plan.error().message;
    std::uint32_t record = 0;
    std::uint64_t payload = 0;
    std::uint64_t object = 0;
    for (const auto& expected : segment) {
        if (expected.kind != RunKind::records) {
            object += expected.count;
            continue;
        }
        EXPECT_EQ(plan->record_of_object(object), record);
        const auto source = plan->record(record);
        EXPECT_EQ(source.length, expected.record.size());
        EXPECT_EQ(source.encoding, expected.encoding);
        EXPECT_EQ(source.payload_offset, payload);
        const auto part = expected.payload();
        ASSERT_EQ(source.payload_length, part.size());
        Bytes made(source.length, 0xEE);
        const auto assembled = assemble_record(source, part, made);
        ASSERT_TRUE(assembled.has_value()) << assembled.error().message;
        EXPECT_EQ(made, expected.record);
        payload += part.size();
        ++record;
        ++object;
    }
    EXPECT_EQ(plan->records(), record);
    EXPECT_EQ(map.runs.objects(), object);
}

TEST_P(RandomMaps, AreTheSameAfterTheyWereEncodedAndDecoded) {
    std::mt19937_64 random(GetParam());
    SCOPED_TRACE("seed " + std::to_string(GetParam()));
    const auto segment = random_segment(random, 200);
    const auto map = map_of(segment, 0, {{{}, payload_of(segment)}});
    const auto bytes = map.encode();
    const auto decoded = SegmentMap::decode(bytes);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
    EXPECT_EQ(decoded->encode(), bytes);
    EXPECT_EQ(decoded->encodings, map.encodings);
    EXPECT_EQ(decoded->framings, map.framings);
    EXPECT_EQ(decoded->record_crcs, map.record_crcs);
    EXPECT_EQ(decoded->chunks, map.chunks);
    EXPECT_EQ(decoded->runs.objects(), map.runs.objects());
    EXPECT_EQ(decoded->runs.bytes(), map.runs.bytes());
}

TEST(SegmentMaps, SliceThePayloadAtTheChunksEnds) {
    SegmentMapBuilder builder;
    for (int i = 0; i < 3; ++i) {
        builder.add_record({100, RecordEncoding::plain, {}, 0});
    }
    const auto map = std::move(builder).finish(7, {{{}, 50}, {{}, 1}, {{}, 300}});
    const auto plan = SegmentPlan::of(map);
    ASSERT_TRUE(plan.has_value());
    const auto slices = plan->slices(0, 100);
    ASSERT_EQ(slices.size(), 3U);
    EXPECT_EQ(slices[0].offset, 7U);
    EXPECT_EQ(slices[0].length, 43U);
    EXPECT_EQ(slices[1].chunk, 1U);
    EXPECT_EQ(slices[1].length, 1U);
    EXPECT_EQ(slices[2].offset, 0U);
    EXPECT_EQ(slices[2].length, 56U);
    const auto last = plan->slices(200, 100);
    ASSERT_EQ(last.size(), 1U);
    EXPECT_EQ(last[0].offset, 156U);
    EXPECT_TRUE(plan->slices(300, 0).empty());
}

TEST(SegmentMaps, MergeEqualNeighboursToOneRun) {
    SegmentMapBuilder builder;
    for (std::uint32_t i = 0; i < 100; ++i) {
        builder.add_record(
            {262'144, RecordEncoding::plain, {RecordFraming::pbs_block, 0, 262'128, i, 1}, i});
    }
    const auto map = std::move(builder).finish(0, std::vector<ChunkRef>(4, {{}, 8'000'000}));
    EXPECT_EQ(map.runs.runs(), 1U);
    EXPECT_EQ(map.encodings.size(), 1U);
    ASSERT_EQ(map.framings.size(), 1U);
    EXPECT_EQ(map.framings[0].count, 100U);
    EXPECT_EQ(map.framings[0].sequence, 0U);
}

TEST(SegmentMaps, HaveTheBytesTheFormatSays) {
    SegmentMapBuilder builder;
    builder.add_record({5, RecordEncoding::encrypted, {}, 0x11223344});
    builder.add_filemarks(2);
    builder.add_record(
        {262'144, RecordEncoding::plain, {RecordFraming::pbs_block, 1, 9, 77, 1}, 0xAABBCCDD});
    Fingerprint fingerprint{};
    fingerprint.fill(0xF1);
    const auto map = std::move(builder).finish(3, {{fingerprint, 17}});
    EXPECT_EQ(to_hex(map.encode()),
              "03000000"
              "010500000001000000"
              "020000000002000000"
              "010000040001000000"
              "02000000"
              "0101000000"
              "0001000000"
              "02000000"
              "0000000000000000000001000000"
              "0101090000004d00000001000000"
              "02000000"
              "44332211"
              "ddccbbaa"
              "03000000"
              "01000000"
              "f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1f1"
              "11000000");
}

TEST(SegmentMaps, AreCorruptWhereverTheyAreCutOff) {
    std::mt19937_64 random(4);
    const auto segment = random_segment(random, 40);
    auto bytes = map_of(segment, 0, {{{}, payload_of(segment)}}).encode();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto decoded = SegmentMap::decode(ByteView(bytes).first(size));
        ASSERT_FALSE(decoded.has_value()) << size;
        EXPECT_EQ(decoded.error().code, Errc::corrupt);
    }
    bytes.push_back(0);
    EXPECT_FALSE(SegmentMap::decode(bytes).has_value());
}

/// What a changed byte still makes sense as, it is: nothing is dropped or made up silently, and
/// every lookup stays inside.
TEST(SegmentMaps, NeverGoWrongUnnoticedWhateverByteIsFlipped) {
    std::mt19937_64 random(5);
    const auto segment = random_segment(random, 40);
    const auto bytes = map_of(segment, 0, {{{}, payload_of(segment)}}).encode();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        for (const auto flip : {0x01U, 0x80U, 0xFFU}) {
            auto changed = bytes;
            changed[i] = static_cast<std::uint8_t>(changed[i] ^ flip);
            const auto decoded = SegmentMap::decode(changed);
            if (!decoded) {
                EXPECT_EQ(decoded.error().code, Errc::corrupt);
                continue;
            }
            EXPECT_EQ(decoded->encode(), changed) << "byte " << i;
            const auto plan = SegmentPlan::of(*decoded);
            ASSERT_TRUE(plan.has_value());
            for (std::uint32_t record = 0; record < plan->records(); ++record) {
                const auto source = plan->record(record);
                EXPECT_LE(source.length, kStoredRecordMax);
                for (const auto& slice :
                     plan->slices(source.payload_offset, source.payload_length)) {
                    ASSERT_LT(slice.chunk, decoded->chunks.size());
                    EXPECT_LE(std::uint64_t{slice.offset} + slice.length,
                              decoded->chunks[slice.chunk].plain_length);
                }
            }
        }
    }
}

TEST(SegmentMaps, AllocateNothingForCountsThatAreNotThere) {
    for (std::size_t at = 0; at < 24; at += 4) {
        Bytes bytes(24, 0);
        store_little_endian<4>(MutableByteView(bytes).subspan(at), 0xFFFFFFFF);
        EXPECT_FALSE(SegmentMap::decode(bytes).has_value()) << at;
    }
}

TEST(SegmentMaps, AreRefusedWhereTheyCannotBeOfASegment) {
    SegmentMapBuilder builder;
    builder.add_record({100, RecordEncoding::plain, {}, 0});
    const auto good = std::move(builder).finish(0, {{{}, 100}});
    ASSERT_TRUE(SegmentMap::decode(good.encode()).has_value());

    const auto refused = [&good](auto change) {
        auto map = good;
        change(map);
        return !SegmentMap::decode(map.encode()).has_value();
    };
    EXPECT_TRUE(refused([](SegmentMap& map) { map.chunks.clear(); }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.chunks[0].plain_length = 99; }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.chunks[0].plain_length = 0; }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.chunks[0].plain_length = 8'388'609; }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.skip = 1; }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.record_crcs.push_back(1); }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.encodings[0].count = 2; }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.framings.clear(); }));
    EXPECT_TRUE(refused([](SegmentMap& map) { map.framings[0].size = 5; }));
    EXPECT_TRUE(refused([](SegmentMap& map) {
        map.framings[0].framing = RecordFraming::pbs_block;  // of a record that has another length
    }));
    EXPECT_TRUE(refused([](SegmentMap& map) {
        for (std::uint32_t i = 0; i < kSegmentFramesMax; ++i) {
            map.runs.append_record(100);
        }
    }));
    EXPECT_TRUE(refused([](SegmentMap& map) {
        map.runs = {};
        map.runs.append_record(kRecordLengthMax + 1);  // more than a plain record may have
        map.chunks.assign(2, {{}, kChunkLengthMax});
    }));
}

TEST(SegmentMaps, GiveNoRecordWhoseChecksumDoesNotFit) {
    RecordSource source;
    source.length = 4;
    source.payload_length = 4;
    const Bytes payload = {1, 2, 3, 4};
    source.crc = crc32c(payload);
    Bytes record(4);
    EXPECT_TRUE(assemble_record(source, payload, record).has_value());
    EXPECT_TRUE(check_record(source, payload).has_value());
    const Bytes other = {1, 2, 3, 5};
    EXPECT_EQ(assemble_record(source, other, record).error().code, Errc::corrupt);
    EXPECT_EQ(check_record(source, other).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace tapeloft::media
