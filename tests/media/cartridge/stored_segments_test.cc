// Segments that are in the store: complete ones, torn ones, and those that have left the spool.
#include <algorithm>
#include <string>

#include "media/cartridge/position_index.h"
#include "media/cartridge/spool_files.h"

#include "tests/media/cartridge/tape_world.h"

namespace tapeloft::media {
namespace {

class StoredSegments : public testing::Test {
  protected:
    /// Each segment takes one record.
    void SetUp() override {
        world.limits = {1000, 1};
        world.open();
    }
    void write_records(std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) {
            world.must_write({1, 2, 3});
        }
        // Reading what was just written makes the queue empty, and syncs nothing.
        const auto end = world.tape->end_of_data(0);
        ASSERT_TRUE(world.run(world.tape->locate_object(end - 1)).value());
        ASSERT_TRUE(world.run(world.tape->read()).has_value());
    }
    [[nodiscard]] std::vector<SegmentRecord> rows() {
        return world.catalog.segments(world.record.id).value();
    }
    [[nodiscard]] std::filesystem::path path(std::uint64_t number) const {
        return "/spool/SERIAL0001/" + segment_file_name(number);
    }
    [[nodiscard]] bool has_file(std::uint64_t number) {
        return world.files.open(path(number)).has_value();
    }
    SpoolRecovery recover() {
        world.tape.reset();
        world.loop.restart();
        world.loop.run();
        auto done = recover_spool(world.context(), {world.record});
        EXPECT_TRUE(done) << done.error().message;
        return done ? *done : SpoolRecovery{};
    }

    TapeWorld world;
};

TEST_F(StoredSegments, ASegmentThatIsFinishedIsCompleteWithItsCountsBeforeItIsDurable) {
    write_records(1);
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    write_records(2);
    const auto found = rows();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_TRUE(found[0].complete && !found[0].sealed);
    EXPECT_EQ(found[0].promised_objects, 1U);
    EXPECT_TRUE(found[1].complete && !found[1].sealed);
    EXPECT_EQ(found[1].object_count, 1U);
    EXPECT_EQ(found[1].byte_count, 3U);
    EXPECT_EQ(found[1].promised_objects, 0U);
    EXPECT_FALSE(found[2].complete);
    world.close();
    for (const auto& row : rows()) {
        EXPECT_TRUE(row.sealed && !row.complete && row.promised_objects == 0);
    }
}

TEST_F(StoredSegments, WhatIsCompleteButNotDurableIsLostByAPowerLossWithoutAnErrorAndTheLogIsTold) {
    write_records(3);
    world.tape.reset();
    world.loop.restart();
    world.loop.run();
    for (const auto& row : rows()) {
        ASSERT_TRUE(world.files.remove(path(row.number)));
    }
    EXPECT_EQ(recover().bytes_in_use, 0U);
    const auto truncations = world.catalog.truncations();
    ASSERT_EQ(truncations.size(), 1U);
    EXPECT_EQ(truncations[0].object, 0U);
    world.open();
    EXPECT_TRUE(world.read_all().empty());
}

TEST_F(StoredSegments, WhatWasPromisedOfACompleteSegmentIsMissedWhenItsFileIsGone) {
    write_records(1);
    ASSERT_TRUE(world.run(world.tape->sync()).has_value());
    write_records(1);
    const auto first = rows().front().number;
    world.tape.reset();
    world.loop.restart();
    world.loop.run();
    ASSERT_TRUE(world.files.remove(path(first)));
    recover();
    world.open();
    const auto read = world.run(world.tape->read());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, Errc::corrupt);
}

TEST_F(StoredSegments, AStoredSegmentIsTrueWhateverItsTornFileLooksLike) {
    write_records(3);
    const auto number = rows().front().number;
    world.catalog.store(world.record.id, number);
    world.tape.reset();
    world.loop.restart();
    world.loop.run();
    auto& bytes = world.files.content(path(number));
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    recover();
    const auto found = rows();
    ASSERT_EQ(found.size(), 3U);
    EXPECT_TRUE(found[0].sealed && found[0].stored && !found[0].spooled);
    EXPECT_EQ(found[0].object_count, 1U);
    EXPECT_FALSE(has_file(number));
    EXPECT_TRUE(world.catalog.unsealed_segments(world.record.id)->empty());
    world.open();
    EXPECT_EQ(world.tape->end_of_data(0), 3U);
    EXPECT_TRUE(world.catalog.truncations().empty());
}

