#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

// Three files: 2 records, 1 record, an empty one; then two records without a mark.
// Objects: 0 r, 1 r, 2 FM, 3 r, 4 FM, 5 FM, 6 r, 7 r; end of data is 8, file 3.
class Positioning : public DriveFixture {
  protected:
    void SetUp() override {
        load();
        write(10);
        write(10);
        marks(1);
        write(10);
        marks(2);
        write(10);
        write(10);
        rewind();
    }
};

TEST_F(Positioning, SpaceRecordsForwardStopsBehindAFilemarkWithTheResidue) {
    const Completion stopped = space(0, 5);
    EXPECT_EQ(outcome(stopped), "00/00/01");
    EXPECT_TRUE(stopped.sense->filemark);
    EXPECT_EQ(information(stopped), 3);
    EXPECT_EQ(place(), (Place{3, 1}));
}

TEST_F(Positioning, SpaceRecordsBackwardStopsOnTheNearSideOfAFilemark) {
    space(3, 0);
    EXPECT_EQ(outcome(space(0, -2)), "GOOD");
    const Completion stopped = space(0, -1);
    EXPECT_EQ(outcome(stopped), "00/00/01");
    EXPECT_TRUE(stopped.sense->filemark);
    EXPECT_EQ(information(stopped), 1);
    EXPECT_EQ(place(), (Place{5, 2}));
}

TEST_F(Positioning, SpaceOverEndOfDataReportsBlankCheckAndResidue) {
    const Completion marks_missing = space(1, 5);
    EXPECT_EQ(outcome(marks_missing), "08/00/05");
    EXPECT_EQ(information(marks_missing), 2);
    EXPECT_EQ(place(), (Place{8, 3}));
    EXPECT_EQ(information(space(0, 1)), 1);
}

TEST_F(Positioning, SpaceOverTheBeginningReportsItWithEomAndResidue) {
    space(0, 2);
    const Completion stopped = space(0, -5);
    EXPECT_EQ(outcome(stopped), "00/00/04");
    EXPECT_TRUE(stopped.sense->end_of_medium);
    EXPECT_EQ(information(stopped), 3);
    EXPECT_EQ(place(), (Place{0, 0}));
    EXPECT_EQ(information(space(1, -1)), 1);
}

TEST_F(Positioning, SpaceFilemarksLandsBehindThemForwardAndBeforeThemBackward) {
    EXPECT_EQ(outcome(space(1, 2)), "GOOD");
    EXPECT_EQ(place(), (Place{5, 2}));
    EXPECT_EQ(outcome(space(1, -2)), "GOOD");
    EXPECT_EQ(place(), (Place{2, 0}));
}

TEST_F(Positioning, SpaceSequentialFilemarksFindsTheDoubleMark) {
    EXPECT_EQ(outcome(space(2, 2)), "GOOD");
    EXPECT_EQ(place(), (Place{6, 3}));
    EXPECT_EQ(outcome(space(2, 2)), "08/00/05");
}

TEST_F(Positioning, SpaceZeroMovesNothingAndUnknownCodesAreRefused) {
    space(0, 1);
    for (const unsigned code : {0U, 1U, 2U}) {
        EXPECT_EQ(outcome(space(code, 0)), "GOOD");
    }
    EXPECT_EQ(place(), (Place{1, 0}));
    EXPECT_EQ(field(space(4, 1)), "cdb 1.3");
    EXPECT_EQ(field(space(0x10, 1)), "cdb 1.4");
    EXPECT_EQ(place(), (Place{1, 0}));
}

