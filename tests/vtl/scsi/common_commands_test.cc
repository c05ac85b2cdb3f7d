#include "tests/vtl/scsi/fake_memory.h"
#include "tests/vtl/scsi/host.h"
#include "tests/vtl/scsi/test_unit.h"

namespace tapeloft::vtl::scsi {
namespace {

class CommonCommands : public testing::Test {
  protected:
    CommonCommands() : strand(boost::asio::make_strand(io)) { start_unit(); }
    void start_unit() {
        host.reset();
        other.reset();
        unit = std::make_unique<TestUnit>(strand, memory, now, counter);
        host = std::make_unique<Host>(io, *unit, 1, "iqn.host");
        other = std::make_unique<Host>(io, *unit, 2, "iqn.other");
        host->log_in_and_clear();
        other->log_in_and_clear();
    }
    static std::string text(const Completion& got) {
        return got.status == Status::good ? "GOOD " + hex(bytes_of(got))
                                          : outcome(got) + " " + field(got);
    }
    std::string send(std::initializer_list<unsigned> cdb, Bytes data_out = {}) {
        return text(host->send(cdb, std::move(data_out)));
    }
    std::string attention() { return outcome(other->send({0xC5})); }

    boost::asio::io_context io;
    Executor strand;
    std::shared_ptr<FakeMemory> memory = std::make_shared<FakeMemory>();
    std::shared_ptr<std::uint64_t> now = std::make_shared<std::uint64_t>(0x0123456789ABU);
    std::shared_ptr<std::uint64_t> counter = std::make_shared<std::uint64_t>(7);
    std::unique_ptr<TestUnit> unit;
    std::unique_ptr<Host> host;
    std::unique_ptr<Host> other;
};

class SavedModePages : public CommonCommands {
  protected:
    std::string sense(unsigned page_control) {
        return send({0x1A, 8, page_control << 6U | 0x0A, 0, 255, 0});
    }
};

TEST_F(SavedModePages, SpSavesAndARestartFindsThem) {
    EXPECT_EQ(sense(0), "GOOD 080000008A03010203") << "PS: what may be changed may be saved";
    EXPECT_EQ(sense(3), "GOOD 080000008A03010203");
    EXPECT_EQ(send({0x15, 0x10, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 5, 2, 9}), "GOOD ");
    EXPECT_EQ(sense(0), "GOOD 080000008A03050209");
    EXPECT_EQ(sense(3), "GOOD 080000008A03010203") << "without SP nothing is saved";
    EXPECT_EQ(memory->puts, 0);
    EXPECT_EQ(send({0x15, 0x11, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 6, 2, 8}), "GOOD ");
    EXPECT_EQ(sense(3), "GOOD 080000008A03060208");
    EXPECT_EQ(sense(2), "GOOD 080000008A03010203");
    EXPECT_EQ(attention(), "06/2A/01");
    EXPECT_EQ(attention(), "GOOD");
    EXPECT_EQ(send({0x15, 0x10, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 5, 2, 9}), "GOOD ");
    start(io, strand, then_true(unit->reset()));
    host->send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(sense(0), "GOOD 080000008A03060208") << "a reset brings the saved values back";
    send({0x15, 0x10, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 5, 2, 9});
    start_unit();
    EXPECT_EQ(sense(0), "GOOD 080000008A03060208");
    EXPECT_EQ(sense(3), "GOOD 080000008A03060208");
}

TEST_F(SavedModePages, SpAloneSavesWhatIsInForce) {
    EXPECT_EQ(send({0x15, 0x10, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 5, 2, 9}), "GOOD ");
    EXPECT_EQ(send({0x15, 0x11, 0, 0, 4, 0}, {0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(sense(3), "GOOD 080000008A03050209");
}

TEST_F(SavedModePages, WhatCannotBeSavedIsNotChanged) {
    memory->fails = true;
    EXPECT_EQ(send({0x15, 0x11, 0, 0, 9, 0}, {0, 0, 0, 0, 0x8A, 3, 6, 2, 8}), "04/44/00 ");
    EXPECT_EQ(sense(0), "GOOD 080000008A03010203");
    EXPECT_EQ(attention(), "GOOD");
}

TEST_F(SavedModePages, WithoutAMemoryThereAreNone) {
    memory = nullptr;
    start_unit();
    EXPECT_EQ(sense(0), "GOOD 080000000A03010203");
    EXPECT_EQ(sense(3), "05/39/00 ");
    EXPECT_EQ(send({0x15, 0x11, 0, 0, 4, 0}, {0, 0, 0, 0}), "05/24/00 cdb 1.0");
}

TEST_F(SavedModePages, OnlyWhatMayBeChangedIsTakenFromTheMemory) {
    memory->values[std::string(kModePagesValue)] = {1, 0x0A, 0, 0, 3, 0xFE, 0xFF, 7};
    start_unit();
    EXPECT_EQ(sense(0), "GOOD 080000008A030E0207");
    for (const Bytes& broken : {Bytes{2, 0x0A, 0, 0, 3, 1, 1, 1}, Bytes{1, 0x0A, 0, 0, 3, 9},
                                Bytes{1, 0x0A, 0, 0, 2, 9, 9}, Bytes{1, 0x0B, 0, 0, 3, 9, 9, 9},
                                Bytes{1}, Bytes{1, 0x0A}}) {
        memory->values[std::string(kModePagesValue)] = broken;
        start_unit();
        EXPECT_EQ(sense(0), "GOOD 080000008A03010203") << hex(broken);
    }
}

class LogSelect : public CommonCommands {};

TEST_F(LogSelect, PcrResetsThePageOrAllOfThemAndTellsTheOthers) {
    EXPECT_EQ(send({0x4C, 2, 0x12, 0, 0, 0, 0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(*counter, 0U);
    EXPECT_EQ(attention(), "06/2A/02");
    *counter = 5;
    EXPECT_EQ(send({0x4C, 2, 0, 0, 0, 0, 0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(*counter, 0U);
    *counter = 5;
    EXPECT_EQ(send({0x4C, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0}), "GOOD ") << "default cumulative values";
    EXPECT_EQ(*counter, 0U);
    EXPECT_EQ(attention(), "06/2A/02");
    *counter = 5;
    EXPECT_EQ(send({0x4C, 0, 0x40, 0, 0, 0, 0, 0, 0, 0}), "GOOD ") << "the values they have";
    EXPECT_EQ(*counter, 5U);
    EXPECT_EQ(attention(), "GOOD");
}

TEST_F(LogSelect, EverythingElseIsRefused) {
    EXPECT_EQ(send({0x4C, 2, 0x11, 0, 0, 0, 0, 0, 0, 0}), "05/24/00 cdb 2.5") << "no counters";
    EXPECT_EQ(send({0x4C, 2, 0x13, 0, 0, 0, 0, 0, 0, 0}), "05/24/00 cdb 2.5");
    EXPECT_EQ(send({0x4C, 2, 0x12, 1, 0, 0, 0, 0, 0, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x4C, 3, 0x12, 0, 0, 0, 0, 0, 0, 0}), "05/24/00 cdb 1.0") << "SP";
    EXPECT_EQ(send({0x4C, 0, 0x12, 0, 0, 0, 0, 0, 0, 0}), "05/24/00 cdb 2.7") << "thresholds";
    EXPECT_EQ(send({0x4C, 0, 0xD2, 0, 0, 0, 0, 0, 4, 0}, Bytes(4)), "05/24/00 cdb 7.7");
    EXPECT_EQ(*counter, 7U);
    EXPECT_EQ(attention(), "GOOD");
}

class Identifying : public CommonCommands {};

TEST_F(Identifying, InformationIsKept) {
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 00000000");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 0xFE, 0}), "GOOD 000000080000020004000100");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0}, {1, 2, 3}), "GOOD ");
    EXPECT_EQ(attention(), "06/3F/05");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 2, 4, 0}, {'a', 0}), "GOOD ");
    start_unit();
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 00000003010203");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0}), "GOOD 0000000301");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 4, 0}), "GOOD 000000026100");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "GOOD ") << "length 0: none any more";
    start_unit();
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 00000000");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 4, 0}), "GOOD 000000026100");
}

TEST_F(Identifying, WrongTypesLengthsAndTextsChangeNothing) {
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 2, 1, 0, 0}, Bytes(513)), "05/24/00 cdb 6.7");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0}, {1, 2}), "05/0E/03 ");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0}, {'a'}), "05/26/00 list 0.7");
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0}, {'a'}), "05/24/00 cdb 10.7");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 2, 0}), "05/24/00 cdb 10.7");
    memory->fails = true;
    EXPECT_EQ(send({0xA4, 6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0}, {1}), "04/44/00 ");
    EXPECT_EQ(send({0xA3, 5, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 00000000");
    EXPECT_EQ(attention(), "GOOD");
}

class Maintenance : public CommonCommands {};

TEST_F(Maintenance, TargetPortGroupsAreOneActiveOne) {
    EXPECT_EQ(send({0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}),
              "GOOD 0000000C000100010000000100000001");
    EXPECT_EQ(send({0xA3, 0x2A, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}),
              "GOOD 0000001010000000000100010000000100000001");
    EXPECT_EQ(send({0xA3, 0x4A, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "05/24/00 cdb 1.7");
}

TEST_F(Maintenance, TaskManagementFunctionsAreTheOnesOfSam) {
    EXPECT_EQ(send({0xA3, 0x0D, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD D8000000");
    EXPECT_EQ(send({0xA3, 0x0D, 0x80, 0, 0, 0, 0, 0, 0, 255, 0, 0}),
              "GOOD D800000C000000000000000000000000");
}

TEST_F(Maintenance, TimestampHas48BitsAndGoesOnFromWhereItWasSet) {
    EXPECT_EQ(send({0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}),
              "GOOD 000A0300"
              "0123456789AB"
              "0000");
    const Bytes list = {0, 0, 0, 0, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0, 0};
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, list), "GOOD ");
    *now += 0x10;
    EXPECT_EQ(send({0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}),
              "GOOD 000A0200"
              "FEDCBA987664"
              "0000");
    EXPECT_EQ(attention(), "06/2A/10");
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 11, 0, 0}, Bytes(11)), "05/1A/00 ");
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, Bytes(11)), "05/0E/03 ");
    Bytes reserved = list;
    reserved[10] = 1;
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, reserved), "05/26/00 list 10.7");
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(attention(), "GOOD");
}

