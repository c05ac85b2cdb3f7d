// Commands with IMMED = 1: their status comes when they are valid, the operation goes on behind it.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

/// Byte 1 has IMMED set.
struct ImmediateCase {
    const char* name;
    std::vector<unsigned> cdb;
    const char* test_unit_ready;
    const char* request_sense;  // sense key, ASC and ASCQ
};

class Immediate : public DriveFixture {
  protected:
    void SetUp() override {
        load();
        write(100, 1);
        write(100, 2);
        marks(1);
        rewind();
    }
    scsi::Pending<Completion> begin(const std::vector<unsigned>& cdb) {
        std::vector<unsigned> all = cdb;
        all.resize(16);
        return host.begin({all[0], all[1], all[2], all[3], all[4], all[5], all[6], all[7], all[8],
                           all[9], all[10], all[11], all[12], all[13], all[14], all[15]});
    }
    std::string request_sense() { return hex(bytes_of(host.send({0x03, 0, 0, 0, 18, 0}))); }
    std::string test_unit_ready() { return outcome(host.send({0, 0, 0, 0, 0, 0})); }
    void let_it_end() {
        tape->release();
        scsi::settle(io);
    }
};

class EveryImmediate : public Immediate, public testing::WithParamInterface<ImmediateCase> {};

TEST_P(EveryImmediate, HasItsStatusAtOnceAndSaysThatItGoesOn) {
    tape->hold_motion = true;
    const auto got = begin(GetParam().cdb);
    ASSERT_TRUE(got->has_value()) << "the status does not wait for the operation";
    EXPECT_EQ(outcome(**got), "GOOD");
    const Completion ready = host.send({0, 0, 0, 0, 0, 0});
    EXPECT_EQ(outcome(ready), GetParam().test_unit_ready);
    EXPECT_EQ(ready.sense->progress, std::optional<std::uint16_t>(0));
    EXPECT_EQ(outcome(other.send({0, 0, 0, 0, 0, 0})), GetParam().test_unit_ready);
    const std::string sense = request_sense();
    EXPECT_EQ(sense.substr(4, 2) + sense.substr(24, 4), GetParam().request_sense) << sense;
    EXPECT_EQ(sense.substr(30, 6), "800000") << "PROGRESS INDICATION";
    EXPECT_EQ(outcome(host.send({0x12, 0, 0, 0, 36, 0})), "GOOD");
    const auto status = bytes_of(host.send({0x4D, 0, 0x51, 0, 0, 0, 0, 0xFF, 0xFF, 0}));
    EXPECT_NE(status.at(10), 0) << "page 11h: an activity";
    const auto next = host.begin({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_FALSE(next->has_value()) << "what needs the medium waits";
    let_it_end();
    EXPECT_TRUE(next->has_value());
    const bool unloads = GetParam().cdb[0] == 0x1B && GetParam().cdb.size() < 5;
    EXPECT_EQ(test_unit_ready(), unloads ? "02/3A/00" : "GOOD");
}

const auto kOperations = testing::Values(
    ImmediateCase{"Rewind", {0x01, 1}, "02/04/07", "00001A"},
    ImmediateCase{"FormatMedium", {0x04, 1}, "02/04/04", "020404"},
    ImmediateCase{"SetCapacity", {0x0B, 1, 0, 0xFF, 0xFF}, "02/04/07", "00001B"},
    ImmediateCase{"Verify", {0x13, 0x0C, 0, 0, 1}, "02/04/07", "00001C"},
    ImmediateCase{"Erase", {0x19, 2}, "02/04/07", "000018"},
    ImmediateCase{"LongErase", {0x19, 3}, "02/04/07", "000018"},
    ImmediateCase{"Unload", {0x1B, 1}, "02/04/07", "000016"},
    ImmediateCase{"Load", {0x1B, 1, 0, 0, 1}, "02/04/07", "000016"},
    ImmediateCase{"Locate10", {0x2B, 1, 0, 0, 0, 0, 1}, "02/04/07", "000019"},
    ImmediateCase{"Locate16", {0x92, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "02/04/07", "000019"});
INSTANTIATE_TEST_SUITE_P(Operations, EveryImmediate, kOperations,
                         [](const auto& each) { return std::string(each.param.name); });

TEST_F(Immediate, ACommandThatIsNotValidIsRefusedAndDoesNothing) {
    write(100);
    EXPECT_EQ(outcome(host.send({0x04, 1, 0, 0, 0, 0})), "05/3B/0C") << "FORMAT not at BOP";
    EXPECT_EQ(field(host.send({0x04, 1, 3, 0, 0, 0})), "cdb 2.3");
    EXPECT_EQ(field(host.send({0x92, 3, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0})), "cdb 3.7");
    EXPECT_EQ(field(host.send({0x1B, 1, 0, 0, 4, 0})), "cdb 4.2");
    EXPECT_EQ(place(), (Place{1, 0}));
    host.send({0x1E, 0, 0, 0, 1, 0});
    EXPECT_EQ(outcome(host.send({0x1B, 1, 0, 0, 0, 0})), "05/53/02") << "removal is prevented";
    EXPECT_EQ(test_unit_ready(), "GOOD");
}

TEST_F(Immediate, WhatWasBufferedIsSafeBeforeTheStatus) {
    write(100, 3);
    tape->sync_error = Error{Errc::io, "the disk failed"};
    EXPECT_EQ(outcome(host.send({0x01, 1, 0, 0, 0, 0})), "03/0C/00")
        << "told with this command, and not as a deferred error";
    EXPECT_EQ(test_unit_ready(), "GOOD");
    write(100, 3);
    tape->hold_motion = true;
    EXPECT_EQ(outcome(host.send({0x01, 1, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(tape->synced_objects, tape->objects.size());
    let_it_end();
}

TEST_F(Immediate, AFailureIsADeferredErrorForWhoAskedAndForNobodyElse) {
    tape->hold_motion = true;
    EXPECT_EQ(outcome(host.send({0x01, 1, 0, 0, 0, 0})), "GOOD");
    tape->locate_error = Error{Errc::corrupt, "damaged"};
    let_it_end();
    EXPECT_EQ(outcome(other.send({0, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x12, 0, 0, 0, 36, 0})), "GOOD") << "INQUIRY passes it";
    const auto before = tape->objects;
    for (const Completion& next : {write(100), marks(1), host.send({0, 0, 0, 0, 0, 0})}) {
        EXPECT_EQ(outcome(next), "03/11/00") << "no end to it before what overwrites nothing";
        EXPECT_TRUE(next.sense->deferred);
        EXPECT_EQ(scsi::encode_fixed(*next.sense)[0], 0x71);
        EXPECT_EQ(next.data_out_length, 0U) << "the command that is told of it is not carried out";
    }
    EXPECT_EQ(tape->objects.size(), before.size());
    EXPECT_EQ(test_unit_ready(), "GOOD") << "told once";
}

TEST_F(Immediate, RequestSenseTakesADeferredErrorAndAResetForgetsIt) {
    const auto fail = [this] {
        tape->hold_motion = true;
        host.send({0x92, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99});
        let_it_end();
    };
    fail();
    EXPECT_EQ(request_sense().substr(0, 28), "710008000000000A000000000005") << "end of data";
    EXPECT_EQ(test_unit_ready(), "GOOD");
    fail();
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    host.send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(test_unit_ready(), "GOOD");
}

TEST_F(Immediate, AnOperationOutlivesTheSessionThatBeganIt) {
    tape->hold_motion = true;
    host.send({0x19, 2, 0, 0, 0, 0});
    host.log_out();
    EXPECT_EQ(outcome(other.send({0, 0, 0, 0, 0, 0})), "02/04/07");
    let_it_end();
    EXPECT_TRUE(tape->objects.empty());
    EXPECT_EQ(outcome(other.send({0, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(Immediate, TheCartridgeLeavesWhenTheOperationHasEnded) {
    tape->hold_motion = true;
    host.send({0x04, 1, 0, 0, 0, 0});
    const auto removed = scsi::start(io, io.get_executor(), drive.remove());
    EXPECT_FALSE(removed->has_value());
    let_it_end();
    ASSERT_TRUE(removed->has_value());
    EXPECT_TRUE((*removed)->has_value());
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(Immediate, WriteFilemarksReturnsBeforeTheyAreDurable) {
    const auto before = tape->sync_calls;
    EXPECT_EQ(outcome(marks(1, true)), "GOOD");
    EXPECT_EQ(tape->sync_calls, before);
    EXPECT_EQ(place(), (Place{1, 1})) << "and they count at once";
}

}  // namespace
}  // namespace tapeloft::vtl::drive