TEST_F(Positioning, Space16CountsIn64Bits) {
    EXPECT_EQ(outcome(host.send({0x91, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{5, 2}));
    const Completion back =
        host.send({0x91, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, 0, 0, 0, 0});
    EXPECT_EQ(outcome(back), "GOOD");
    EXPECT_EQ(place(), (Place{2, 0}));
    const Completion lowest = host.send({0x91, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(outcome(lowest), "00/00/04");
    EXPECT_EQ(scsi::encode_fixed(*lowest.sense)[0], 0x70) << "a residue of 63 bits is not VALID";
}

TEST_F(Positioning, Locate16ByFileLandsAtTheStartOfTheFile) {
    for (const auto& [file, object] : {std::pair{0U, 0U}, {1U, 3U}, {2U, 5U}, {3U, 6U}}) {
        EXPECT_EQ(outcome(host.send({0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, file, 0, 0, 0, 0})),
                  "GOOD");
        EXPECT_EQ(place(), (Place{object, file}));
    }
    EXPECT_EQ(outcome(host.send({0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0})),
              "08/00/05");
    EXPECT_EQ(place(), (Place{8, 3}));
}

TEST_F(Positioning, Locate16ByObjectAndToEndOfData) {
    EXPECT_EQ(outcome(host.send({0x92, 0x00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{4, 1}));
    EXPECT_EQ(outcome(host.send({0x92, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{8, 3}));
    rewind();
    const Completion beyond =
        host.send({0x92, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0});
    EXPECT_EQ(outcome(beyond), "08/00/05");
    EXPECT_EQ(place(), (Place{8, 3}));
    EXPECT_EQ(field(host.send({0x92, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "cdb 1.5");
}

TEST_F(Positioning, LocateMayNotChangeToAPartitionThatIsNotThere) {
    EXPECT_EQ(outcome(host.send({0x92, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(field(host.send({0x92, 0x02, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "cdb 3.7");
    EXPECT_EQ(field(host.send({0x2B, 0x02, 0, 0, 0, 0, 0, 0, 1, 0})), "cdb 8.7");
    EXPECT_EQ(place(), (Place{4, 1})) << "a refused LOCATE moves nothing";
}

TEST_F(Positioning, Locate10TakesTheDeviceSpecificBitToo) {
    EXPECT_EQ(outcome(host.send({0x2B, 0x04, 0, 0, 0, 0, 6, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{6, 3}));
    EXPECT_EQ(outcome(host.send({0x2B, 0, 0, 0, 0, 0, 9, 0, 0, 0})), "08/00/05");
}

TEST_F(Positioning, ReadPositionLongIsTheGoldenReplyOfThePbsContract) {
    space(1, 2);
    space(0, -1);  // stops before the mark at object 4: file 1
    host.send({0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0});
    EXPECT_EQ(hex(bytes_of(host.send({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}))),
              "0000000000000000000000000000000300000000000000010000000000000000");
}

TEST_F(Positioning, ReadPositionFlagsSayBeginningAndEarlyWarning) {
    EXPECT_EQ(bytes_of(host.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0})).at(0), 0x80);
    tape->early_warning = 20;
    space(3, 0);
    const Bytes data = bytes_of(host.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(hex(data), "4000000000000008000000080000000000000000");
    EXPECT_EQ(bytes_of(host.send({0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0})), data);
}

TEST_F(Positioning, ReadPositionExtendedHonoursItsAllocationLength) {
    space(3, 0);
    EXPECT_EQ(hex(bytes_of(host.send({0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0}))),
              "0000001C00000000000000000000000800000000000000080000000000000000");
    EXPECT_EQ(bytes_of(host.send({0x34, 8, 0, 0, 0, 0, 0, 0, 12, 0})).size(), 12U);
    EXPECT_EQ(field(host.send({0x34, 6, 0, 0, 0, 0, 0, 0, 32, 0})), "cdb 8.5");
    EXPECT_EQ(field(host.send({0x34, 7, 0, 0, 0, 0, 0, 0, 0, 0})), "cdb 1.4");
}

TEST_F(Positioning, RewindMakesEverythingDurable) {
    space(3, 0);
    write(10);
    EXPECT_LT(tape->synced_objects, tape->objects.size());
    EXPECT_EQ(outcome(rewind()), "GOOD");
    EXPECT_EQ(tape->synced_objects, tape->objects.size());
    EXPECT_EQ(place(), (Place{0, 0}));
    space(3, 0);
    write(10);
    tape->sync_error = Error{Errc::io, "disk"};
    EXPECT_EQ(outcome(rewind()), "03/0C/00");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
