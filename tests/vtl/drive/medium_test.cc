#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

using MediumTest = DriveFixture;

TEST_F(MediumTest, EveryMediumCommandIsNotReadyInAnEmptyDrive) {
    const std::initializer_list<unsigned> commands[] = {
        {0x00, 0, 0, 0, 0, 0},    {0x01, 0, 0, 0, 0, 0},           {0x04, 0, 0, 0, 0, 0},
        {0x08, 0, 0, 0, 1, 0},    {0x0A, 0, 0, 0, 1, 0},           {0x10, 0, 0, 0, 1, 0},
        {0x11, 0, 0, 0, 1, 0},    {0x19, 0, 0, 0, 0, 0},           {0x1B, 0, 0, 0, 1, 0},
        {0x1B, 0, 0, 0, 0, 0},    {0x2B, 0, 0, 0, 0, 0},           {0x34, 0, 0, 0, 0, 0},
        {0x34, 6, 0, 0, 0, 0},    {0x34, 8, 0, 0, 0, 0, 0, 0, 32}, {0x91, 0, 0, 0, 0, 0, 1},
        {0x92, 0, 0, 0, 0, 0, 0}, {0x44, 1, 0, 0, 0, 0, 0, 1, 0},
    };
    for (const auto& cdb : commands) {
        EXPECT_EQ(outcome(host.send(cdb)), "02/3A/00") << std::hex << *cdb.begin();
    }
    EXPECT_EQ(hex(bytes_of(host.send({0x03, 0, 0, 0, 252, 0}))),
              "700002000000000A000000003A0000000000");
}

TEST_F(MediumTest, StatusCommandsWorkInAnEmptyDrive) {
    const Bytes page = bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0x10, 0, 0}));
    EXPECT_EQ(hex(page), "001E00100000000800000000000000000F0EC080000000010000000100000000");
    EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x51, 0, 0, 0, 0, 0x20, 0, 0}))),
              "1100000E00000304010000000001030201F4");
    EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x57, 0, 0, 0, 0, 0x20, 0, 0}))),
              "170000050000030100");
    EXPECT_EQ(outcome(host.send({0x44, 0, 0, 0, 0, 0, 0, 2, 0, 0})), "GOOD");
}

TEST_F(MediumTest, LoadedModePagesAreTheGoldenRepliesOfThePbsContractWithTheMediumTypeOfTheTape) {
    load();
    EXPECT_EQ(hex(bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0x10, 0, 0}))),
              "001E8810000000085E000000000000000F0EC080000000010000000100000000");
    EXPECT_EQ(hex(bytes_of(host.send({0x5A, 0, 0x1D, 0, 0, 0, 0, 0x10, 0, 0}))),
              "002E8810000000085E000000000000001D1E00" + std::string(58, '0'));
    EXPECT_EQ(hex(bytes_of(host.send({0x1A, 0, 0x0F, 0, 255, 0}))),
              "1B8810085E000000000000000F0EC080000000010000000100000000");
    EXPECT_EQ(outcome(host.send({0x1A, 0, 0x3F, 0, 255, 0})), "GOOD");
}

TEST_F(MediumTest, ModeSelectAcceptsOnlyValuesThatTheDriveHas) {
    load();
    const auto select = [this](Bytes list) {
        const auto length = static_cast<unsigned>(list.size());
        const Completion got = host.send({0x15, 0x10, 0, 0, length, 0}, std::move(list));
        return outcome(got) + " " + field(got);
    };
    EXPECT_EQ(select({0, 0, 0x10, 8, 0x5E, 0, 0, 0, 0, 0x80, 0, 0}), "GOOD ");
    EXPECT_EQ(select({0, 0, 0x10, 8, 0x7F, 0, 0, 0, 0, 0, 0, 0}), "GOOD ");
    EXPECT_EQ(select({0, 0, 0x10, 8, 0x60, 0, 0, 0, 0, 0, 0, 0}), "05/26/00 list 4.7");
    EXPECT_EQ(select({0, 0, 0x10, 8, 0, 0, 0, 1, 0, 0, 0, 0}), "05/26/00 list 5.7");
    EXPECT_EQ(select({0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x80, 0, 1}), "05/26/00 list 9.7");
    EXPECT_EQ(select({0, 0, 0x30, 0}), "05/26/00 list 2.6");
    EXPECT_EQ(select({0x80, 0x98, 0x97, 0}), "GOOD ") << "medium type, WP and speed are echoes";
}