TEST_F(StoredSegments, AStoredSegmentMakesAllBeforeItPromised) {
    write_records(3);
    const auto found = rows();
    world.catalog.store(world.record.id, found[1].number);
    world.tape.reset();
    world.loop.restart();
    world.loop.run();
    ASSERT_TRUE(world.files.remove(path(found[0].number)));
    recover();
    world.open();
    EXPECT_EQ(world.tape->end_of_data(0), 3U);
    EXPECT_EQ(world.run(world.tape->read()).error().code, Errc::corrupt);
}

TEST_F(StoredSegments, TheFilesOfWhatHasLeftTheSpoolAreRemovedAtStartAndNotCounted) {
    write_records(3);
    world.close();
    const auto before = recover();
    const auto number = rows()[1].number;
    world.catalog.store(world.record.id, number);
    world.catalog.leave_spool(world.record.id, number);
    const auto after = recover();
    EXPECT_EQ(after.files_removed, 1U);
    EXPECT_LT(after.bytes_in_use, before.bytes_in_use);
    EXPECT_FALSE(has_file(number));
    world.open();
    EXPECT_EQ(world.tape->end_of_data(0), 3U);
}

TEST_F(StoredSegments, WhatHasLeftTheSpoolCanBeWrittenOver) {
    write_records(3);
    world.close();
    for (const auto& row : rows()) {
        world.catalog.store(world.record.id, row.number);
        world.catalog.leave_spool(world.record.id, row.number);
        ASSERT_TRUE(world.files.remove(path(row.number)));
    }
    world.open();
    ASSERT_TRUE(world.run(world.tape->locate_object(1)).value());
    world.must_write({9});
    world.close();
    const auto found = rows();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_TRUE(found[0].stored && !found[0].spooled);
    EXPECT_FALSE(found[1].stored);
    ASSERT_EQ(world.catalog.truncations().size(), 1U);
    EXPECT_EQ(world.catalog.truncations()[0].object, 1U);
}

TEST_F(StoredSegments, TheFilesOfACartridgeOfWhichSomeHaveLeftTheSpoolCanBeRemoved) {
    write_records(2);
    world.close();
    ASSERT_TRUE(world.files.remove(path(rows()[0].number)));
    EXPECT_TRUE(remove_cartridge_files(world.context(), world.record));
    EXPECT_FALSE(has_file(rows()[1].number));
}

SegmentRecord row_at(std::uint64_t number, std::uint64_t object, std::uint64_t file) {
    SegmentRecord row;
    row.number = number;
    row.first_object = object;
    row.first_file = file;
    row.first_byte = object * 100;
    row.sealed = true;
    row.object_count = 10;
    row.filemark_count = 2;
    row.byte_count = 999;
    row.file_length = 5000;
    return row;
}

TEST(PositionIndexRows, ComeOutAsTheyWentIn) {
    PositionIndex index;
    auto first = row_at(3, 0, 0);
    first.stored = true;
    first.spooled = false;
    ASSERT_TRUE(index.add(first));
    ASSERT_TRUE(index.add(row_at(7, 10, 2)));
    auto marker = row_at(9, 20, 4);
    marker.object_count = 0;
    ASSERT_TRUE(index.add(marker));
    ASSERT_EQ(index.size(), 2U);
    EXPECT_TRUE(index.segment(0).row.stored && !index.segment(0).row.spooled);
    const auto row = index.segment(1).row;
    EXPECT_EQ(row.number, 7U);
    EXPECT_EQ(row.first_object, 10U);
    EXPECT_EQ(row.object_count, 10U);
    EXPECT_EQ(row.filemark_count, 2U);
    EXPECT_EQ(row.byte_count, 999U);
    EXPECT_EQ(row.file_length, 5000U);
    EXPECT_TRUE(row.sealed && row.spooled && !row.stored);
    EXPECT_EQ(index.end(), (Place{20, 4, 1999}));
}

TEST(PositionIndexRows, ThatDoNotFitAreRefused) {
    PositionIndex index;
    ASSERT_TRUE(index.add(row_at(1, 0, 0)));
    EXPECT_FALSE(index.add(row_at(2, 11, 2)));
    EXPECT_FALSE(index.add(row_at(2, 10, 3)));
    auto impossible = row_at(2, 10, 2);
    impossible.filemark_count = 11;
    EXPECT_FALSE(index.add(impossible));
    EXPECT_TRUE(index.add(row_at(2, 10, 2)));
}

}  // namespace
}  // namespace tapeloft::media
