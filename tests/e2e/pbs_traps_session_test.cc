// Traps 1 to 21: discovery, transport, unit attentions.
#include <algorithm>
#include <set>

#include <iscsi/iscsi.h>

#include "tests/e2e/pbs_traps.h"

namespace tapeloft::tests {
namespace {

constexpr int kLogicalUnits = 3;

TEST_F(PbsTraps, T01_EveryUnitListsAndAnswersTheSerialNumberAndIdentificationPages) {
    start_library();
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        const auto list = vpd(lun, 0x00);
        for (const std::uint8_t page : Bytes{0x80, 0x83}) {
            EXPECT_NE(std::find(list.begin() + 4, list.end(), page), list.end());
            EXPECT_GT(vpd(lun, page).size(), 4U);
        }
    }
}

TEST_F(PbsTraps, T02_SerialNumbersHaveNoBlanksOrOddCharacters) {
    start_library();
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        const auto page = vpd(lun, 0x80);
        ASSERT_GT(page.size(), 4U);
        EXPECT_TRUE(std::all_of(page.begin() + 4, page.end(), [](std::uint8_t character) {
            return (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9');
        })) << as_text(page);
    }
}

TEST_F(PbsTraps, T03_NoTwoUnitsShareASerialNumberOrADesignator) {
    start_library();
    std::set<Bytes> serials;
    std::set<Bytes> designators;
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        serials.insert(vpd(lun, 0x80));
        const auto page = vpd(lun, 0x83);
        for (ByteView rest = ByteView(page).subspan(4); rest.size() >= 4;
             rest = rest.subspan(4U + rest[3])) {
            const bool of_the_unit = (rest[1] & 0x30U) == 0;
            const auto one = rest.first(4U + rest[3]);
            EXPECT_TRUE(!of_the_unit || designators.insert(Bytes(one.begin(), one.end())).second);
        }
    }
    EXPECT_EQ(serials.size(), 3U);
    EXPECT_GE(designators.size(), 3U);
}

TEST_F(PbsTraps, T04_ThePeripheralTypeIsThatOfAChangerOrADriveAndStays) {
    start_library();
    const Cdb inquiry{0x12, 0, 0, 0, 36, 0};
    for (int round = 0; round < 2; ++round) {
        for (int lun = 0; lun < kLogicalUnits; ++lun) {
            const auto reply = host().execute(lun, inquiry, 36);
            ASSERT_TRUE(reply && reply->data.size() == 36);
            EXPECT_EQ(reply->data[0], lun == 0 ? 0x08 : 0x01);
        }
        ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    }
}

TEST_F(PbsTraps, T05_SerialNumbersOutliveARestart) {
    start_library();
    std::vector<Bytes> before;
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        before.push_back(vpd(lun, 0x80));
    }
    daemon_->kill();
    restart();
    reconnect();
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        EXPECT_EQ(vpd(lun, 0x80), before[static_cast<std::size_t>(lun)]);
    }
}

TEST_F(PbsTraps, T06_CommandsWithoutDataTakeADataInBuffer) {
    start_with("TL0001L9");
    for (const std::size_t buffer : {16U, 64U}) {
        for (const Cdb& cdb :
             {Cdb{0x00, 0, 0, 0, 0, 0}, Cdb{0x10, 0, 0, 0, 1, 0}, Cdb{0x01, 0, 0, 0, 0, 0},
              Cdb{0x11, 1, 0, 0, 1, 0}, Cdb{0x01, 0, 0, 0, 0, 0}, Cdb{0x19, 0, 0, 0, 0, 0},
              Cdb{0x04, 0, 0, 0, 0, 0}, Cdb{0x1E, 0, 0, 0, 1, 0}, Cdb{0x1E, 0, 0, 0, 0, 0},
              Cdb{0x1B, 0, 0, 0, 0, 0}, Cdb{0x1B, 0, 0, 0, 1, 0}}) {
            EXPECT_EQ(drive().plain(cdb, buffer), kGood) << "operation code " << int{cdb[0]};
        }
    }
}