TEST_F(Maintenance, ATimestampOutlivesAResetButNoRestart) {
    const Bytes list = {0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0};
    EXPECT_EQ(send({0xA4, 0x0F, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0}, list), "GOOD ");
    start(io, strand, then_true(unit->reset()));
    host->send({0x03, 0, 0, 0, 18, 0});
    EXPECT_EQ(send({0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 000A02000000000000050000");
    start_unit();
    EXPECT_EQ(send({0xA3, 0x0F, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0}), "GOOD 000A03000123456789AB0000")
        << "the clock of the machine, as an LTO drive forgets its own";
}

class Diagnostics : public CommonCommands {};

TEST_F(Diagnostics, SelfTestIsGoodAndPage00hIsAllThereIs) {
    EXPECT_EQ(send({0x1D, 4, 0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(send({0x1D, 0x10, 0, 0, 4, 0}, Bytes(4)), "GOOD ");
    EXPECT_EQ(send({0x1C, 0, 0, 0, 255, 0}), "GOOD 0000000100");
    EXPECT_EQ(send({0x1C, 1, 0, 0, 255, 0}), "GOOD 0000000100");
    EXPECT_EQ(send({0x1C, 1, 0x80, 0, 255, 0}), "05/24/00 cdb 2.7");
    EXPECT_EQ(send({0x1D, 0x10, 0, 0, 4, 0}, {0x80, 0, 0, 0}), "05/26/00 list 0.7");
    EXPECT_EQ(send({0x1D, 0x10, 0, 0, 8, 0}, Bytes(8)), "05/1A/00 ");
    EXPECT_EQ(send({0x1D, 0x10, 0, 0, 3, 0}, Bytes(3)), "05/1A/00 ");
    EXPECT_EQ(send({0x1D, 0x10, 0, 0, 4, 0}, Bytes(3)), "05/0E/03 ");
    EXPECT_EQ(send({0x1D, 0x00, 0, 0, 4, 0}, Bytes(4)), "05/24/00 cdb 1.4");
    EXPECT_EQ(send({0x1D, 0x20, 0, 0, 0, 0}), "05/24/00 cdb 1.5") << "self-test code";
}

TEST_F(Diagnostics, TheEchoBufferIsOneForEachSession) {
    EXPECT_EQ(send({0x3C, 0x0B, 0, 0, 0, 0, 0, 0, 255, 0}), "GOOD 01001000");
    EXPECT_EQ(send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 255, 0}), "05/2C/00 ") << "nothing was written";
    EXPECT_EQ(send({0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 3, 0}, {1, 2, 3}), "GOOD ");
    EXPECT_EQ(text(other->send({0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 1, 0}, {9})), "GOOD ");
    EXPECT_EQ(send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 255, 0}), "GOOD 010203");
    EXPECT_EQ(send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 2, 0}), "GOOD 0102");
    EXPECT_EQ(text(other->send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 255, 0})), "GOOD 09");
    EXPECT_EQ(send({0x3B, 0x0A, 0, 0, 0, 0, 0, 0x10, 1, 0}, Bytes(4097)), "05/24/00 cdb 6.7");
    EXPECT_EQ(send({0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 5, 0}, Bytes(4)), "05/0E/03 ");
    EXPECT_EQ(send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 255, 0}), "GOOD 010203");
    host->log_out();
    Host again(io, *unit, 11, "iqn.host");
    again.log_in_and_clear();
    EXPECT_EQ(text(again.send({0x3C, 0x0A, 0, 0, 0, 0, 0, 0, 255, 0})), "05/2C/00 ");
}

