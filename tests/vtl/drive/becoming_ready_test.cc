// A cartridge whose data is being recalled from an archive.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class BecomingReady : public DriveFixture {
  protected:
    BecomingReady() {
        auto archived = medium();
        archived.becoming_ready = [this] { return recalling_; };
        EXPECT_TRUE(insert(std::move(archived)));
        other.send({0x00, 0, 0, 0, 0, 0});  // takes its unit attention
    }

    bool recalling_ = true;
};

TEST_F(BecomingReady, WhatNeedsTheMediumIsToldSoAndTheRestAnswersAtOnce) {
    using Cdb = std::initializer_list<unsigned>;
    const Cdb refused[] = {
        {0x00, 0, 0, 0, 0, 0},    // TEST UNIT READY
        {0x01, 0, 0, 0, 0, 0},    // REWIND
        {0x08, 0, 0, 0, 100, 0},  // READ
        {0x11, 3, 0, 0, 0, 0},    // SPACE
        {0x10, 0, 0, 0, 0, 0},    // WRITE FILEMARKS
        {0x19, 0, 0, 0, 0, 0},    // ERASE
        {0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0},
    };
    const Cdb answered[] = {
        {0x12, 0, 0, 0, 36, 0},                               // INQUIRY
        {0x1A, 0, 0x3F, 0, 255, 0},                           // MODE SENSE
        {0x4D, 0, 0x51, 0, 0, 0, 0, 0, 255, 0},               // LOG SENSE, page 11h
        {0x8C, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0},  // READ ATTRIBUTE
        {0x1B, 0, 0, 0, 1, 0},                                // LOAD, as PBS does meanwhile
    };
    for (const auto& cdb : refused) {
        EXPECT_EQ(outcome(host.send(cdb)), "02/04/01") << std::hex << *cdb.begin();
        EXPECT_EQ(outcome(other.send(cdb)), "02/04/01") << std::hex << *cdb.begin();
    }
    for (const auto& cdb : answered) {
        EXPECT_EQ(outcome(host.send(cdb)), "GOOD") << std::hex << *cdb.begin();
    }
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 18, 0}))),
              "700002000000000A00000000040100000000");  // REQUEST SENSE
    recalling_ = false;
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(BecomingReady, TheCartridgeCanBeTakenOutAgain) {
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD");  // UNLOAD
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/3A/00");
    EXPECT_TRUE(remove());
}

TEST_F(BecomingReady, WhatIsArchivedMeanwhileIsNoDamage) {
    recalling_ = false;
    tape->read_error = Error{Errc::busy, "archived"};
    EXPECT_EQ(outcome(host.send({0x08, 0, 0, 0, 100, 0})), "02/04/01");
    EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 0xFF, 0xFF, 0}))).substr(16),
              "0000000000000000")
        << "no TapeAlert";
}

}  // namespace
}  // namespace tapeloft::vtl::drive