TEST_F(PbsTraps, T07_UnderflowHasAnExactResidual) {
    start_with("TL0001L9");
    const Cdb capabilities{0xA2, 0x20, 0, 0x10, 0, 0, 0, 0, 0x20, 4, 0, 0};
    const auto in = host().execute(1, capabilities, 8196);
    ASSERT_TRUE(in && in->good());
    EXPECT_EQ(
        in->residual,
        8196 - 4 - static_cast<std::int64_t>(load_big_endian<2>(ByteView(in->data).subspan(2))));
    const Cdb read_position{0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0};
    const auto position = host().execute(1, read_position, 64);
    ASSERT_TRUE(position && position->good());
    EXPECT_EQ(position->residual, 32);
    const Cdb mode_sense{0x1A, 0, 0x0F, 0, 0xFF, 0};
    const auto mode = host().execute(1, mode_sense, 4096);
    ASSERT_TRUE(mode && mode->good());
    EXPECT_EQ(mode->residual, 4096 - 1 - mode->data.at(0));
}

TEST_F(PbsTraps, T08_NoUnderflowOrOverflowWithoutAResidual) {
    start_with("TL0001L9");
    const Cdb read_position{0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0};
    const auto position = host().execute(1, read_position, 32);
    ASSERT_TRUE(position && position->good());
    EXPECT_EQ(position->residual, 0);
    ASSERT_EQ(drive().write(block(1)), kGood);
    ASSERT_EQ(drive().rewind(), kGood);
    const Cdb read{0x08, 2, 4, 0, 0, 0};
    const auto record = host().execute(1, read, PbsDrive::kBlock);
    ASSERT_TRUE(record && record->good());
    EXPECT_EQ(record->residual, 0);
    EXPECT_EQ(iscsi_get_nops_in_flight(host().context()), 0);
}

TEST_F(PbsTraps, T09_AReplyCutByTheAllocationLengthIsNoOverflow) {
    start_library();
    for (int lun = 0; lun < kLogicalUnits; ++lun) {
        for (const std::uint8_t allocation : Bytes{0, 5, 36}) {
            const Cdb inquiry{0x12, 0, 0, 0, allocation, 0};
            const auto reply = host().execute(lun, inquiry, 36);
            ASSERT_TRUE(reply && reply->good());
            EXPECT_EQ(reply->residual, 36 - allocation);
        }
    }
}

TEST_F(PbsTraps, T10_SenseDataHasEighteenBytes) {
    start_with("TL0001L9");
    write_file(1, 1);
    ASSERT_EQ(drive().rewind(), kGood);
    ASSERT_EQ(drive().read(), kGood);
    const Cdb read{0x08, 2, 0, 2, 0, 0};
    const auto reply = host().execute(1, read, 512);
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->is(0, 0x0001)) << reply->text();
    ASSERT_GE(reply->sense.size(), 18U);
    EXPECT_GE(reply->sense[7], 0x0A);
}

TEST_F(PbsTraps, T11_SenseDataIsOfTheFixedFormat) {
    start_library();
    for (const Cdb& cdb : {Cdb{0x00, 0, 0, 0, 0, 0}, Cdb{0x08, 2, 0, 2, 0, 0},
                           Cdb{0x1A, 0, 0x3A, 0, 255, 0}, Cdb{0xC7, 0, 0, 0, 0, 0}}) {
        const auto reply = host().execute(1, cdb, 512);
        ASSERT_TRUE(reply && reply->status == 2);
        EXPECT_EQ(reply->sense.at(0) & 0x7FU, 0x70U);
    }
}

TEST_F(PbsTraps, T12_NothingIsReportedAsADeferredError) {
    start_with("TL0007L9");
    std::string outcome = kGood;
    const Cdb write{0x0A, 0, 4, 0, 0, 0};
    Result<Reply> reply = Reply{};
    do {
        reply = host().execute_out(1, write, block(1));
        ASSERT_TRUE(reply);
    } while (reply->good());
    EXPECT_EQ(reply->sense.at(0) & 0x7FU, 0x70U);
    EXPECT_EQ(pbs_outcome(reply, PbsDrive::kBlock), kEarlyWarning);
    ASSERT_EQ(drive().end_of_data(), kGood);
    EXPECT_EQ(drive().read(), kEndOfData);
}

TEST_F(PbsTraps, T13_AnAbortedTaskDisturbsNothing) {
    start_with("TL0001L9");
    write_file(1, 3);
    const auto before = drive().position();
    (void)iscsi_task_mgmt_sync(host().context(), 1, ISCSI_TM_ABORT_TASK, 0x7000,
                               0);  // no such task
    EXPECT_EQ(iscsi_task_mgmt_abort_task_set_sync(host().context(), 1), 0);
    EXPECT_EQ(drive().activity(), 0);
    const auto after = drive().position();
    ASSERT_TRUE(before && after);
    EXPECT_EQ(after->object, before->object);
    EXPECT_EQ(drive().write(block(9)), kGood) << "and no unit attention";
}

