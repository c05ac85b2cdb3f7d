// Partitions, SET CAPACITY, programmable early warning, VERIFY.
#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class PartitionsTest : public DriveFixture {
  protected:
    explicit PartitionsTest(std::string_view model = "IBM ULT3580-TD8") : DriveFixture(model) {}

    Bytes sense_page(unsigned control = 0) {
        return bytes_of(host.send({0x5A, 0x08, control << 6U | 0x11U, 0, 0, 0, 0, 1, 0, 0}));
    }
    /// MODE SELECT of page 11h with these parameters behind its two bytes of header.
    Completion select(Bytes parameters) {
        Bytes list(8);
        list.push_back(0x11);
        list.push_back(static_cast<std::uint8_t>(parameters.size()));
        list.insert(list.end(), parameters.begin(), parameters.end());
        const auto length = static_cast<unsigned>(list.size());
        return host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, length, 0}, std::move(list));
    }
    /// Initiator-defined partitions in units of 10^6 bytes.
    Completion select_sizes(std::vector<unsigned> sizes, unsigned flags = 0x34) {
        Bytes parameters(14);
        parameters[0] = 3;
        parameters[1] = static_cast<std::uint8_t>(sizes.size() - 1);
        parameters[2] = static_cast<std::uint8_t>(flags);
        parameters[3] = 3;
        parameters[4] = 6;
        for (std::size_t i = 0; i < std::min<std::size_t>(sizes.size(), 4); ++i) {
            parameters[6 + 2 * i] = static_cast<std::uint8_t>(sizes[i] >> 8U);
            parameters[7 + 2 * i] = static_cast<std::uint8_t>(sizes[i]);
        }
        return select(parameters);
    }
    Completion format(unsigned how) { return host.send({0x04, 0, how, 0, 0, 0}); }
    std::vector<std::uint64_t> capacities() {
        std::vector<std::uint64_t> all;
        for (std::size_t i = 0; i < tape->partitions.size(); ++i) {
            all.push_back(i == tape->partition ? tape->native : tape->partitions[i].native);
        }
        return all;
    }
    std::string where() {
        const Bytes data = bytes_of(host.send({0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0}));
        return hex(ByteView(data).first(1)) + " p" + std::to_string(data.at(7)) + " o" +
               std::to_string(load_big_endian<8>(ByteView(data).subspan(8)));
    }
    using Sizes = std::vector<std::uint64_t>;
    static constexpr std::uint64_t kMegabyte = 1'000'000;
};

TEST_F(PartitionsTest, FormatOneMakesThePartitionsThatThePageAsksForAndFormatZeroOne) {
    load();
    ASSERT_EQ(outcome(select_sizes({0xFFFF, 30, 100})), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{1000 * kMegabyte})) << "not before FORMAT";
    ASSERT_EQ(outcome(format(1)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{870 * kMegabyte, 30 * kMegabyte, 100 * kMegabyte}));
    EXPECT_EQ(hex(ByteView(sense_page()).subspan(8)),
              "110E03023C030600"
              "0366001E00640000");
    EXPECT_EQ(where(), "80 p0 o0");
    ASSERT_EQ(outcome(format(0)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{1000 * kMegabyte}));
    EXPECT_EQ(hex(ByteView(sense_page()).subspan(8)),
              "110E03001C030600"
              "03E8000000000000");
}

// The Linux st driver sends no more partition sizes than it fills in.
TEST_F(PartitionsTest, APageWithTheSizesOfItsPartitionsAloneIsEnough) {
    load();
    EXPECT_EQ(outcome(select({3, 1, 0x3C, 3, 6, 0, 0xFF, 0xFF, 0, 100})), "GOOD");
    ASSERT_EQ(outcome(format(1)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{900 * kMegabyte, 100 * kMegabyte}));
    EXPECT_EQ(outcome(select({3, 2, 0x3C, 3, 6, 0, 0xFF, 0xFF, 0, 100})), "05/26/00")
        << "the third one has no size";
    EXPECT_EQ(outcome(select({3, 0, 0x3C, 3, 6, 0, 0})), "05/26/00") << "too short";
}

