// What a host sets by mode pages: write protection (SWP, ASOCWP), and TapeAlert flags as a test.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class WriteProtection : public DriveFixture {
  protected:
    Completion select(unsigned page, std::size_t length, std::size_t offset, unsigned value) {
        Bytes list(8 + length);
        list[3] = 0x10;  // buffered mode 1, as it is
        const Bytes now = bytes_of(host.send({0x5A, 8, page, 0, 0, 0, 0, 0, 255, 0}));
        std::copy(now.begin() + 8, now.end(), list.begin() + 8);
        list[8 + offset] = static_cast<std::uint8_t>(value);
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, static_cast<unsigned>(list.size()), 0},
                         list);
    }
    Completion software(bool on) { return select(0x0A, 12, 4, on ? 8 : 0); }
    Completion associated(bool on) { return select(0x10, 16, 15, on ? 4 : 0); }
    bool write_protect_bit() {
        return (bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0, 255, 0})).at(3) & 0x80U) != 0;
    }
    std::string write_attribute() {
        return outcome(host.send({0x8D, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0},
                                 {0, 0, 0, 6, 0x08, 0x05, 0, 0, 1, 0x81}));
    }
    void expect_refused(const std::string& sense) {
        EXPECT_EQ(outcome(write(100)), sense);
        EXPECT_EQ(outcome(marks(1)), sense);
        EXPECT_EQ(outcome(host.send({0x19, 0, 0, 0, 0, 0})), sense);
        EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), sense);
        EXPECT_EQ(outcome(host.send({0x0B, 0, 0, 0xFF, 0xFF, 0})), sense);
        EXPECT_EQ(write_attribute(), sense);
        EXPECT_EQ(outcome(marks(0)), "GOOD") << "what was taken before is made durable";
        EXPECT_TRUE(write_protect_bit());
    }
};

TEST_F(WriteProtection, OfTheLogicalUnitIsForEveryMediumUntilItIsTakenBack) {
    EXPECT_EQ(outcome(software(true)), "GOOD") << "without a medium, too";
    EXPECT_FALSE(write_protect_bit());
    load();
    expect_refused("07/27/02");
    EXPECT_EQ(outcome(other.send({0x0A, 0, 0, 0, 4, 0}, Bytes(4))), "07/27/02");
    ASSERT_TRUE(remove());
    load();
    expect_refused("07/27/02");
    EXPECT_EQ(outcome(software(false)), "GOOD");
    EXPECT_FALSE(write_protect_bit());
    EXPECT_EQ(outcome(write(100)), "GOOD");
}

TEST_F(WriteProtection, OfTheLogicalUnitEndsWithAReset) {
    load();
    software(true);
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    host.send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(outcome(write(100)), "GOOD");
}

TEST_F(WriteProtection, OfAMediumNeedsOneAndGoesWithIt) {
    EXPECT_EQ(outcome(associated(true)), "02/3A/00");
    load();
    write(100);
    EXPECT_EQ(outcome(associated(true)), "GOOD");
    rewind();
    expect_refused("07/27/03");
    EXPECT_EQ(tape->objects.size(), 1U);
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    host.send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(outcome(write(100)), "07/27/03") << "a reset does not take it away";
    host.send({0x1B, 0, 0, 0, 0, 0});
    host.send({0x1B, 0, 0, 0, 1, 0});
    EXPECT_EQ(outcome(write(100)), "GOOD") << "UNLOAD ended it";
    associated(true);
    ASSERT_TRUE(remove());
    load();
    EXPECT_EQ(outcome(write(100)), "GOOD");
    associated(true);
    EXPECT_EQ(outcome(associated(false)), "GOOD");
    EXPECT_EQ(outcome(write(100)), "GOOD");
}

TEST_F(WriteProtection, TheNearerCauseIsTold) {
    load();
    software(true);
    associated(true);
    EXPECT_EQ(outcome(write(100)), "07/27/03");
    tape->write_protected = true;
    EXPECT_EQ(outcome(write(100)), "07/27/00");
}

TEST_F(WriteProtection, OtherBitsOfThePagesStayAsTheyAre) {
    load();
    EXPECT_EQ(field(select(0x0A, 12, 4, 0x09)), "list 12.0");
    EXPECT_EQ(field(select(0x10, 16, 15, 0x06)), "list 23.1") << "PERSWP is not offered";
    EXPECT_EQ(outcome(write(100)), "GOOD");
}

class TestFlags : public DriveFixture {
  protected:
    Completion select(unsigned flags, std::uint32_t number) {
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 20, 0},
                         {0,
                          0,
                          0,
                          0x10,
                          0,
                          0,
                          0,
                          0,
                          0x1C,
                          10,
                          static_cast<std::uint8_t>(flags),
                          0,
                          0,
                          0,
                          0,
                          0,
                          static_cast<std::uint8_t>(number >> 24U),
                          static_cast<std::uint8_t>(number >> 16U),
                          static_cast<std::uint8_t>(number >> 8U),
                          static_cast<std::uint8_t>(number)});
    }
    std::string flags() {
        return hex(bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 0xFF, 0xFF, 0}))).substr(16);
    }
};

TEST_F(TestFlags, ModeSelectSetsAndClearsTapeAlertFlagsAndKeepsNothing) {
    EXPECT_EQ(outcome(select(0x0C, 3)), "GOOD");
    EXPECT_EQ(flags(), "2000000000000000");
    EXPECT_EQ(hex(bytes_of(host.send({0x5A, 8, 0x1C, 0, 0, 0, 0, 0, 255, 0}))).substr(16),
              "1C0A08000000000000000000")
        << "TEST is done and gone";
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "02/3A/00")
        << "no mode parameter has changed, so nobody else hears of it";
    EXPECT_EQ(outcome(select(0x0C, static_cast<std::uint32_t>(-3))), "GOOD");
    EXPECT_EQ(flags(), "0000000000000000");
    EXPECT_EQ(outcome(select(0x0C, 32767)), "GOOD");
    const Bytes supported = bytes_of(host.send({0x12, 1, 0xB2, 0, 255, 0}));
    EXPECT_EQ(flags(), hex(ByteView(supported).subspan(4, 8)));
}

TEST_F(TestFlags, NumbersThatNameNoFlagAreRefused) {
    for (const std::uint32_t number : {0U, 65U, 32768U, static_cast<std::uint32_t>(-65)}) {
        const Completion refused = select(0x0C, number);
        EXPECT_EQ(outcome(refused) + " " + field(refused), "05/26/00 list 16.7") << number;
    }
    EXPECT_EQ(field(select(0x08, 3)), "list 16.7") << "a number without TEST";
    EXPECT_EQ(field(select(0x04, 3)), "list 10.3") << "DEXCPT stays as it is";
    EXPECT_EQ(outcome(select(0x08, 0)), "GOOD");
    EXPECT_EQ(flags(), "0000000000000000");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
