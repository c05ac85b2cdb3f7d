// What a replay refuses, and where it says that it is.
#include "media/log/replay.h"

#include <gtest/gtest.h>

#include "cloud/base/hex.h"

#include "media/log/map_counts.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

class Replay : public testing::Test {
  protected:
    void SetUp() override { append({encode(test_state())}); }

    void append(std::vector<LogEntry> entries) {
        ASSERT_TRUE(world_.append(LogKind::delta, std::move(entries)));
    }
    void append_checkpoint(std::vector<LogEntry> entries, std::vector<std::uint64_t> sequences) {
        std::vector<RetainedObject> retained;
        for (const auto sequence : sequences) {
            retained.push_back({sequence, sha256(world_.bytes_of(world_.name(sequence)))});
        }
        entries.insert(entries.begin(), encode(retained));
        ASSERT_TRUE(world_.append(LogKind::checkpoint, std::move(entries)));
    }
    Result<CartridgeReplay> replay() {
        TL_TRY(log_, world_.read());
        return replay_cartridge(*log_);
    }
    void expect_corrupt(const std::string& what) {
        const auto result = replay();
        ASSERT_FALSE(result);
        EXPECT_EQ(result.error().code, Errc::corrupt);
        EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
        EXPECT_NE(result.error().message.find(world_.name(world_.head.sequence)), std::string::npos)
            << result.error().message;
    }

    LogWorld world_;
    std::optional<LogContents> log_;
};

TEST_F(Replay, OfABlankCartridgeIsItsState) {
    const auto result = replay();
    ASSERT_TRUE(result);
    EXPECT_EQ(encode(result->state), encode(test_state()));
    EXPECT_TRUE(result->segments.empty());
    EXPECT_TRUE(result->capacities.empty());
    EXPECT_FALSE(result->removed);
}

TEST_F(Replay, ASegmentThatLeavesAGapIsRefused) {
    append({encode(file_segment(1, 0, 0, 9))});
    append({encode(file_segment(2, 11, 1, 9))});
    expect_corrupt("begins at object 11, file 1; the partition ends at object 10, file 1");
}

TEST_F(Replay, ASegmentThatOverlapsIsRefused) {
    append({encode(file_segment(1, 0, 0, 9))});
    append({encode(file_segment(2, 5, 1, 9))});
    expect_corrupt("begins at object 5");
}

TEST_F(Replay, ASegmentThatMiscountsFilemarksIsRefused) {
    append({encode(file_segment(1, 0, 0, 9)), encode(file_segment(2, 10, 2, 9))});
    expect_corrupt("entry 1");
}

TEST_F(Replay, ASegmentThatDisagreesWithItsMapIsRefused) {
    auto more = file_segment(1, 0, 0, 9);
    more.segment.object_count = 11;
    append({encode(more)});
    expect_corrupt("fewer objects");
}

TEST_F(Replay, ASegmentAndAMapThatDisagreeOnFilemarksAreRefused) {
    auto marks = file_segment(1, 0, 0, 9);
    marks.segment.filemark_count = 2;
    append({encode(marks)});
    expect_corrupt("do not agree on filemarks");
}

TEST_F(Replay, ANumberThatTheCartridgeHasIsRefusedAndOneThatWasCutOffIsNot) {
    append({encode(file_segment(1, 0, 0, 9)), encode(Truncation{0, 0}),
            encode(file_segment(1, 0, 0, 4))});
    const auto result = replay();
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->segments[0].append, (EntryPlace{2, 2}));
    append({encode(file_segment(1, 5, 1, 9))});
    expect_corrupt("has a segment 1 already");
}

TEST_F(Replay, APartitionThatTheCartridgeDoesNotHaveIsRefused) {
    auto second = file_segment(1, 0, 0, 9);
    second.segment.partition = 1;
    append({encode_format({1000, 1000}), encode(second), encode(Truncation{1, 3})});
    ASSERT_TRUE(replay());
    append({encode(Truncation{2, 0})});
    expect_corrupt("no partition 2");
}

TEST_F(Replay, AFormatTakesPartitionsAway) {
    append({encode_format({1000, 1000})});
    append({encode_format({})});
    auto second = file_segment(1, 0, 0, 9);
    second.segment.partition = 1;
    append({encode(second)});
    expect_corrupt("no partition 1");
}