TEST_F(PartitionsTest, SmallSizesAreRoundedUpAndSelectDataPartitionsAreAlike) {
    load();
    ASSERT_EQ(outcome(select_sizes({1, 0xFFFF})), "GOOD");
    ASSERT_EQ(outcome(format(2)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{25 * kMegabyte, 975 * kMegabyte}));
    ASSERT_EQ(outcome(select_sizes({0, 0, 0, 0}, 0x5C)), "GOOD") << "SDP";
    ASSERT_EQ(outcome(format(1)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes(4, 250 * kMegabyte)));
    ASSERT_EQ(outcome(select_sizes({0, 0}, 0x9C)), "GOOD") << "FDP";
    ASSERT_EQ(outcome(format(1)), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{975 * kMegabyte, 25 * kMegabyte}));
}

TEST_F(PartitionsTest, WhatCannotBeGrantedIsRefusedByItsField) {
    EXPECT_EQ(outcome(select_sizes({0xFFFF, 30})), "02/3A/00");
    load();
    const auto refused = [this](const Completion& got) {
        EXPECT_EQ(outcome(got), "05/26/00");
        return field(got);
    };
    EXPECT_EQ(refused(select_sizes({1, 1, 1, 1, 0xFFFF})), "list 11.7") << "too many";
    EXPECT_EQ(refused(select_sizes({500, 501})), "list 18.7") << "too large";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 0xFFFF})), "list 18.7") << "twice all the rest";
    EXPECT_EQ(refused(select_sizes({0, 10})), "list 16.7") << "no size";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 990})), "list 16.7") << "no rest";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 30}, 0xB4)), "list 12.7") << "FDP and IDP";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 30}, 0x14)), "list 12.7") << "none of them";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 30}, 0x36)), "list 12.1") << "CLEAR";
    EXPECT_EQ(refused(select_sizes({0xFFFF, 30}, 0x30)), "list 12.2") << "POFM is fixed";
}

class Lto5PartitionsTest : public PartitionsTest {
  protected:
    Lto5PartitionsTest() : PartitionsTest("IBM ULT3580-TD5") {}
};

TEST_F(Lto5PartitionsTest, TwoPartitionsAreTheMost) {
    ASSERT_TRUE(insert("L5"));
    EXPECT_EQ(hex(ByteView(sense_page()).subspan(8)),
              "110A01001C030600"
              "03E80000");
    EXPECT_EQ(hex(ByteView(sense_page(1)).subspan(8)),
              "110A00FFF8000F00"
              "FFFFFFFF");
}

