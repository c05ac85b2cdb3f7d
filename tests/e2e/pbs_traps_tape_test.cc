// Traps 22 to 48: mode pages, the data path, positions.
#include <algorithm>
#include <array>
#include <fstream>

#include "tests/e2e/pbs_traps.h"

namespace tapeloft::tests {
namespace {

/// The spool has these bytes in some file.
bool stands_in_files(const std::filesystem::path& directory, const Bytes& bytes) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
        if (!entry.is_regular_file()) {
            continue;
        }
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string content(std::istreambuf_iterator<char>(file), {});
        if (content.find(as_text(bytes)) != std::string::npos) {
            return true;
        }
    }
    return false;
}

TEST_F(PbsTraps, T22_ModeSenseGivesOneBlockDescriptorAndTheAskedPageAlone) {
    start_with("TL0001L9");
    EXPECT_TRUE(drive().mode_page(0x0F, 0x0E));
    EXPECT_TRUE(drive().mode_page(0x1D, 0x1E));
}

TEST_F(PbsTraps, T23_ModePagesHaveTheLengthsThatPbsKnows) {
    start_library();
    for (const bool loaded : {false, true}) {
        const auto compression = drive().mode_page(0x0F, 0x0E);
        ASSERT_TRUE(compression);
        EXPECT_EQ((*compression)[17], 0x0E);
        const auto configuration = drive().mode_page(0x1D, 0x1E);
        ASSERT_TRUE(configuration);
        EXPECT_EQ((*configuration)[17], 0x1E);
        ASSERT_TRUE(loaded || load_into("TL0001L9", 0) == kGood);
    }
}

TEST_F(PbsTraps, T24_ModeSelectTakesBackWhatModeSenseGave) {
    start_with("TL0001L9");
    for (const bool protect : {false, true}) {
        auto list = *drive().mode_page(0x0F, 0x0E);
        list[0] = list[1] = 0;
        list[16] |= 0x80;                  // PS
        list[3] |= protect ? 0x80 : 0x00;  // WP
        EXPECT_NE(list[8], 0x00) << "density code";
        EXPECT_EQ(drive().out({0x55, 0x10, 0, 0, 0, 0, 0, 0, 32, 0}, list), kGood);
    }
}

TEST_F(PbsTraps, T25_ModeSelectOfCompressionAndVariableBlocksWorksOnEveryMedium) {
    start_library();
    for (const char* const tape : {"TL0001L9", "TL0005L8"}) {
        ASSERT_EQ(load_into(tape, 0), kGood);
        EXPECT_EQ(drive().open(), kGood) << "blank";
        write_file(1, 1);
        EXPECT_EQ(drive().open(), kGood) << "with data, behind it";
        const auto library = changer();
        ASSERT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source),
                  kGood);
    }
}

TEST_F(PbsTraps, T26_TheDensityIsOneThatPbsKnows) {
    start_library();
    for (const auto& [tape, density] : {std::pair{"TL0001L9", 0x60}, {"TL0005L8", 0x5E}}) {
        ASSERT_EQ(load_into(tape, 0), kGood);
        EXPECT_EQ((*drive().mode_page(0x0F, 0x0E))[8], density);
        const auto library = changer();
        ASSERT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source),
                  kGood);
    }
}

TEST_F(PbsTraps, T27_TheModeDataLengthIsThatOfTheDataSent) {
    start_with("TL0001L9");
    for (const std::uint8_t page : Bytes{0x0F, 0x1D, 0x10, 0x11}) {
        Bytes data;
        ASSERT_EQ(drive().in({0x5A, 0, page, 0, 0, 0, 0, 0x10, 0, 0}, 4096, data), kGood);
        EXPECT_EQ(load_big_endian<2>(data) + 2, data.size());
        ASSERT_EQ(drive().in({0x1A, 0, page, 0, 0xFF, 0}, 4096, data), kGood);
        EXPECT_EQ(data.at(0) + 1U, data.size());
    }
}

TEST_F(PbsTraps, T28_VariableBlocksOf256KiBAreAccepted) {
    start_with("TL0001L9");
    write_file(1, 5);
    EXPECT_EQ(drive().position()->object, 6U);
}

TEST_F(PbsTraps, T29_FilemarkEndOfDataAndEarlyWarningHaveTheirExactCodes) {
    start_with("TL0007L9");
    write_file(1, 1);
    ASSERT_EQ(drive().rewind(), kGood);
    ASSERT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().read(), kFilemark);
    EXPECT_EQ(drive().read(), kEndOfData);
    std::string outcome;
    do {
        outcome = drive().write(block(1));
    } while (outcome == kGood);
    EXPECT_EQ(outcome, kEarlyWarning);
}