TEST_F(MediumTest, InsertedCartridgeIsReadyAndOnlyOtherHostsGetTheAttention) {
    ASSERT_TRUE(insert());
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "06/28/00");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(scsi::finish(io, io.get_executor(), drive.status()).load_state, LoadState::loaded);
}

// Linux (st) writes a filemark when a program closes the device after a WRITE that failed, wherever
// the medium stands now.
TEST_F(MediumTest,
       AHostThatWasWritingOverwritesNothingBeforeItKnowsThatTheMediumMayStandElsewhere) {
    load();
    ASSERT_EQ(outcome(write(100, 5)), "GOOD");
    ASSERT_EQ(outcome(marks(1)), "GOOD");
    ASSERT_EQ(outcome(rewind()), "GOOD");
    const auto find_out = [this](Host& writer, const std::string& sense) {
        EXPECT_EQ(outcome(writer.send({0x0A, 0, 0, 0, 1, 0}, {7})), sense);
        EXPECT_EQ(outcome(writer.send({0x10, 0, 0, 0, 1, 0})), sense) << "the filemark at the end";
        EXPECT_EQ(outcome(writer.send({0x19, 0, 0, 0, 0, 0})), sense);
        EXPECT_EQ(outcome(writer.send({0x00, 0, 0, 0, 0, 0})), sense) << "this one writes nothing";
        EXPECT_EQ(outcome(writer.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    };
    Host late(io, drive, 3, "iqn.late");
    late.log_in();
    find_out(late, "06/29/00");
    scsi::finish(io, strand, scsi::then_true(drive.reset()));
    find_out(other, "06/29/03");
    host.send({0x00, 0, 0, 0, 0, 0});
    auto taken_out = remove();
    ASSERT_TRUE(taken_out);
    ASSERT_TRUE(insert_again(std::move(*taken_out), medium()));
    find_out(other, "06/28/00");

    EXPECT_EQ(bytes_of(read(100)), pattern(100, 5));
    EXPECT_EQ(outcome(read(100)), "00/00/01");
    other.log_out();
    other.log_in();
    EXPECT_EQ(outcome(other.send({0x10, 0, 0, 0, 1, 0})), "06/29/07") << "the medium has not moved";
    EXPECT_EQ(outcome(other.send({0x10, 0, 0, 0, 1, 0})), "GOOD");
}

TEST_F(MediumTest, SecondCartridgeIsRefusedByNameAndClosed) {
    load();
    const auto first = tape;
    const auto refused = insert();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_NE(refused.error().message.find("VTL001L8"), std::string::npos);
    EXPECT_TRUE(tape->destroyed);
    EXPECT_FALSE(first->destroyed);
}

TEST_F(MediumTest, CartridgeOfAGenerationThatTheDriveCannotReadGoesInIsNotReadyAndComesOut) {
    for (const char* const generation : {"L5", "L6", "L9", "L4", ""}) {
        EXPECT_TRUE(insert(generation)) << generation;
        EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/30/00");
        EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "02/30/00");
        EXPECT_EQ(outcome(read(10)), "02/30/00");
        EXPECT_EQ(scsi::finish(io, io.get_executor(), drive.status()).load_state,
                  LoadState::unusable);
        EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD");
        EXPECT_TRUE(remove());
    }
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/3A/00");
    for (const char* const generation : {"L7", "M8", "L8"}) {
        EXPECT_TRUE(insert(generation));
        EXPECT_EQ(outcome(write(10)), "GOOD");
        EXPECT_TRUE(remove());
    }
}

TEST_F(MediumTest, DamagedAndTooNewCartridgesSayWhyAndComeOut) {
    for (const auto& [code, sense] :
         {std::pair{Errc::corrupt, "03/52/00"}, std::pair{Errc::unsupported, "02/30/01"}}) {
        Medium broken = medium();
        broken.unreadable = Error{code, "why"};
        ASSERT_TRUE(insert(std::move(broken)));
        EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), sense);
        EXPECT_EQ(bytes_of(host.send({0x03, 0, 0, 0, 252, 0})).at(12),
                  code == Errc::corrupt ? 0x52 : 0x30);
        EXPECT_EQ(outcome(host.send({0x4D, 0, 0x51, 0, 0, 0, 0, 0x20, 0, 0})), "GOOD");
        EXPECT_EQ(outcome(host.send({0x4D, 0, 0x57, 0, 0, 0, 0, 0x20, 0, 0})), "GOOD");
        EXPECT_EQ(outcome(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0x10, 0, 0})), "GOOD");
        EXPECT_TRUE(remove());
    }
}