TEST_F(PartitionsTest, EveryCommandStaysInItsPartitionUntilLocateOrLoadLeavesIt) {
    load();
    select_sizes({0xFFFF, 100});
    format(1);
    write(10, 1);
    EXPECT_EQ(outcome(locate(0, 1)), "GOOD");
    EXPECT_EQ(where(), "80 p1 o0");
    write(20, 2);
    marks(1);
    EXPECT_EQ(outcome(rewind()), "GOOD");
    EXPECT_EQ(where(), "80 p1 o0") << "REWIND stays in the partition";
    EXPECT_EQ(outcome(space(1, 1)), "GOOD");
    EXPECT_EQ(where(), "00 p1 o2");
    EXPECT_EQ(outcome(locate(0)), "GOOD");
    EXPECT_EQ(where(), "80 p1 o0") << "CP = 0";
    EXPECT_EQ(outcome(locate(5, 1)), "08/00/05");
    EXPECT_EQ(where(), "00 p1 o2");
    EXPECT_EQ(field(locate(0, 2)), "cdb 3.7");
    EXPECT_EQ(field(host.send({0x2B, 2, 0, 0, 0, 0, 0, 0, 2, 0})), "cdb 8.7");
    EXPECT_EQ(where(), "00 p1 o2") << "refused: nothing moved";
    EXPECT_EQ(outcome(format(0)), "05/3B/0C") << "not partition 0";
    const Bytes configuration = bytes_of(host.send({0x5A, 8, 0x10, 0, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(configuration.at(8 + 3), 1) << "ACTIVE PARTITION";
    EXPECT_EQ(outcome(host.send({0x2B, 2, 0, 0, 0, 0, 1, 0, 0, 0})), "GOOD");
    EXPECT_EQ(where(), "00 p0 o1");
    locate(0, 1);
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
    EXPECT_EQ(where(), "80 p0 o0") << "LOAD";
    EXPECT_EQ(bytes_of(read(10)), pattern(10, 1));
    const Bytes short_form = bytes_of(host.send({0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    EXPECT_EQ(short_form.at(1), 0);
}

TEST_F(PartitionsTest, SetCapacityIsKeptWithTheCartridgeAndAllOnesGivesAllBack) {
    load();
    EXPECT_EQ(outcome(host.send({0x0B, 0, 0, 0x80, 0x00, 0})), "GOOD");
    EXPECT_EQ(capacities().at(0), 500'007'629U);
    write(10);
    EXPECT_EQ(outcome(host.send({0x0B, 0, 0, 0xFF, 0xFF, 0})), "05/3B/0C");
    auto removed = remove();
    ASSERT_TRUE(insert_again(std::move(*removed), medium()));
    EXPECT_EQ(outcome(format(0)), "GOOD");
    EXPECT_EQ(capacities().at(0), 500'007'629U) << "FORMAT leaves the capacity";
    EXPECT_EQ(outcome(host.send({0x0B, 0, 0, 0xFF, 0xFF, 0})), "GOOD");
    EXPECT_EQ(capacities(), (Sizes{1000 * kMegabyte}));
}

TEST_F(PartitionsTest, OtherHostsLearnOfNewPartitionsTheSenderDoesNot) {
    load();
    select_sizes({0xFFFF, 100});
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "06/2A/01");
    format(1);
    format(0);
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "06/2A/01");
}

TEST_F(PartitionsTest, ProgrammableEarlyWarningIsToldOnceAndEarlyWarningEachTime) {
    load();
    tape->native = 4 * kMegabyte;
    tape->early_warning = 3 * kMegabyte;
    Bytes list(8 + 32);
    list[8] = 0x50;
    list[9] = 0x01;
    list[11] = 0x1C;
    list[13] = 0x02;
    list[15] = 1;  // PEWS: 10^6 bytes
    ASSERT_EQ(outcome(host.send({0x55, 0x10, 0, 0, 0, 0, 0, 0, 40, 0}, list)), "GOOD");
    const std::size_t half = kMegabyte / 2;
    for (const char* const expected :
         {"GOOD", "GOOD", "GOOD", "00/00/07", "GOOD", "00/00/02", "00/00/02"}) {
        EXPECT_EQ(outcome(write(half)), expected);
    }
    EXPECT_EQ(where(), "41 p0 o7") << "EOP and BPEW";
    locate(4);
    EXPECT_EQ(where(), "01 p0 o4");
    locate(3);
    EXPECT_EQ(where(), "00 p0 o3");
    EXPECT_EQ(outcome(write(half)), "00/00/07") << "again, after the position was before it";
    EXPECT_EQ(tape->objects.size(), 4U) << "what was warned of is on the tape";
}

TEST_F(PartitionsTest, VerifyReadsWithoutATransfer) {
    load();
    write(100);
    write(100);
    write(60);
    marks(1);
    write(10);
    rewind();
    EXPECT_EQ(outcome(host.send({0x13, 0, 0, 0, 100, 0})), "GOOD");
    EXPECT_EQ(where(), "00 p0 o1");
    const Completion wrong = host.send({0x13, 0, 0, 0, 120, 0});
    EXPECT_TRUE(wrong.sense && wrong.sense->incorrect_length);
    EXPECT_EQ(information(wrong), 20);
    EXPECT_EQ(outcome(host.send({0x13, 0x08, 0, 0, 1, 0})), "GOOD") << "VBF";
    EXPECT_EQ(where(), "00 p0 o4");
    EXPECT_EQ(outcome(host.send({0x13, 0x20, 0, 0, 0, 0})), "GOOD") << "VTE";
    EXPECT_EQ(where(), "00 p0 o5");
    EXPECT_EQ(outcome(host.send({0x13, 0, 0, 0, 1, 0})), "08/00/05");
    EXPECT_EQ(field(host.send({0x13, 0x02, 0, 0, 1, 0})), "cdb 1.1") << "BYTCMP";
    EXPECT_EQ(field(host.send({0x13, 0x01, 0, 0, 1, 0})), "cdb 1.0") << "variable blocks";
    EXPECT_EQ(field(host.send({0x13, 0x28, 0, 0, 1, 0})), "cdb 1.5");
    set_block_length(100);
    rewind();
    EXPECT_EQ(outcome(host.send({0x13, 1, 0, 0, 2, 0})), "GOOD");
    const Completion other_length = host.send({0x13, 1, 0, 0, 2, 0});
    EXPECT_TRUE(other_length.sense && other_length.sense->incorrect_length);
    EXPECT_EQ(information(other_length), 2);
    rewind();
    tape->read_error = Error{Errc::corrupt, "crc"};
    EXPECT_EQ(outcome(host.send({0x13, 1, 0, 0, 2, 0})), "03/11/00");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