TEST_F(PbsTraps, T30_TheBlockThatReportsEarlyWarningIsOnTape) {
    start_with("TL0007L9");
    std::uint64_t written = 0;
    while (drive().write(block(written++)) == kGood) {
    }
    ASSERT_EQ(drive().rewind(), kGood);
    std::uint64_t read = 0;
    while (drive().read() == kGood) {
        ASSERT_EQ(drive().last(), block(read++));
    }
    EXPECT_EQ(read, written);
}

TEST_F(PbsTraps, T31_BehindEarlyWarningThereIsRoomForACatalog) {
    start("[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0001L9\"\ncapacity = \"2GiB\"\n");
    host_.emplace(login());
    drive_.emplace(*host_, 1);
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    ASSERT_EQ(drive().open(), kGood);
    const auto big = pattern(8U * 1024 * 1024, 5);
    while (drive().write(big) == kGood) {
    }
    int reserve = 0;
    while (drive().write(big) == kEarlyWarning) {
        ++reserve;
    }
    EXPECT_GE(reserve, 4) << "of 8 MiB each";
}

TEST_F(PbsTraps, T32_EarlyWarningIsNoSenseAndNothingElse) {
    start_with("TL0007L9");
    const Cdb write{0x0A, 0, 4, 0, 0, 0};
    Result<Reply> reply = Reply{};
    do {
        reply = host().execute_out(1, write, block(2));
        ASSERT_TRUE(reply);
    } while (reply->good());
    EXPECT_EQ(reply->key, 0x00);
    EXPECT_TRUE(reply->end_of_medium());
}

TEST_F(PbsTraps, T33_ABlankTapeAnswersEndOfDataAtItsBeginning) {
    start_with("TL0001L9");
    EXPECT_EQ(drive().read(), kEndOfData);
    EXPECT_EQ(drive().read(512), kEndOfData);
    EXPECT_EQ(drive().position()->object, 0U);
}

TEST_F(PbsTraps, T34_AShortReadIsSilentAndAtAMarkItIsTheMark) {
    start_with("TL0001L9");
    write_file(1, 1);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read(512), kGood);
    EXPECT_EQ(drive().read(512), kFilemark);
}

TEST_F(PbsTraps, T35_AWriteInTheMiddleLeavesNothingReadableBehindIt) {
    start_with("TL0001L9");
    write_file(1, 3);
    write_file(2, 3);
    ASSERT_EQ(drive().sync(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    ASSERT_EQ(drive().marks_forward(), kGood);
    write_file(3, 1);
    EXPECT_EQ(drive().read(), kEndOfData);
    EXPECT_EQ(drive().marks_forward(), kEndOfData);
    ASSERT_EQ(drive().sync(), kGood);
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().move_to_file(1), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(3000));
    EXPECT_EQ(drive().read(), kFilemark);
    EXPECT_EQ(drive().read(), kEndOfData);
}

TEST_F(PbsTraps, T36_ZeroFilemarksAreASyncAndAddNone) {
    start_with("TL0001L9");
    ASSERT_EQ(drive().write(block(1)), kGood);
    ASSERT_EQ(drive().sync(), kGood);
    EXPECT_EQ(drive().position()->object, 1U);
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(1));
}

TEST_F(PbsTraps, T37_AnImmediateMarkCountsAtOnce) {
    start_with("TL0001L9");
    for (std::uint64_t file = 1; file <= 200; ++file) {
        ASSERT_EQ(drive().mark(), kGood);
        ASSERT_EQ(drive().position()->file, file);
    }
}

TEST_F(PbsTraps, T38_WhatFollowsTheLastSyncBecomesSafeByItself) {
    start_with("TL0001L9");
    ASSERT_EQ(drive().sync(), kGood);
    const auto last = block(77);
    ASSERT_EQ(drive().write(last), kGood);
    ASSERT_EQ(drive().mark(), kGood);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!stands_in_files(directory_.path() / "state", last)) {
        ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "no idle sync";
        ASSERT_EQ(drive().activity(), 0) << "only asks; the drive stays idle";
    }
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), last);
}

TEST_F(PbsTraps, T39_UnloadAndMoveKeepWhatWasBuffered) {
    start_with("TL0001L9");
    ASSERT_EQ(drive().write(block(1)), kGood);
    ASSERT_EQ(drive().unload(), kGood);
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().read(), kGood);
    ASSERT_EQ(drive().write(block(2)), kGood);
    const auto library = changer();
    ASSERT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source), kGood);
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(2));
}

TEST_F(PbsTraps, T40_TheLongPositionHas32BytesAtAllocationLengthZero) {
    start_with("TL0001L9");
    Bytes data;
    EXPECT_EQ(drive().in({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}, 32, data), kGood);
    EXPECT_EQ(data.size(), 32U);
}