// PBS moves a cleaning cartridge out right after it moved it in (trap 79).
TEST_F(MediumTest, CleaningCartridgeCleansFiftyTimesAndComesOutAtOnce) {
    Medium cleaner = medium("L8");
    cleaner.cleaning = true;
    for (int use = 0; use < 50; ++use) {
        ASSERT_TRUE(insert(cleaner));
        ASSERT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/30/03");
        EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 2, 0, 0}))),
                  "1200000C000003080020000000000000")
            << "TapeAlert 11, until it leaves";
        ASSERT_TRUE(remove());
        EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 2, 0, 0}))),
                  "1200000C00000308" + std::string(16, '0'));
    }
    ASSERT_TRUE(insert(cleaner));
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/30/07") << "used up";
    EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 2, 0, 0}))),
              "1200000C000003080000040000000000")
        << "TapeAlert 22";
    EXPECT_TRUE(remove());
    EXPECT_TRUE(insert());
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
}

class OlderMedium : public DriveFixture {
  protected:
    OlderMedium() : DriveFixture("IBM ULT3580-TD7") {}
};

TEST_F(OlderMedium, ReadsButRefusesToWriteTheGenerationTwoBack) {
    ASSERT_TRUE(insert("L5"));
    EXPECT_EQ(outcome(read(10)), "08/00/05");
    EXPECT_EQ(outcome(write(10)), "07/30/05");
    EXPECT_EQ(bytes_of(host.send({0x5A, 0, 0x0F, 0, 0, 0, 0, 0x10, 0, 0})).at(3), 0x90);
}

TEST_F(MediumTest, RemoveSyncsAndGivesTheTapeBackWithItsUsage) {
    load();
    write(100);
    write(50);
    rewind();
    read(100);
    space(3, 0);
    write(25);
    auto removed = remove();
    ASSERT_TRUE(removed);
    EXPECT_EQ(removed->bytes_written, 175U);
    EXPECT_EQ(removed->bytes_read, 100U);
    EXPECT_EQ(tape->synced_objects, 3U);
    EXPECT_NE(removed->tape, nullptr);
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/3A/00");
    EXPECT_EQ(remove().error().code, Errc::not_found);
}

TEST_F(MediumTest, RemoveThatCannotSyncKeepsTheCartridgeAndSaysSo) {
    load();
    write(100);
    tape->sync_error = Error{Errc::io, "disk"};
    EXPECT_EQ(remove().error().code, Errc::io);
    EXPECT_EQ(events.events_after(0).size(), 1U);
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_TRUE(remove());
}