TEST_F(Diagnostics, TheDataBufferIsReadAndWrittenAnywhereAndIsOneForEachSession) {
    EXPECT_EQ(send({0x3C, 0x03, 0, 0, 0, 0, 0, 0, 4, 0}), "GOOD 00001000");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0, 0, 0, 0, 4, 0}), "GOOD 00000000") << "nothing written";
    EXPECT_EQ(send({0x3B, 0x02, 0, 0, 0, 1, 0, 0, 2, 0}, {1, 2}), "GOOD ");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0, 0, 0, 0, 4, 0}), "GOOD 00010200");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0, 2, 0, 0, 2, 0}), "GOOD 0200");
    EXPECT_EQ(text(other->send({0x3C, 0x02, 0, 0, 0, 0, 0, 0, 4, 0})), "GOOD 00000000");
    EXPECT_EQ(send({0x3B, 0x00, 0, 0, 0, 0, 0, 0, 5, 0}, {0, 0, 0, 0, 9}), "GOOD ");
    EXPECT_EQ(send({0x3C, 0x00, 0, 0, 0, 0, 0, 0, 7, 0}), "GOOD 00001000090102");
    EXPECT_EQ(send({0x3B, 0x02, 0, 0, 0x0F, 0xFE, 0, 0, 2, 0}, {7, 8}), "GOOD ") << "its end";
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0x0F, 0xFE, 0, 0, 9, 0}), "GOOD 0708");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0x10, 0, 0, 0, 9, 0}), "GOOD ");
    EXPECT_EQ(send({0x3B, 0x0A, 0, 0, 0, 0, 0, 0, 1, 0}, {5}), "GOOD ");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0, 0, 0, 0, 1, 0}), "GOOD 09") << "not the echo buffer";
    EXPECT_EQ(send({0x3C, 0x0B, 0, 0, 0, 0, 0, 0, 4, 0}), "GOOD 01001000");
}