TEST_F(PbsTraps, T41_TheReportedPartitionIsZero) {
    start_with("TL0001L9");
    write_file(1, 1);
    Bytes data;
    ASSERT_EQ(drive().in({0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0}, 32, data), kGood);
    EXPECT_EQ(load_big_endian<4>(ByteView(data).subspan(4)), 0U);
}

TEST_F(PbsTraps, T42_TheFileNumberIsRightEverywhereAndAfterARemount) {
    start_with("TL0001L9");
    for (std::uint64_t file = 0; file < 5; ++file) {
        write_file(file, 2);
    }
    const auto file = [this] { return drive().position()->file; };
    EXPECT_EQ(file(), 5U);
    ASSERT_EQ(drive().block_back(), kFilemark);
    EXPECT_EQ(file(), 4U);
    ASSERT_EQ(drive().block_back(), kGood);
    EXPECT_EQ(file(), 4U) << "in the middle";
    ASSERT_EQ(drive().two_marks_back(), kGood);
    EXPECT_EQ(file(), 2U);
    ASSERT_EQ(drive().unload(), kGood);
    ASSERT_EQ(drive().load(), kGood);
    EXPECT_EQ(file(), 0U);
    ASSERT_EQ(drive().move_to_file(3), kGood);
    EXPECT_EQ(file(), 3U);
    ASSERT_EQ(drive().end_of_data(), kGood);
    EXPECT_EQ(file(), 5U);
}

TEST_F(PbsTraps, T43_TheObjectNumberCountsMarksAndIsZeroOnlyAtTheBeginning) {
    start_with("TL0001L9");
    EXPECT_EQ(drive().position()->object, 0U);
    write_file(1, 2);
    EXPECT_EQ(drive().position()->object, 3U);
    ASSERT_EQ(drive().mark(), kGood);
    EXPECT_EQ(drive().position()->object, 4U);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().position()->object, 0U);
}

TEST_F(PbsTraps, T44_OneBlockBackOverAMarkIsTheMarkAndItsNearSide) {
    start_with("TL0001L9");
    write_file(1, 1);
    write_file(2, 1);
    ASSERT_EQ(drive().block_back(), kFilemark);
    EXPECT_EQ(drive().position()->file, 1U);
    ASSERT_EQ(drive().marks_forward(), kGood);
    EXPECT_EQ(drive().position()->file, 2U);
}

TEST_F(PbsTraps, T45_TwoMarksBackAndOneForwardIsTheStartOfTheLastFile) {
    start_with("TL0001L9");
    write_file(1, 3);
    write_file(2, 3);
    write_file(3, 3);
    ASSERT_EQ(drive().end_of_data(), kGood);
    ASSERT_EQ(drive().two_marks_back(), kGood);
    ASSERT_EQ(drive().marks_forward(), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(3000));
}

TEST_F(PbsTraps, T46_LocateByFileNumberIsConsistentForEveryFile) {
    start_with("TL0001L9");
    for (std::uint64_t file = 0; file < 30; ++file) {
        write_file(file, 1);
    }
    for (std::uint64_t i = 0; i < 30; ++i) {
        const auto file = i * 13 % 30;
        ASSERT_EQ(drive().move_to_file(file), kGood);
        ASSERT_EQ(drive().position()->file, file);
        ASSERT_EQ(drive().read(), kGood);
        ASSERT_EQ(drive().last(), block(file * 1000));
    }
}

TEST_F(PbsTraps, T47_FormatAndShortEraseWork) {
    start_library();
    for (const char* const tape : {"TL0001L9", "TL0005L8"}) {
        ASSERT_EQ(load_into(tape, 0), kGood);
        ASSERT_EQ(drive().open(), kGood);
        write_file(1, 1);
        EXPECT_EQ(drive().format(), kGood) << tape;
        const auto library = changer();
        ASSERT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source),
                  kGood);
    }
}

TEST_F(PbsTraps, T48_FormatAndEraseLeaveABlankTapeAtItsBeginning) {
    start_with("TL0001L9");
    for (const Cdb& cdb : {Cdb{0x04, 0, 0, 0, 0, 0}, Cdb{0x04, 1, 0, 0, 0, 0},
                           Cdb{0x19, 0, 0, 0, 0, 0}, Cdb{0x19, 1, 0, 0, 0, 0}}) {
        write_file(1, 2);
        ASSERT_EQ(drive().rewind(), kGood);
        const auto start = std::chrono::steady_clock::now();
        ASSERT_EQ(drive().plain(cdb), kGood);
        EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(600));
        EXPECT_EQ(drive().position()->object, 0U);
        EXPECT_EQ(drive().read(), kEndOfData);
    }
}

}  // namespace
}  // namespace tapeloft::tests