TEST_F(Replay, ATruncationBehindTheEndCutsNothing) {
    append(
        {encode(file_segment(1, 0, 0, 9)), encode(Truncation{0, 10}), encode(Truncation{0, 99})});
    const auto result = replay();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->segments[0].segment.object_count, 10U);
}

TEST_F(Replay, NothingComesBehindARemoval) {
    append({encode(file_segment(1, 0, 0, 9)), encode_cartridge_removed()});
    const auto result = replay();
    ASSERT_TRUE(result);
    EXPECT_TRUE(result->removed);
    EXPECT_TRUE(result->segments.empty());
    append({encode(test_state())});
    expect_corrupt("removed before");
}

TEST_F(Replay, AnEntryOfAnotherKindOfStreamIsRefused) {
    append({encode_removed(PackId{})});
    expect_corrupt("does not belong there");
}

TEST_F(Replay, TheStateOfAnotherCartridgeIsRefused) {
    append({encode(test_state("TL0002L9"))});
    expect_corrupt("another cartridge");
}

TEST_F(Replay, AStreamWithoutAStateIsRefused) {
    world_.memory->set_objects({});
    world_.head = {};
    append({encode_format({})});
    const auto result = replay();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find(to_hex(world_.stream)), std::string::npos);
}

TEST_F(Replay, ACheckpointThatTellsOfMapsThatAreNotRetainedIsRefused) {
    append({encode(file_segment(1, 0, 0, 9))});
    append_checkpoint(
        {encode(test_state()), encode_format({}),
         encode(std::vector<CheckpointSegment>{{file_segment(1, 0, 0, 9).segment, 2}})},
        {1});
    expect_corrupt("is not retained");
}

TEST_F(Replay, ACheckpointThatDisagreesWithTheObjectItRetainsIsRefused) {
    append({encode(file_segment(1, 0, 0, 9))});
    auto other = file_segment(1, 0, 0, 9).segment;
    other.filemark_count = 0;
    append_checkpoint({encode(test_state()), encode_format({}),
                       encode(std::vector<CheckpointSegment>{{other, 2}})},
                      {2});
    expect_corrupt("as the checkpoint tells of it");
}

TEST_F(Replay, SegmentsAreToldOfInCheckpointsOnly) {
    append({encode(std::vector<CheckpointSegment>())});
    expect_corrupt("does not belong there");
}

TEST_F(Replay, APackThatIsAddedTwiceWithOtherContentIsRefused) {
    world_.memory->set_objects({});
    world_.head = {};
    append({encode(test_pack(1, {1, 2})), encode(test_pack(1, {1, 2}))});
    auto log = world_.read();
    ASSERT_TRUE(log);
    EXPECT_EQ(replay_index(*log)->packs.size(), 1U);
    append({encode(test_pack(1, {1, 3}))});
    log = world_.read();
    ASSERT_TRUE(log);
    const auto index = replay_index(*log);
    ASSERT_FALSE(index);
    EXPECT_EQ(index.error().code, Errc::corrupt);
    EXPECT_NE(index.error().message.find(world_.name(2) + ", entry 0"), std::string::npos);
}

TEST_F(Replay, OfALibraryIsItsNewestState) {
    world_.memory->set_objects({});
    world_.head = {};
    LibraryState state;
    state.name = "old";
    append({encode(state)});
    state.name = "new";
    append({encode(state)});
    auto log = world_.read();
    ASSERT_TRUE(log);
    const auto library = replay_library(*log);
    ASSERT_TRUE(library);
    EXPECT_EQ(library->name, "new");
    append({});
    log = world_.read();
    ASSERT_TRUE(log);
    EXPECT_FALSE(replay_library(*log));
}

TEST(MapCounts, AMapThatIsCutOffOrOfUnknownKindIsCorrupt) {
    const auto map = map_of_runs({{RunKind::records, 10, 3}, {RunKind::filemarks, 0, 2}});
    const auto counts = count_objects(map, 4);
    ASSERT_TRUE(counts);
    EXPECT_EQ(counts->filemarks, 1U);
    EXPECT_EQ(counts->bytes, 30U + 1024U);
    EXPECT_FALSE(count_objects(map, 6));
    EXPECT_FALSE(count_objects(ByteView(map).first(3), 1));
    EXPECT_FALSE(count_objects(ByteView(map).first(4 + 9), 4));
    EXPECT_FALSE(count_objects(map_of_runs({{RunKind{9}, 1, 1}}), 1));
}

}  // namespace
}  // namespace tapeloft::media