TEST_F(Diagnostics, OutsideOfTheDataBufferNothingIsReadOrWritten) {
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0x10, 1, 0, 0, 1, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x3C, 0x00, 0, 0, 0, 1, 0, 0, 9, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x3C, 0x00, 1, 0, 0, 0, 0, 0, 9, 0}), "05/24/00 cdb 2.7");
    EXPECT_EQ(send({0x3B, 0x02, 0, 0, 0x10, 1, 0, 0, 0, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x3B, 0x02, 0, 0, 0x0F, 0xFF, 0, 0, 2, 0}, {1, 2}), "05/24/00 cdb 6.7");
    EXPECT_EQ(send({0x3B, 0x02, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0}), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x3B, 0x02, 1, 0, 0, 0, 0, 0, 1, 0}, {1}), "05/24/00 cdb 2.7");
    EXPECT_EQ(send({0x3B, 0x00, 0, 0, 0, 1, 0, 0, 5, 0}, Bytes(5)), "05/24/00 cdb 3.7");
    EXPECT_EQ(send({0x3B, 0x00, 0, 0, 0, 0, 0, 0x10, 5, 0}, Bytes(4101)), "05/24/00 cdb 6.7");
    EXPECT_EQ(send({0x3B, 0x00, 0, 0, 0, 0, 0, 0, 3, 0}, Bytes(3)), "05/1A/00 ");
    EXPECT_EQ(send({0x3B, 0x02, 0, 0, 0, 0, 0, 0, 2, 0}, {1}), "05/0E/03 ");
    EXPECT_EQ(send({0x3C, 0x02, 0, 0, 0, 0, 0, 0, 2, 0}), "GOOD 0000") << "nothing was written";
}