TEST_F(MediumTest, PreventedRemovalIsRefusedUntilTheHostAllowsOrLeaves) {
    load();
    EXPECT_EQ(outcome(host.send({0x1E, 0, 0, 0, 1, 0})), "GOOD");
    EXPECT_EQ(remove().error().code, Errc::precondition);
    EXPECT_EQ(scsi::finish(io, strand, drive.check_removable()).error().code, Errc::precondition);
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "05/53/02");
    EXPECT_EQ(outcome(other.send({0x1E, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(remove().error().code, Errc::precondition) << "it was another host's prevention";
    host.log_out();
    EXPECT_TRUE(remove());
}

TEST_F(MediumTest, UnloadSyncsRewindsAndLoadThreadsAgainWithoutAttentionForTheSameHost) {
    load();
    write(10);
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(tape->synced_objects, 1U);
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/3A/00");
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD") << "unloaded already";
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(place(), (Place{0, 0}));
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "06/28/00");
    read(10);
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD") << "harmless when loaded";
    EXPECT_EQ(place(), (Place{0, 0}));
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(MediumTest, HoldKeepsTheCartridgeAndAsksForLoad) {
    load();
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 8, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "02/04/02");
    EXPECT_EQ(field(host.send({0x1B, 0, 0, 0, 4, 0})), "cdb 4.2") << "EOT";
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 3, 0})), "GOOD") << "RETEN changes nothing";
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(MediumTest, UnloadedCartridgeCanBeRemoved) {
    load();
    host.send({0x1B, 0, 0, 0, 0, 0});
    EXPECT_TRUE(remove());
}

