// The command sequences of Proxmox Backup Server, under its own rules for answers.
#include "tests/vtl/drive/pbs_client.h"

namespace tapeloft::vtl::drive {
namespace {

using Got = PbsClient::Got;
using Put = PbsClient::Put;

class PbsSequences : public DriveFixture {
  protected:
    void SetUp() override { load(); }
    PbsClient pbs{host};

    void label() {
        ASSERT_TRUE(pbs.open());
        ASSERT_TRUE(pbs.rewind());
        ASSERT_EQ(pbs.read(), Got::end_of_data);
        ASSERT_EQ(pbs.mode_page(0x1D).size(), 48U);
        ASSERT_TRUE(pbs.rewind());
        ASSERT_EQ(outcome(host.send({0x04, 0, 0, 0, 0, 0})), "GOOD");
        ASSERT_EQ(pbs.write(100), Put::good);
        ASSERT_EQ(pbs.mark(), Put::good);
        ASSERT_EQ(pbs.sync(), Put::good);
        ASSERT_TRUE(pbs.rewind());
        ASSERT_EQ(pbs.read(), Got::block);
        ASSERT_EQ(pbs.read(512), Got::filemark);
        ASSERT_EQ(pbs.read(), Got::end_of_data);
        ASSERT_TRUE(pbs.rewind());
    }
    void read_label_of_an_unused_tape() {
        ASSERT_TRUE(pbs.rewind());
        ASSERT_EQ(pbs.read(), Got::block);
        ASSERT_EQ(pbs.read(512), Got::filemark);
        ASSERT_EQ(pbs.read(), Got::end_of_data);
    }
    void write_media_set_label(unsigned seed) {
        auto now = pbs.position();
        ASSERT_TRUE(now);
        if (now->file != 1) {
            ASSERT_TRUE(pbs.rewind());
            ASSERT_TRUE(pbs.forward_mark());
            now = pbs.position();
            ASSERT_TRUE(now);
        }
        ASSERT_EQ(now->file, 1U);
        ASSERT_EQ(pbs.write(seed), Put::good);
        ASSERT_EQ(pbs.mark(), Put::good);
        ASSERT_EQ(pbs.sync(), Put::good);
    }
    void append_file(unsigned seed, unsigned blocks) {
        const auto before = pbs.position();
        ASSERT_TRUE(before && before->file >= 2);
        for (unsigned i = 0; i < blocks; ++i) {
            ASSERT_EQ(pbs.write(seed + i), Put::good);
        }
        ASSERT_EQ(pbs.mark(), Put::good);
        const auto after = pbs.position();
        ASSERT_TRUE(after);
        ASSERT_EQ(after->file, before->file + 1);
    }
};

TEST_F(PbsSequences, LabelMediaSetAppendReopenAndAppendAgain) {
    label();
    read_label_of_an_unused_tape();
    write_media_set_label(200);
    ASSERT_TRUE(pbs.check_end_of_media());
    append_file(1000, 3);
    append_file(2000, 1);
    ASSERT_EQ(pbs.sync(), Put::good);

    ASSERT_TRUE(pbs.open());
    ASSERT_TRUE(pbs.check_end_of_media());
    ASSERT_EQ(pbs.position()->file, 4U);
    append_file(3000, 2);
    for (const auto& [file, seed] : {std::pair{2U, 1000U}, {4U, 3000U}, {3U, 2000U}, {0U, 100U}}) {
        ASSERT_TRUE(pbs.move_to_file(file));
        EXPECT_EQ(pbs.position()->file, file);
        ASSERT_EQ(pbs.read(), Got::block);
        EXPECT_EQ(pbs.last, PbsClient::block(seed));
    }
}

TEST_F(PbsSequences, NewMediaSetLabelOnAReusedTapeLeavesNothingBehindIt) {
    label();
    read_label_of_an_unused_tape();
    write_media_set_label(200);
    append_file(1000, 5);
    write_media_set_label(201);
    ASSERT_EQ(pbs.position()->file, 2U);
    EXPECT_EQ(pbs.read(), Got::end_of_data);
    EXPECT_EQ(tape->objects.size(), 4U);
}

TEST_F(PbsSequences, MissingLastMarkIsFoundAndRepaired) {
    label();
    read_label_of_an_unused_tape();
    write_media_set_label(200);
    ASSERT_EQ(pbs.write(1), Put::good);
    EXPECT_EQ(pbs.block_back(), "GOOD");
    ASSERT_TRUE(pbs.check_end_of_media());
    EXPECT_EQ(pbs.position()->file, 3U);
    EXPECT_TRUE(pbs.check_end_of_media());
    EXPECT_EQ(pbs.position()->file, 3U) << "nothing to repair the second time";
}

TEST_F(PbsSequences, CatalogAtTheEndIsFoundFromEndOfData) {
    label();
    read_label_of_an_unused_tape();
    write_media_set_label(200);
    append_file(1000, 2);
    append_file(2000, 2);
    ASSERT_TRUE(pbs.end_of_data());
    EXPECT_EQ(pbs.block_back(), "00/00/01");
    EXPECT_TRUE(pbs.forward_mark());
    EXPECT_EQ(pbs.position()->file, 4U);
    EXPECT_EQ(outcome(host.send({0x11, 1, 0xFF, 0xFF, 0xFE, 0})), "GOOD");
    EXPECT_TRUE(pbs.forward_mark());
    EXPECT_EQ(pbs.position()->file, 3U);
    EXPECT_EQ(pbs.read(), Got::block);
    EXPECT_EQ(pbs.last, PbsClient::block(2000));
}

TEST_F(PbsSequences, TapeIsWrittenFullWithEarlyWarningAndAllOfItIsReadable) {
    label();
    tape->native = 40ULL * PbsClient::kBlock;
    tape->early_warning = 30ULL * PbsClient::kBlock;
    read_label_of_an_unused_tape();
    write_media_set_label(200);
    unsigned written = 0;
    Put last = Put::good;
    while (last == Put::good) {
        last = pbs.write(written++);
    }
    ASSERT_EQ(last, Put::early_warning);
    ASSERT_EQ(pbs.write(written++), Put::early_warning);
    ASSERT_EQ(pbs.mark(), Put::early_warning);
    ASSERT_EQ(pbs.sync(), Put::good);
    ASSERT_TRUE(pbs.move_to_file(2));
    for (unsigned i = 0; i < written; ++i) {
        ASSERT_EQ(pbs.read(), Got::block);
        ASSERT_EQ(pbs.last, PbsClient::block(i));
    }
    EXPECT_EQ(pbs.read(512), Got::filemark);
    EXPECT_EQ(pbs.read(), Got::end_of_data);
    for (unsigned i = 0; i < 9; ++i) {
        ASSERT_EQ(pbs.write(i), Put::early_warning) << "reopened behind early warning";
    }
    EXPECT_EQ(pbs.write(9), Put::error);
}

TEST_F(PbsSequences, WriteProtectedTapeOpensAndReads) {
    label();
    tape->write_protected = true;
    EXPECT_TRUE(pbs.open()) << "MODE SELECT echoes WP";
    EXPECT_EQ(pbs.read(), Got::block);
    EXPECT_EQ(pbs.write(1), Put::error);
}

TEST_F(PbsSequences, OpenThreadsAnUnloadedCartridge) {
    ASSERT_EQ(outcome(host.send({0x1B, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_TRUE(pbs.open());
}

TEST_F(PbsSequences, NoAttentionReachesTheSessionAfterItsOwnCommands) {
    ASSERT_TRUE(pbs.open());
    EXPECT_EQ(outcome(host.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    ASSERT_TRUE(remove());
    ASSERT_TRUE(insert());
    EXPECT_EQ(outcome(host.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(PbsSequences, ModeSelectTellsOtherHostsOnceAndOnlyIfSomethingChanged) {
    ASSERT_TRUE(pbs.open());
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(set_block_length(512)), "GOOD");
    EXPECT_EQ(outcome(set_block_length(1024)), "GOOD");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "06/2A/01");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
}

TEST_F(PbsSequences, LogPagesAreThoseThatPbsAccepts) {
    ASSERT_TRUE(pbs.open());
    const auto device = pbs.log_page(0x11);
    ASSERT_TRUE(device);
    EXPECT_EQ(hex(device->at(0)), "01130000");
    const auto alerts = pbs.log_page(0x12);
    ASSERT_TRUE(alerts);
    EXPECT_EQ(alerts->size(), 1U);
    EXPECT_EQ(hex(alerts->at(0)), "0000000000000000");
    tape->native = 12'000'000'000'000;
    for (unsigned i = 0; i < 8; ++i) {
        pbs.write(i);
    }
    const auto volume = pbs.log_page(0x17);
    ASSERT_TRUE(volume);
    const auto number = [&volume](std::uint16_t code) {
        std::uint64_t value = 0;
        for (const std::uint8_t byte : volume->at(code)) {
            value = (value << 8U) | byte;
        }
        return value;
    };
    EXPECT_EQ(number(0x0000), 1U);
    EXPECT_EQ(hex(volume->at(0x0001)), "00000002");
    EXPECT_EQ(hex(volume->at(0x0016)), "00B71B00");
    EXPECT_EQ(hex(volume->at(0x0017)), "00000002");
    EXPECT_EQ(number(0x0010), 2U);
    EXPECT_EQ(as_text(volume->at(0x0040)), "M000000001" + std::string(22, ' '));
    for (const auto& [code, value] : *volume) {
        EXPECT_NE(value, Bytes(value.size(), 0xFF)) << code;
        EXPECT_FALSE(value.empty()) << code;
    }
    ASSERT_TRUE(remove());
    const auto after = pbs.log_page(0x17);
    ASSERT_TRUE(after);
    EXPECT_EQ(after->at(0), Bytes{1}) << "the last medium is still told of";
}

TEST_F(PbsSequences, EveryListedLogPageAnswersWithAtLeastOneParameter) {
    const Bytes listed = bytes_of(host.send({0x4D, 0, 0x40, 0, 0, 0, 0, 1, 0, 0}));
    EXPECT_EQ(hex(listed), "000000130002030C0D10111214151617181B2E30313237");
    for (std::size_t i = 5; i < listed.size(); ++i) {
        const auto page = pbs.log_page(listed[i]);
        ASSERT_TRUE(page) << int{listed[i]};
        EXPECT_FALSE(page->empty());
    }
    EXPECT_EQ(pbs.log_page(0x2E)->size(), 64U);
    EXPECT_EQ(pbs.log_page(0x31)->size(), 4U);
    EXPECT_EQ(hex(bytes_of(host.send({0x4D, 0, 0x40, 0xFF, 0, 0, 0, 1, 0, 0}))).substr(0, 16),
              "40FF0028000000FF");
    EXPECT_EQ(field(host.send({0x4D, 0, 0x41, 0, 0, 0, 0, 1, 0, 0})), "cdb 2.5");
    EXPECT_EQ(field(host.send({0x4D, 0, 0x51, 1, 0, 0, 0, 1, 0, 0})), "cdb 3.7");
}

TEST_F(PbsSequences, LogSenseAnswersWhileAFilemarkIsBeingWritten) {
    pbs.write(1);
    tape->hold = true;
    const auto mark = host.begin({0x10, 0, 0, 0, 1, 0});
    ASSERT_FALSE(mark->has_value());
    const auto device = pbs.log_page(0x11);
    ASSERT_TRUE(device);
    EXPECT_EQ(hex(device->at(0)), "01130600") << "writing";
    EXPECT_EQ(bytes_of(other.send({0x12, 0, 0, 0, 36, 0})).size(), 36U);
    EXPECT_EQ(outcome(other.send({0x03, 0, 0, 0, 18, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x00, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(other.send({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    const auto own = host.begin({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_FALSE(own->has_value()) << "the order of its own commands counts";
    const auto sense = other.begin({0x1A, 0, 0x3F, 0, 255, 0});
    EXPECT_FALSE(sense->has_value()) << "all else waits";
    tape->release();
    scsi::settle(io);
    EXPECT_EQ(outcome(**mark), "GOOD");
    EXPECT_EQ(outcome(**own), "GOOD");
    EXPECT_EQ(outcome(**sense), "GOOD");
    EXPECT_EQ(hex(pbs.log_page(0x11)->at(0)), "01130000");
}

TEST_F(PbsSequences, RemovalWaitsForTheRunningTaskAndHoldsBackTheNext) {
    tape->hold = true;
    const auto written = host.begin({0x0A, 0, 0, 0, 10, 0}, pattern(10));
    const auto removed = scsi::start(io, io.get_executor(), drive.remove());
    const auto next = host.begin({0x0A, 0, 0, 0, 10, 0}, pattern(10));
    EXPECT_FALSE(removed->has_value());
    tape->release();
    scsi::settle(io);
    EXPECT_EQ(outcome(**written), "GOOD");
    ASSERT_TRUE(removed->has_value());
    ASSERT_TRUE(**removed);
    EXPECT_EQ((**removed)->bytes_written, 10U);
    EXPECT_EQ(tape->synced_objects, 1U);
    EXPECT_EQ(outcome(**next), "02/3A/00");
}

TEST_F(PbsSequences, ResetUnderAJobKeepsCartridgeAndPosition) {
    pbs.open();
    pbs.write(1);
    set_block_length(512);
    EXPECT_TRUE(scsi::finish(io, strand, scsi::then_true(drive.reset())));
    EXPECT_EQ(outcome(host.send({0x00, 0, 0, 0, 0, 0})), "06/29/03");
    EXPECT_EQ(place(), (Place{1, 0}));
    EXPECT_EQ(pbs.mode_page(0x0F).at(14), 0) << "block length is back at variable";
}

}  // namespace
}  // namespace tapeloft::vtl::drive
