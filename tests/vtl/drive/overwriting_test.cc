// WORM media and append-only mode.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class OverwritingTest : public DriveFixture {
  protected:
    Result<void> insert_worm() {
        Medium worm = medium();
        worm.worm = true;
        return insert(std::move(worm));
    }
    Completion set_append_only(bool on) {
        Bytes list(8 + 32);
        list[8] = 0x50;
        list[9] = 0x01;
        list[11] = 0x1C;
        list[13] = on ? 0x12 : 0x02;
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0}, list);
    }
    Completion allow(unsigned what, unsigned object, unsigned partition = 0) {
        return host.send({0x82, 0, what, partition, 0, 0, 0, 0, 0, 0, 0, object, 0, 0, 0, 0});
    }
};

TEST_F(OverwritingTest, WormMediumTakesDataAtTheEndOnly) {
    ASSERT_TRUE(insert_worm());
    EXPECT_EQ(outcome(write(10, 1)), "GOOD");
    EXPECT_EQ(outcome(write(10, 2)), "GOOD");
    EXPECT_EQ(outcome(marks(2)), "GOOD");
    for (const unsigned object : {0U, 1U}) {
        locate(object);
        EXPECT_EQ(outcome(write(10)), "07/30/0C") << object;
        EXPECT_EQ(outcome(marks(1)), "07/30/0C");
        EXPECT_EQ(outcome(host.send({0x19, 0, 0, 0, 0, 0})), "07/30/0C");
        EXPECT_EQ(place().object, object) << "the position stays";
    }
    rewind();
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "07/30/0C");
    EXPECT_EQ(outcome(host.send({0x0B, 0, 0, 0xFF, 0xFF, 0})), "07/30/0C");
    EXPECT_EQ(tape->objects.size(), 4U);
    EXPECT_EQ(bytes_of(read(10)), pattern(10, 1));
    EXPECT_EQ(outcome(marks(0)), "GOOD") << "a flush writes nothing";
}

// tar and others write two filemarks and go back over the second one.
TEST_F(OverwritingTest, TrailingFilemarksOfAWormMediumMayBeOverwrittenButTheFirst) {
    ASSERT_TRUE(insert_worm());
    write(10);
    marks(2);
    locate(1);
    EXPECT_EQ(outcome(write(10)), "07/30/0C");
    EXPECT_EQ(place(), (Place{1, 0}));
    locate(2);
    EXPECT_EQ(outcome(write(10)), "GOOD");
    EXPECT_EQ(tape->objects.size(), 3U);
}

TEST_F(OverwritingTest, WormIsSeenInMediumTypePageAndAttribute) {
    ASSERT_TRUE(insert_worm());
    EXPECT_EQ(hex(bytes_of(host.send({0x5A, 0, 0x1D, 0, 0, 0, 0, 0x10, 0, 0}))),
              "002E8C10000000085E000000000000001D1E01000002" + std::string(52, '0'));
    EXPECT_EQ(hex(bytes_of(host.send({0x8C, 0, 0, 0, 0, 0, 0, 0, 4, 8, 0, 0, 0, 10}))),
              "0000001C"
              "0408800001"
              "80");
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "GOOD") << "never written";
    ASSERT_TRUE(remove());
    load();
    EXPECT_EQ(bytes_of(host.send({0x5A, 0, 0x1D, 0, 0, 0, 0, 0x10, 0, 0})).at(18), 0);
}

TEST_F(OverwritingTest, AppendOnlyModeKeepsWhatIsThereUntilOverwritingIsAllowedAtThePosition) {
    load();
    write(10, 1);
    write(10, 2);
    marks(1);
    ASSERT_EQ(outcome(set_append_only(true)), "GOOD");
    EXPECT_EQ(outcome(write(10, 3)), "GOOD") << "at the end";
    locate(1);
    EXPECT_EQ(outcome(write(10)), "07/5A/02");
    EXPECT_EQ(outcome(marks(1)), "07/5A/02");
    EXPECT_EQ(outcome(host.send({0x19, 0, 0, 0, 0, 0})), "07/5A/02");
    EXPECT_EQ(outcome(allow(1, 2)), "05/2C/00") << "another position";
    EXPECT_EQ(outcome(allow(1, 1, 1)), "05/2C/00") << "another partition";
    EXPECT_EQ(field(allow(3, 1)), "cdb 2.3");
    EXPECT_EQ(outcome(write(10)), "07/5A/02");
    EXPECT_EQ(outcome(allow(1, 1)), "GOOD");
    rewind();
    locate(1);
    EXPECT_EQ(outcome(write(10)), "07/5A/02") << "the position has moved";
    EXPECT_EQ(outcome(allow(1, 1)), "GOOD");
    EXPECT_EQ(outcome(allow(0, 1)), "GOOD");
    EXPECT_EQ(outcome(write(10)), "07/5A/02") << "taken back";
    EXPECT_EQ(outcome(allow(1, 1)), "GOOD");
    EXPECT_EQ(outcome(write(10, 9)), "GOOD");
    EXPECT_EQ(tape->objects.size(), 2U);
    locate(1);
    EXPECT_EQ(outcome(write(10)), "07/5A/02") << "it was for once";
}

TEST_F(OverwritingTest, AppendOnlyModeNeedsPermissionToFormatAndEndsAtTheBeginning) {
    load();
    ASSERT_EQ(outcome(set_append_only(true)), "GOOD");
    write(10);
    EXPECT_EQ(outcome(set_append_only(false)), "05/3B/0C");
    rewind();
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "07/5A/02");
    EXPECT_EQ(outcome(allow(2, 0)), "GOOD");
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "GOOD");
    write(10);
    rewind();
    EXPECT_EQ(outcome(set_append_only(false)), "GOOD");
    EXPECT_EQ(outcome(write(10)), "GOOD");
    Bytes list(40);
    list[8] = 0x50;
    list[9] = 0x01;
    list[11] = 0x1C;
    list[13] = 0x22;
    const Completion refused = host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0}, list);
    EXPECT_EQ(outcome(refused) + " " + field(refused), "05/26/00 list 13.7");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