TEST_F(PbsTraps, T14_ASessionStaysWhileItIsIdleAndOthersWork) {
    start_with("TL0001L9");
    write_file(1, 2);
    {
        auto other = another_host();
        for (int i = 0; i < 300; ++i) {
            ASSERT_TRUE(TapeHost(other, 2).serial());
        }
    }
    EXPECT_EQ(drive().write(block(3)), kGood);
    EXPECT_EQ(drive().position()->object, 4U);
}

TEST_F(PbsTraps, T15_BlocksOf256KiBPassAndAShortReadOfOneKeepsTheConnection) {
    start_with("TL0001L9");
    write_file(1, 2);
    ASSERT_EQ(drive().rewind(), kGood);
    EXPECT_EQ(drive().read(512), kGood);
    const auto expected = block(1000);
    EXPECT_TRUE(std::equal(drive().last().begin(), drive().last().end(), expected.begin()));
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(1001));
}

TEST_F(PbsTraps, T16_WhoCausesAChangeMeetsNoUnitAttention) {
    start_with("TL0001L9");
    const auto none = [this](const char* after) {
        EXPECT_TRUE(drive().position()) << after;
        EXPECT_TRUE(drive().mode_page(0x0F, 0x0E)) << after;
    };
    none("MOVE and MODE SELECT");
    ASSERT_EQ(drive().unload(), kGood);
    EXPECT_EQ(drive().test_unit_ready(), kNoMedium);
    ASSERT_EQ(drive().load(), kGood);
    none("LOAD");
    ASSERT_EQ(drive().plain({0x04, 0, 0, 0, 0, 0}), kGood);
    none("FORMAT");
    ASSERT_EQ(drive().encryption(Bytes(32, 7)), kGood);
    none("SECURITY PROTOCOL OUT");
    ASSERT_EQ(drive().encryption_off(), kGood);
    const auto library = changer();
    ASSERT_EQ(pbs_move(host(), library.drives.at(0).address, library.storage.at(0).address), kGood);
    EXPECT_EQ(drive().test_unit_ready(), kNoMedium);
    (void)changer();
}

TEST_F(PbsTraps, T17_OneUnitAttentionWaitsAtMost) {
    start_library();
    auto other = another_host();
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    ASSERT_EQ(drive().open(), kGood);
    ASSERT_EQ(drive().unload(), kGood);
    ASSERT_EQ(drive().load(), kGood);
    ASSERT_EQ(drive().encryption(Bytes(32, 1)), kGood);
    ASSERT_EQ(drive().encryption_off(), kGood);
    PbsDrive theirs(other, 1);
    EXPECT_EQ(theirs.test_unit_ready().substr(0, 2), "06");
    EXPECT_EQ(theirs.test_unit_ready(), kGood);
}

TEST_F(PbsTraps, T18_ADriveIsReadyAfterTheMoveOrAfterLoad) {
    start_library();
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    EXPECT_EQ(drive().test_unit_ready(), kGood);
    EXPECT_EQ(drive().load(), kGood);
    EXPECT_EQ(drive().test_unit_ready(), kGood);
}

TEST_F(PbsTraps, T19_LoadThreadsACartridgeThatWasUnloadedAndIsStillThere) {
    start_with("TL0001L9");
    write_file(1, 1);
    ASSERT_EQ(drive().unload(), kGood);
    ASSERT_EQ(drive().test_unit_ready(), kNoMedium);
    ASSERT_EQ(drive().load(), kGood);
    EXPECT_EQ(drive().read(), kGood);
    EXPECT_EQ(drive().last(), block(1000));
}

TEST_F(PbsTraps, T20_StatusOfAnEmptyDriveWorks) {
    start_library();
    Bytes data;
    EXPECT_EQ(drive().in({0x03, 0, 0, 0, 0xFC, 0}, 252, data), kGood);
    const auto page = drive().mode_page(0x0F, 0x0E);
    ASSERT_TRUE(page);
    EXPECT_EQ((*page)[8], 0x00) << "density code";
}

TEST_F(PbsTraps, T21_SecurityProtocolCommandsAnswerInAnEmptyDrive) {
    start_library();
    EXPECT_EQ(drive().encryption_off(), kGood);
    EXPECT_EQ(drive().encryption(Bytes(32, 3)), kGood);
    EXPECT_EQ(drive().encryption_off(), kGood);
}

}  // namespace
}  // namespace tapeloft::tests
