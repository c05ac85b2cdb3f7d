#include "tests/vtl/drive/drive_fixture.h"

namespace tapeloft::vtl::drive {
namespace {

class ReadWrite : public DriveFixture {
  protected:
    void SetUp() override { load(); }
};

TEST_F(ReadWrite, VariableRecordsComeBackByteForByte) {
    for (const std::size_t length : {1U, 512U, 262144U, 8U * 1024 * 1024}) {
        const Completion written = write(length, static_cast<unsigned>(length));
        EXPECT_EQ(outcome(written), "GOOD");
        EXPECT_EQ(written.data_out_length, length);
    }
    EXPECT_EQ(outcome(rewind()), "GOOD");
    for (const std::size_t length : {1U, 512U, 262144U, 8U * 1024 * 1024}) {
        const Completion got = read(length);
        EXPECT_EQ(outcome(got), "GOOD");
        EXPECT_EQ(bytes_of(got), pattern(length, static_cast<unsigned>(length)));
    }
}

TEST_F(ReadWrite, UnderlengthWithoutSiliReportsIliAndThePositiveDifference) {
    write(100);
    rewind();
    const Completion got = read(512);
    EXPECT_EQ(outcome(got), "00/00/00");
    EXPECT_TRUE(got.sense->incorrect_length);
    EXPECT_EQ(information(got), 412);
    EXPECT_EQ(bytes_of(got), pattern(100));
    EXPECT_EQ(place(), (Place{1, 0}));
}

TEST_F(ReadWrite, OverlengthWithoutSiliReportsIliAndTheNegativeDifference) {
    write(600);
    rewind();
    const Completion got = read(512);
    EXPECT_EQ(outcome(got), "00/00/00");
    EXPECT_TRUE(got.sense->incorrect_length);
    EXPECT_EQ(information(got), -88);
    EXPECT_EQ(bytes_of(got).size(), 512U);
    EXPECT_EQ(hex(scsi::encode_fixed(*got.sense)).substr(0, 14), "F00020FFFFFFA8");
    EXPECT_EQ(place(), (Place{1, 0})) << "the position is behind the record, whole";
}

TEST_F(ReadWrite, SiliSilencesBothWhileTheModeBlockLengthIsZero) {
    write(262144);
    write(100);
    rewind();
    EXPECT_EQ(outcome(read(512, 0x02)), "GOOD");
    const Completion shorter = read(512, 0x02);
    EXPECT_EQ(outcome(shorter), "GOOD");
    EXPECT_EQ(bytes_of(shorter).size(), 100U);
}

TEST_F(ReadWrite, SiliDoesNotSilenceOverlengthWithAModeBlockLength) {
    write(600);
    write(100);
    rewind();
    EXPECT_EQ(outcome(set_block_length(512)), "GOOD");
    const Completion over = read(512, 0x02);
    EXPECT_EQ(outcome(over), "00/00/00");
    EXPECT_TRUE(over.sense->incorrect_length);
    EXPECT_EQ(information(over), -88);
    EXPECT_EQ(outcome(read(512, 0x02)), "GOOD") << "underlength stays silent";
}

TEST_F(ReadWrite, FixedWithSiliOrWithoutABlockLengthIsRefused) {
    EXPECT_EQ(field(read(1, 0x03)), "cdb 1.1");
    EXPECT_EQ(outcome(read(1, 0x01)), "05/24/00");
    EXPECT_EQ(field(read(1, 0x01)), "cdb 1.0");
    EXPECT_EQ(field(host.send({0x0A, 1, 0, 0, 1, 0}, pattern(512))), "cdb 1.0");
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(ReadWrite, FixedBlocksTravelInOneCommand) {
    set_block_length(512);
    const Completion written = host.send({0x0A, 1, 0, 0, 4, 0}, pattern(2048));
    EXPECT_EQ(outcome(written), "GOOD");
    EXPECT_EQ(written.data_out_length, 2048U);
    EXPECT_EQ(tape->objects.size(), 4U);
    rewind();
    EXPECT_EQ(bytes_of(read(4, 0x01)), pattern(2048));
    rewind();
    EXPECT_EQ(bytes_of(read(1, 0x01)), bytes_of(Completion::with_data(*tape->objects[0])));
}

TEST_F(ReadWrite, FixedReadStopsAtAFilemarkWithTheBlocksReadAndTheResidue) {
    set_block_length(512);
    host.send({0x0A, 1, 0, 0, 3, 0}, pattern(1536));
    marks(1);
    rewind();
    const Completion got = read(10, 0x01);
    EXPECT_EQ(outcome(got), "00/00/01");
    EXPECT_TRUE(got.sense->filemark);
    EXPECT_EQ(information(got), 7);
    EXPECT_EQ(bytes_of(got), pattern(1536));
    EXPECT_EQ(place(), (Place{4, 1}));
}

TEST_F(ReadWrite, FixedReadOfAnotherLengthReportsIliBehindThatBlock) {
    set_block_length(512);
    host.send({0x0A, 1, 0, 0, 2, 0}, pattern(1024));
    write(100);
    rewind();
    const Completion got = read(5, 0x01);
    EXPECT_EQ(outcome(got), "00/00/00");
    EXPECT_TRUE(got.sense->incorrect_length);
    EXPECT_EQ(information(got), 3);
    EXPECT_EQ(bytes_of(got), pattern(1024));
    EXPECT_EQ(place(), (Place{3, 0}));
}

TEST_F(ReadWrite, FixedReadAtEndOfDataReportsBlankCheckAndResidue) {
    set_block_length(512);
    host.send({0x0A, 1, 0, 0, 2, 0}, pattern(1024));
    rewind();
    const Completion got = read(5, 0x01);
    EXPECT_EQ(outcome(got), "08/00/05");
    EXPECT_EQ(information(got), 3);
    EXPECT_EQ(bytes_of(got).size(), 1024U);
}

TEST_F(ReadWrite, TransfersBeyondTheLimitAreRefused) {
    set_block_length(8 * 1024 * 1024);
    EXPECT_EQ(field(read(3, 0x01)), "cdb 2.7");
    EXPECT_EQ(field(host.send({0x0A, 1, 0xFF, 0xFF, 0xFF, 0}, {})), "cdb 2.7");
    set_block_length(0);
    EXPECT_EQ(field(host.send({0x0A, 0, 0x80, 0x00, 0x01, 0}, pattern(0x800001))), "cdb 2.7");
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(ReadWrite, LengthZeroIsGoodAndMovesNothing) {
    write(10);
    EXPECT_EQ(outcome(write(0)), "GOOD");
    EXPECT_EQ(outcome(read(0)), "GOOD");
    EXPECT_EQ(place(), (Place{1, 0}));
}

TEST_F(ReadWrite, ShortDataOutIsRefusedBeforeAnythingIsWritten) {
    const Completion refused = host.send({0x0A, 0, 0, 2, 0, 0}, pattern(511));
    EXPECT_EQ(outcome(refused), "05/0E/03");
    EXPECT_EQ(refused.data_out_length, 0U);
    set_block_length(512);
    EXPECT_EQ(outcome(host.send({0x0A, 1, 0, 0, 2, 0}, pattern(1023))), "05/0E/03");
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(ReadWrite, DataOutBeyondTheCdbIsNotWritten) {
    const Completion written = host.send({0x0A, 0, 0, 0, 100, 0}, pattern(300));
    EXPECT_EQ(outcome(written), "GOOD");
    EXPECT_EQ(written.data_out_length, 100U);
    EXPECT_EQ(tape->objects.at(0)->size(), 100U);
}

TEST_F(ReadWrite, BlankTapeReadsAsEndOfData) {
    const Completion got = read(262144, 0x02);
    EXPECT_EQ(outcome(got), "08/00/05");
    EXPECT_EQ(information(got), 262144);
    EXPECT_EQ(place(), (Place{0, 0}));
}

TEST_F(ReadWrite, FilemarkOnAVariableReadCarriesTheRequestedLength) {
    marks(1);
    rewind();
    const Completion got = read(512, 0x02);
    EXPECT_EQ(hex(scsi::encode_fixed(*got.sense)), "F00080000002000A00000000000100000000");
}

TEST_F(ReadWrite, EarlyWarningReportsEomAndTheRecordIsStored) {
    tape->early_warning = 1000;
    EXPECT_EQ(outcome(write(999)), "GOOD");
    const Completion warned = write(1);
    EXPECT_EQ(outcome(warned), "00/00/02");
    EXPECT_TRUE(warned.sense->end_of_medium);
    EXPECT_EQ(information(warned), 0);
    EXPECT_EQ(warned.data_out_length, 1U);
    EXPECT_EQ(tape->objects.size(), 2U);
    const Completion mark = marks(1);
    EXPECT_EQ(outcome(mark), "00/00/02");
    EXPECT_EQ(information(mark), 0);
    EXPECT_EQ(tape->objects.size(), 3U);
    EXPECT_EQ(tape->synced_objects, 3U);
}

TEST_F(ReadWrite, EarlyWarningInTheMiddleOfAFixedWriteDoesNotCutIt) {
    set_block_length(512);
    tape->early_warning = 1024;
    const Completion warned = host.send({0x0A, 1, 0, 0, 4, 0}, pattern(2048));
    EXPECT_EQ(outcome(warned), "00/00/02");
    EXPECT_EQ(information(warned), 0);
    EXPECT_EQ(warned.data_out_length, 2048U);
    EXPECT_EQ(tape->objects.size(), 4U);
}

TEST_F(ReadWrite, EndOfMediumReportsVolumeOverflowAndWhatWasNotWritten) {
    tape->early_warning = 1000;
    tape->native = 1100;
    write(1000);
    const Completion full = write(101);
    EXPECT_EQ(outcome(full), "0D/00/02");
    EXPECT_TRUE(full.sense->end_of_medium);
    EXPECT_EQ(information(full), 101);
    EXPECT_EQ(full.data_out_length, 0U);
    set_block_length(50);
    const Completion fixed = host.send({0x0A, 1, 0, 0, 5, 0}, pattern(250));
    EXPECT_EQ(outcome(fixed), "0D/00/02");
    EXPECT_EQ(information(fixed), 3);
    EXPECT_EQ(fixed.data_out_length, 100U);
    EXPECT_EQ(tape->objects.size(), 3U);
}

TEST_F(ReadWrite, WriteProtectedMediumRefusesWritesAndMarksButNotTheFlush) {
    tape->write_protected = true;
    EXPECT_EQ(outcome(write(10)), "07/27/00");
    EXPECT_EQ(outcome(marks(1)), "07/27/00");
    EXPECT_EQ(outcome(host.send({0x19, 0, 0, 0, 0, 0})), "07/27/00");
    EXPECT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "07/27/00");
    EXPECT_EQ(outcome(marks(0)), "GOOD");
    EXPECT_TRUE(tape->objects.empty());
}

TEST_F(ReadWrite, FilemarksWithoutImmedAreDurableAndWithImmedAreNotSynced) {
    write(10);
    const auto before = tape->sync_calls;
    EXPECT_EQ(outcome(marks(1, true)), "GOOD");
    EXPECT_EQ(tape->sync_calls, before);
    EXPECT_EQ(place(), (Place{2, 1})) << "counted at once";
    EXPECT_EQ(outcome(marks(0)), "GOOD");
    EXPECT_EQ(tape->synced_objects, 2U);
    EXPECT_EQ(place(), (Place{2, 1})) << "no mark for count 0";
}

TEST_F(ReadWrite, SetmarksAreRefused) {
    EXPECT_EQ(field(host.send({0x10, 0x02, 0, 0, 1, 0})), "cdb 1.1");
}

TEST_F(ReadWrite, FailedWriteBehindIsAMediumErrorWithAnEventAndATapeAlert) {
    write(10);
    tape->sync_error = Error{Errc::io, "segment 3: Input/output error"};
    EXPECT_EQ(outcome(marks(1)), "03/0C/00");
    ASSERT_EQ(events.events_after(0).size(), 1U);
    EXPECT_EQ(events.events_after(0)[0].component, "drive0");
    EXPECT_EQ(events.events_after(0)[0].severity, Severity::error);
    const Bytes alerts = bytes_of(host.send({0x4D, 0, 0x52, 0, 0, 0, 0, 2, 0, 0}));
    EXPECT_EQ(hex(alerts), "1200000C000003082400000000000000") << "flags 3 and 6";
}

TEST_F(ReadWrite, UnreadableRecordIsAMediumErrorAndThePositionStays) {
    write(10);
    write(20);
    rewind();
    tape->read_error = Error{Errc::corrupt, "object 0: checksum"};
    const Completion got = read(10);
    EXPECT_EQ(outcome(got), "03/11/00");
    EXPECT_TRUE(got.data_in.empty());
    EXPECT_EQ(place(), (Place{0, 0}));
    EXPECT_EQ(events.events_after(0).size(), 1U);
    EXPECT_EQ(outcome(read(10)), "GOOD");
}

TEST_F(ReadWrite, FullSpoolIsAnAbortedCommandNotAnEndOfMedium) {
    tape->write_error = Error{Errc::no_space, "spool limit"};
    const Completion refused = write(10);
    EXPECT_EQ(outcome(refused), "0B/55/01");
    EXPECT_FALSE(refused.sense->end_of_medium);
    EXPECT_EQ(events.events_after(0).size(), 1U);
}

TEST_F(ReadWrite, FullSpoolIsOneEventHoweverOftenTheHostTriesAndAnotherWhenItIsFullAgain) {
    const auto refused_thrice = [this] {
        for (int i = 0; i < 3; ++i) {
            tape->write_error = Error{Errc::no_space, "spool limit"};
            EXPECT_EQ(outcome(write(10)), "0B/55/01");
        }
    };
    refused_thrice();
    EXPECT_EQ(events.events_after(0).size(), 1U);
    EXPECT_EQ(outcome(write(10)), "GOOD");
    refused_thrice();
    EXPECT_EQ(events.events_after(0).size(), 2U);
    EXPECT_EQ(outcome(marks(1)), "GOOD");
    refused_thrice();
    EXPECT_EQ(events.events_after(0).size(), 3U);
}

TEST_F(ReadWrite, UnbufferedModeSyncsEveryWrite) {
    EXPECT_EQ(outcome(host.send({0x15, 0x10, 0, 0, 4, 0}, {0, 0, 0, 0})), "GOOD");
    write(10);
    EXPECT_EQ(tape->synced_objects, 1U);
    tape->sync_error = Error{Errc::io, "disk"};
    EXPECT_EQ(outcome(write(10)), "03/0C/00");
}

TEST_F(ReadWrite, WriteInTheMiddleEndsTheTapeThere) {
    write(10);
    write(20);
    marks(1);
    rewind();
    read(10);
    write(30);
    EXPECT_EQ(outcome(read(10)), "08/00/05");
    EXPECT_EQ(tape->objects.size(), 2U);
}

TEST_F(ReadWrite, BlockLimitsAreOneByteToEightMebibytes) {
    EXPECT_EQ(hex(bytes_of(host.send({0x05, 0, 0, 0, 0, 0}))), "008000000001");
}

}  // namespace
}  // namespace tapeloft::vtl::drive
