// Records, filemarks, positions, ends of tape and restarts, by libiscsi against the real daemon.
#include <fstream>
#include <random>
#include <thread>

#include "tests/e2e/library_fixture.h"

namespace tapeloft::tests {
namespace {

class TapeEndToEnd : public LibraryFixture {};

TEST_F(TapeEndToEnd, WhatWasWrittenIsThereInTheOtherDriveAfterARestart) {
    start();
    {
        auto host = login();
        load(host, "TL0002L9", 0);
        TapeHost drive(host, 1);
        for (std::uint64_t file = 0; file < 3; ++file) {
            for (std::uint64_t record = 0; record < 5; ++record) {
                ASSERT_GOOD(drive.write(pattern(1000 * (record + 1), file * 10 + record)));
            }
            ASSERT_GOOD(drive.write_filemarks(1, true));
        }
        ASSERT_GOOD(drive.unload());
        ASSERT_GOOD(
            ChangerHost(host).move_to("TL0002L9", 3, 0));  // by way of an import/export element
        const auto status = daemon_->terminate();
        ASSERT_OK(status);
        ASSERT_EQ(*status, 0);
    }
    restart();
    auto host = login();
    load(host, "TL0002L9", 1);
    TapeHost drive(host, 2);
    for (std::uint64_t file = 0; file < 3; ++file) {
        for (std::uint64_t record = 0; record < 5; ++record) {
            const auto reply = drive.read(1U << 20U);
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << reply->text();
            EXPECT_EQ(reply->data, pattern(1000 * (record + 1), file * 10 + record));
        }
        ASSERT_SENSE(drive.read(512), 0, 0x0001);
    }
    ASSERT_SENSE(drive.read(512), 8, 0x0005);
    ASSERT_GOOD(drive.locate_file(1));
    const auto position = drive.position();
    ASSERT_OK(position);
    EXPECT_EQ(*position, (TapeHost::Position{6, 1}));
}

TEST_F(TapeEndToEnd, ACartridgeThatWasInADriveIsStillInItAfterARestart) {
    start();
    {
        auto host = login();
        load(host, "TL0001L9", 0);
        ASSERT_GOOD(TapeHost(host, 1).write(pattern(4096, 7)));
        ASSERT_GOOD(TapeHost(host, 1).write_filemarks(0));
    }
    daemon_->kill();
    restart();
    auto host = login();
    TapeHost drive(host, 1);
    ASSERT_OK(drive.wait_ready());
    const auto reply = drive.read(4096);
    ASSERT_OK(reply);
    EXPECT_EQ(reply->data, pattern(4096, 7));
    ASSERT_GOOD(ChangerHost(host).move_to("TL0001L9", 2, 5));
}

TEST_F(TapeEndToEnd, EarlyWarningComesBeforeTheEndAndTheRecordsAreKept) {
    start("[[library.cartridges]]\nbarcodes = \"TL0001L9\"\ncapacity = \"32MiB\"\n");
    auto host = login();
    load(host, "TL0001L9", 0);
    TapeHost drive(host, 1);
    constexpr std::size_t kRecordBytes = 256 * 1024;
    std::uint64_t written = 0;
    std::uint64_t warned_at = 0;
    for (;; ++written) {
        ASSERT_LE(written * kRecordBytes, 32U << 20U) << "no end of medium";
        const auto reply = drive.write(pattern(kRecordBytes, written));
        ASSERT_OK(reply);
        if (reply->is(0xD, 0x0002)) {
            EXPECT_TRUE(reply->end_of_medium());
            EXPECT_EQ(reply->information(), static_cast<std::int32_t>(kRecordBytes));
            break;
        }
        if (reply->is(0, 0x0002)) {
            EXPECT_TRUE(reply->end_of_medium());
            warned_at = warned_at == 0 ? written : warned_at;
            continue;
        }
        ASSERT_TRUE(reply->good()) << reply->text();
        EXPECT_EQ(warned_at, 0U) << "early warning went away";
    }
    EXPECT_EQ(written, 128U);
    EXPECT_GE((written - warned_at) * kRecordBytes, 8U << 20U);
    ASSERT_GOOD(drive.rewind());
    for (std::uint64_t record = 0; record < written; ++record) {
        const auto reply = drive.read(kRecordBytes);
        ASSERT_OK(reply);
        ASSERT_EQ(reply->data, pattern(kRecordBytes, record)) << record;
    }
    ASSERT_SENSE(drive.read(kRecordBytes), 8, 0x0005);
}

TEST_F(TapeEndToEnd, RepliesAreShorterThanTheBufferByAnExactResidual) {
    start();
    auto host = login();
    TapeHost drive(host, 1);
    const auto turs =
        drive.command({0x00, 0, 0, 0, 0, 0}, 16);  // as Linux sg sends it: direction in, no data
    ASSERT_OK(turs);
    EXPECT_EQ(turs->residual, 16);
    const auto inquiry = drive.command({0x12, 0, 0, 0, 36, 0}, 36);
    ASSERT_OK(inquiry);
    EXPECT_EQ(inquiry->data.size(), 36U);
    EXPECT_EQ(inquiry->residual, 0) << "a reply cut by the allocation length is no overflow";
    const auto generous = drive.command({0x12, 0, 0, 0, 36, 0}, 100);
    ASSERT_OK(generous);
    EXPECT_EQ(generous->residual, 64);
    load(host, "TL0001L9", 0);
    ASSERT_GOOD(drive.write(pattern(1000, 1)));
    ASSERT_GOOD(drive.rewind());
    const auto small =
        drive.command({0x08, 2, 0, 3, 0xE8, 0}, 600);  // CDB: 1000 bytes, buffer: 600
    ASSERT_OK(small);
    EXPECT_EQ(small->residual, -400);
    const auto short_write = drive.command_out({0x0A, 0, 0, 3, 0xE8, 0}, pattern(600, 1));
    ASSERT_OK(short_write);
    EXPECT_TRUE(short_write->is(5, 0x0E03)) << short_write->text();
    const auto long_write = drive.command_out({0x0A, 0, 0, 2, 0x58, 0}, pattern(1000, 3));
    ASSERT_OK(long_write);
    EXPECT_TRUE(long_write->good()) << long_write->text();
    EXPECT_EQ(long_write->residual, 400);
    const auto position = drive.position();
    ASSERT_OK(position);
    EXPECT_EQ(position->object, 2U);
}

TEST_F(TapeEndToEnd, EveryRecordBeforeAnAnsweredSyncSurvivesTwentyFiveKills) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::printf("seed %u\n", seed);
    std::mt19937_64 random(seed);
    start();
    std::uint64_t kept = 0;  // records on tape that were verified or synced
    for (int round = 0; round < 25; ++round) {
        SCOPED_TRACE(testing::Message() << "round " << round);
        auto host = login();
        const auto drive_number = static_cast<std::size_t>(round % 2);
        load(host, "TL0001L9", drive_number);
        TapeHost drive(host, static_cast<int>(drive_number) + 1);
        ASSERT_GOOD(drive.space(3, 0));
        const auto position = drive.position();
        ASSERT_OK(position);
        ASSERT_GE(position->object, kept) << "synced records are gone";
        ASSERT_GOOD(drive.rewind());
        for (std::uint64_t record = 0; record < position->object; ++record) {
            const auto reply = drive.read(1U << 20U);
            ASSERT_OK(reply);
            ASSERT_TRUE(reply->good()) << reply->text();
            ASSERT_EQ(reply->data, pattern(1 + record * 7919 % 300000, record))
                << "record " << record;
        }
        ASSERT_SENSE(drive.read(512), 8, 0x0005);
        kept = position->object;
        const auto kill_at = kept + 1 + random() % 30;
        const auto sync_at = kept + random() % (kill_at - kept);
        std::uint64_t record = kept;
        for (; record < kill_at; ++record) {
            ASSERT_GOOD(drive.write(pattern(1 + record * 7919 % 300000, record)));
            if (record == sync_at) {
                ASSERT_GOOD(drive.write_filemarks(0));
                kept = record + 1;
            }
        }
        std::jthread killer([this] { daemon_->kill(); });
        while (drive.write(pattern(1 + record * 7919 % 300000, record))) {
            ++record;
            ASSERT_LT(record, kill_at + 100000) << "the daemon lives on";
        }
        killer.join();
        restart();
    }
}

}  // namespace
}  // namespace tapeloft::tests