TEST_F(Diagnostics, DumpsAndFirmwareAreRefusedAtOnce) {
    EXPECT_EQ(send({0x3C, 0x03, 1, 0, 0, 0, 0, 0, 4, 0}), "GOOD 00000000");
    EXPECT_EQ(send({0x3C, 0x02, 1, 0, 0, 0, 0, 1, 0, 0}), "05/24/00 cdb 2.7");
    EXPECT_EQ(send({0x3C, 0x01, 1, 0, 0, 0, 0, 1, 0, 0}), "05/24/00 cdb 1.4");
    for (const unsigned mode : {1U, 4U, 5U, 6U, 7U, 0x0DU, 0x0EU, 0x0FU, 0x1AU}) {
        EXPECT_EQ(send({0x3B, mode, 0, 0, 0, 0, 0, 0, 4, 0}, Bytes(4)), "05/24/00 cdb 1.4") << mode;
    }
}

TEST(DescriptorSense, HasADescriptorForEachThingToSay) {
    Sense sense;
    sense.key = SenseKey::illegal_request;
    sense.additional = asc::kInvalidFieldInCdb;
    sense.field = FieldPointer{true, 5, 3};
    EXPECT_EQ(hex(encode_descriptor(sense)), "720524000000000802060000CB000500");
    sense.field.reset();
    sense.filemark = true;
    sense.information = -1;
    EXPECT_EQ(hex(encode_descriptor(sense)),
              "7205240000000010"
              "000A8000FFFFFFFFFFFFFFFF"
              "04020080");
}

}  // namespace
}  // namespace tapeloft::vtl::scsi