TEST_F(MediumTest, EraseEndsTheTapeAtThePosition) {
    load();
    write(10);
    write(10);
    marks(1);
    rewind();
    space(0, 1);
    EXPECT_EQ(field(host.send({0x19, 4, 0, 0, 0, 0})), "cdb 1.2");
    EXPECT_EQ(outcome(host.send({0x19, 1, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(tape->objects.size(), 1U);
    rewind();
    EXPECT_EQ(outcome(host.send({0x19, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(read(10)), "08/00/05");
}

TEST_F(MediumTest, FormatMakesABlankTapeButOnlyFromTheBeginning) {
    load();
    write(10);
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "05/3B/0C");
    EXPECT_EQ(tape->objects.size(), 1U);
    rewind();
    EXPECT_EQ(field(host.send({0x04, 0, 3, 0, 0, 0})), "cdb 2.3");
    EXPECT_EQ(outcome(host.send({0x04, 1, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD") << "no attention after FORMAT";
    EXPECT_EQ(outcome(read(10)), "08/00/05");
    EXPECT_EQ(place(), (Place{0, 0}));
}

TEST_F(MediumTest, DensitySupportListsWhatTheModelAndTheMediumCan) {
    const auto densities = [](const Bytes& data) {
        std::string codes;
        EXPECT_EQ(load_big_endian<2>(data), data.size() - 2);
        for (std::size_t at = 4; at + 52 <= data.size(); at += 52) {
            codes +=
                hex(ByteView(data).subspan(at, 1)) + ((data[at + 2] & 0x80U) != 0 ? "w " : " ");
        }
        return codes;
    };
    EXPECT_EQ(densities(bytes_of(host.send({0x44, 0, 0, 0, 0, 0, 0, 0x10, 0, 0}))), "5Cw 5Dw 5Ew ");
    load();
    const Bytes of_medium = bytes_of(host.send({0x44, 1, 0, 0, 0, 0, 0, 0x10, 0, 0}));
    EXPECT_EQ(densities(of_medium), "5Ew ");
    EXPECT_EQ(load_big_endian<4>(ByteView(of_medium).subspan(4 + 12)), 12'000'000U);
    EXPECT_EQ(as_text(ByteView(of_medium).subspan(4 + 16, 16)), "LTO-CVE U-832   ");
}

TEST_F(MediumTest, IdleSyncMakesBufferedRecordsDurableButStaysOutOfTheWay) {
    load();
    write(10);
    const auto sync = [this] {
        return scsi::start(io, io.get_executor(), scsi::then_true(drive.sync_when_idle()));
    };
    EXPECT_TRUE(sync()->has_value());
    EXPECT_EQ(tape->synced_objects, 1U);
    EXPECT_EQ(tape->sync_calls, 0U) << "nobody is promised what may need the store";

    tape->hold = true;
    const auto pending = host.begin({0x0A, 0, 0, 0, 10, 0}, pattern(10));
    const auto calls = tape->flush_calls;
    EXPECT_TRUE(sync()->has_value());
    EXPECT_EQ(tape->flush_calls, calls);
    tape->release();
    scsi::settle(io);
    EXPECT_EQ(outcome(**pending), "GOOD");
}

TEST_F(MediumTest, WhatAnIdleSyncLostIsToldToTheHostThatWroteIt) {
    load();
    write(10);
    tape->sync_error = Error{Errc::io, "the disk is gone"};
    scsi::finish(io, strand, scsi::then_true(drive.sync_when_idle()));
    EXPECT_EQ(outcome(marks(0)), "03/0C/00");
    EXPECT_EQ(outcome(marks(0)), "GOOD") << "once";

    write(10);
    tape->sync_error = Error{Errc::io, "the disk is gone"};
    EXPECT_FALSE(remove()) << "who takes it out is told";
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "GOOD") << "who polls does not take it";
    EXPECT_EQ(outcome(rewind()), "03/0C/00") << "and who wrote";
    EXPECT_EQ(outcome(rewind()), "GOOD");

    write(10);
    tape->sync_error = Error{Errc::io, "the disk is gone"};
    scsi::finish(io, strand, scsi::then_true(drive.sync_when_idle()));
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "03/0C/00");
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "GOOD");

    write(10);
    tape->sync_error = Error{Errc::io, "the disk is gone"};
    scsi::finish(io, strand, scsi::then_true(drive.sync_when_idle()));
    EXPECT_EQ(outcome(host.send({0x1B, 0, 0, 0, 1, 0})), "03/0C/00") << "LOAD promises, too";
    EXPECT_TRUE(remove());
}

TEST_F(MediumTest, ASmallRecordOfALargeTransferDoesNotHoldAllOfIt) {
    load();
    const auto sent = Buffer::copy_of(pattern(1'000'000));
    for (const std::uint8_t length : {std::uint8_t{10}, std::uint8_t{200}}) {
        scsi::Task task;
        task.it_nexus = host.id();
        task.cdb = {0x0A, 0, 0, 0, length, 0};
        task.data_out = sent;
        EXPECT_EQ(outcome(scsi::finish(io, strand, drive.execute(std::move(task)))), "GOOD");
        EXPECT_EQ(tape->objects.back()->size(), length);
        EXPECT_NE(tape->objects.back()->view().data(), sent.view().data());
    }
    EXPECT_EQ(outcome(rewind()), "GOOD");
    const Completion cut = host.send({0x08, 2, 0, 0, 5, 0});
    EXPECT_EQ(bytes_of(cut), pattern(5));
    EXPECT_NE(cut.data_in.view().data(), tape->objects.front()->view().data());
}

TEST_F(MediumTest, APromiseThatTheStoreDidNotKeepIsToldToTheHostAndInTheEventLog) {
    load();
    write(10);
    tape->sync_error = Error{Errc::transient, "the store did not take it in time"};
    EXPECT_EQ(outcome(marks(0)), "04/44/00");
    const auto told = events.events_after(0);
    ASSERT_FALSE(told.empty());
    EXPECT_NE(told.back().message.find("did not take it in time"), std::string::npos);
}

TEST_F(MediumTest, StatusShowsWhatTheAdministratorNeeds) {
    load();
    write(10);
    marks(1);
    host.send({0x1E, 0, 0, 0, 1, 0});
    const DriveStatus status = scsi::finish(io, io.get_executor(), drive.status());
    EXPECT_EQ(status.barcode, "VTL001L8");
    EXPECT_EQ(status.serial, "VTLDRV0001");
    EXPECT_EQ(status.model, "IBM ULT3580-TD8");
    EXPECT_EQ(status.position.logical_object_number, 2U);
    EXPECT_TRUE(status.removal_prevented);
    EXPECT_EQ(status.bytes_written, 10U);
    EXPECT_EQ(to_string(status.load_state), "loaded");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
