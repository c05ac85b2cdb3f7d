// Traps 62 to 84: the changer, and behaviour over time.
#include <atomic>
#include <set>
#include <thread>

#include <iscsi/iscsi.h>

#include "tests/e2e/pbs_traps.h"

namespace tapeloft::tests {
namespace {

/// READ ELEMENT STATUS as PBS sends it.
Result<Reply> element_status(ScsiHost& host, std::uint8_t type, std::uint16_t start = 0,
                             bool voltag = true, bool dvcid = false) {
    Cdb cdb{0xB8,
            static_cast<std::uint8_t>(type | (voltag ? 0x10U : 0U)),
            0,
            0,
            3,
            0xE8,
            static_cast<std::uint8_t>(dvcid ? 1 : 0),
            0,
            0xFF,
            0xFF,
            0,
            0};
    store_big_endian<2>(MutableByteView(cdb).subspan(2), start);
    return host.execute(0, cdb, 0xFFFF);
}

TEST_F(PbsTraps, T62_TheElementAddressPageComesAloneIn24Bytes) {
    start_library();
    const Cdb cdb{0x1A, 8, 0x1D, 0, 255, 0};
    const auto reply = host().execute(0, cdb, 255);
    ASSERT_TRUE(reply && reply->good());
    EXPECT_EQ(reply->data.size(), 24U);
    EXPECT_EQ(reply->data.at(0), 0x17);
    EXPECT_EQ(reply->data.at(3), 0) << "no block descriptor";
}

TEST_F(PbsTraps, T63_TheCountsOfThePageAreThoseOfTheDescriptors) {
    start_library();
    const auto library = changer();  // compares them
    EXPECT_EQ(library.drives.size(), 2U);
    EXPECT_EQ(library.storage.size(), 24U);
    EXPECT_EQ(library.import_export.size(), 4U);
    EXPECT_EQ(library.transports.size(), 1U);
}

TEST_F(PbsTraps, T64_ATypeWithoutElementsIsAnEmptyReport) {
    start_library("import_export_slots = 0\n");
    const auto reply = element_status(host(), 3);
    ASSERT_TRUE(reply && reply->good()) << reply->text();
    EXPECT_EQ(reply->data.size(), 8U);
    EXPECT_EQ(load_big_endian<2>(ByteView(reply->data).subspan(2)), 0U);
    (void)changer();
}

TEST_F(PbsTraps, T65_OnlyElementsOfTheAskedTypeAreReportedFromAddressZero) {
    start_library();
    for (std::uint8_t type = 1; type <= 4; ++type) {
        const auto reply = element_status(host(), type);
        ASSERT_TRUE(reply && reply->good());
        ASSERT_GT(reply->data.size(), 16U);
        EXPECT_EQ(reply->data[8], type);
    }
}

TEST_F(PbsTraps, T66_TheByteCountIsThatOfWhatWasSelectedAndSent) {
    start_library("slots = 2500\n");
    const auto reply = element_status(host(), 2);
    ASSERT_TRUE(reply && reply->good());
    EXPECT_EQ(load_big_endian<3>(ByteView(reply->data).subspan(5)) + 8, reply->data.size());
    EXPECT_EQ(load_big_endian<2>(ByteView(reply->data).subspan(2)), 1000U);
}

TEST_F(PbsTraps, T67_LibrariesOf999To2500SlotsAreReadToTheirEnd) {
    for (const std::uint32_t slots : {999U, 1000U, 1001U, 2500U}) {
        SCOPED_TRACE(slots);
        start_library("slots = " + std::to_string(slots) + "\n");
        std::set<std::uint16_t> found;
        std::uint16_t start = 0;
        for (bool more = true; more;) {
            const auto reply = element_status(host(), 2, start);
            ASSERT_TRUE(reply && reply->good()) << reply->text();
            const auto count = load_big_endian<2>(ByteView(reply->data).subspan(2));
            for (std::size_t i = 0; i < count; ++i) {
                start = static_cast<std::uint16_t>(
                    load_big_endian<2>(ByteView(reply->data).subspan(16 + i * 52)));
                EXPECT_TRUE(found.insert(start).second);
            }
            ++start;
            more = count >= 1000;
        }
        EXPECT_EQ(found.size(), slots);
        drive_.reset();
        host_.reset();
        {
            const auto ended = daemon_->terminate();
            ASSERT_OK(ended);
            daemon_.reset();
        }
        std::filesystem::remove_all(directory_.path() / "state");
    }
}

TEST_F(PbsTraps, T68_AThousandDescriptorsFitTheBuffer) {
    start_library("slots = 1000\n");
    const auto reply = element_status(host(), 2);
    ASSERT_TRUE(reply && reply->good());
    EXPECT_LE(load_big_endian<2>(ByteView(reply->data).subspan(10)), 65U);
    EXPECT_EQ(load_big_endian<2>(ByteView(reply->data).subspan(2)), 1000U);
}

TEST_F(PbsTraps, T69_VolumeTagsComeWhenAskedForAndNotOtherwise) {
    start_library();
    for (const bool asked : {false, true}) {
        for (const bool identified : {false, true}) {
            const auto reply = element_status(host(), 4, 0, asked, identified);
            ASSERT_TRUE(reply && reply->good());
            EXPECT_EQ((reply->data.at(9) & 0x80U) != 0, asked);
            EXPECT_EQ(reply->data.at(9) & 0x40U, 0U) << "alternate volume tags";
            const auto identifier = 16U + 12U + (asked ? 36U : 0U);
            ASSERT_GT(reply->data.size(), identifier + 4);
            EXPECT_EQ(reply->data[identifier] == 2, identified);
        }
    }
}

TEST_F(PbsTraps, T70_TagsEndInZerosAndFullElementsHaveOne) {
    start_library();
    const auto reply = element_status(host(), 2);
    ASSERT_TRUE(reply && reply->good());
    for (std::size_t at = 16; at + 52 <= reply->data.size(); at += 52) {
        const auto one = ByteView(reply->data).subspan(at, 52);
        EXPECT_EQ(load_big_endian<4>(one.subspan(12 + 32)), 0U);
        EXPECT_TRUE(one[2] % 2 == 0 || (one[12] != 0 && one[12] != ' '));
    }
}

TEST_F(PbsTraps, T71_TheIdentifierOfADriveHas34BytesAndItsSerialNumber) {
    start_library();
    const auto library = changer();
    for (std::size_t i = 0; i < 2; ++i) {
        const auto page = vpd(static_cast<int>(i) + 1, 0x80);
        EXPECT_EQ(library.drives.at(i).serial, as_text(ByteView(page).subspan(4)));
    }
}

TEST_F(PbsTraps, T72_ElementAddressesAreUniqueOverAllTypes) {
    start_library();
    const auto library = changer();
    std::set<std::uint16_t> addresses;
    std::size_t count = 0;
    for (const auto* const group :
         {&library.storage, &library.import_export, &library.drives, &library.transports}) {
        for (const auto& element : *group) {
            addresses.insert(element.address);
            ++count;
        }
    }
    EXPECT_EQ(addresses.size(), count);
}

TEST_F(PbsTraps, T73_ADriveElementShowsItsCartridgeItsTagAndItsSource) {
    start_library();
    const auto slot = changer().find("TL0002L9")->address;
    ASSERT_EQ(load_into("TL0002L9", 1), kGood);
    for (const bool ejected : {false, true}) {
        const auto library = changer();
        EXPECT_TRUE(library.drives.at(1).full);
        EXPECT_EQ(library.drives.at(1).tag, "TL0002L9");
        EXPECT_EQ(library.drives.at(1).source, slot);
        ASSERT_TRUE(ejected || PbsDrive(host(), 2).unload() == kGood);
    }
}

TEST_F(PbsTraps, T74_TheSourceSlotIsEmptyAfterAMove) {
    start_library();
    const auto slot = changer().find("TL0001L9")->address;
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    for (const auto& element : changer().storage) {
        EXPECT_TRUE(element.address != slot || !element.full);
    }
}

TEST_F(PbsTraps, T75_AMoveOutOfADriveNeedsNoUnload) {
    start_with("TL0001L9");
    write_file(1, 1);
    const auto library = changer();
    EXPECT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source), kGood);
    ASSERT_EQ(load_into("TL0001L9", 1), kGood);
    PbsDrive second(host(), 2);
    EXPECT_EQ(second.read(), kGood);
    EXPECT_EQ(second.last(), block(1000));
}

TEST_F(PbsTraps, T76_UnloadLeavesTheCartridgeInTheDrive) {
    start_with("TL0001L9");
    ASSERT_EQ(drive().unload(), kGood);
    const auto library = changer();
    ASSERT_TRUE(library.drives.at(0).full);
    EXPECT_EQ(pbs_move(host(), library.drives.at(0).address, *library.drives.at(0).source), kGood);
}

TEST_F(PbsTraps, T77_StatusQueriesWorkWhileDrivesLoad) {
    start_library();
    std::atomic<int> running = 2;
    std::atomic<int> failed = 0;
    const auto loads = [this, &running, &failed](std::uint8_t drive, const char* tape) {
        auto mine = another_host("-" + std::to_string(drive));
        for (int round = 0; round < 8; ++round) {
            std::string why;
            const auto library = pbs_changer_status(mine, why);
            const auto* const from = library ? library->find(tape) : nullptr;
            if (from == nullptr ||
                pbs_move(mine, from->address, library->drives.at(drive).address) != kGood ||
                pbs_move(mine, library->drives.at(drive).address, from->address) != kGood) {
                ++failed;
            }
        }
        --running;
    };
    std::jthread first(loads, std::uint8_t{0}, "TL0001L9");
    std::jthread second(loads, std::uint8_t{1}, "TL0002L9");
    do {
        (void)changer();
    } while (running != 0);
    EXPECT_EQ(failed, 0);
}

TEST_F(PbsTraps, T78_MovesToFullAndFromEmptyElementsAreRefused) {
    start_library();
    const auto library = changer();
    const auto full = library.find("TL0001L9")->address;
    const auto other = library.find("TL0002L9")->address;
    const auto empty = library.storage.back().address;
    EXPECT_EQ(pbs_move(host(), full, other), "05/3B/0D");
    EXPECT_EQ(pbs_move(host(), empty, library.drives.at(0).address), "05/3B/0E");
    EXPECT_EQ(changer().find("TL0001L9")->address, full);
}

TEST_F(PbsTraps, T79_ACleaningCartridgeCanBeMovedOutAndLeavesNoAlert) {
    start(
        "[[library.cartridges]]\nbarcodes = \"TL0001L9..TL0001L9\"\n"
        "[[library.cartridges]]\nbarcodes = \"CLN001CU\"\n");
    host_.emplace(login());
    drive_.emplace(*host_, 1);
    const auto slot = changer().find("CLN001CU")->address;
    const auto bay = changer().drives.at(0).address;
    ASSERT_EQ(pbs_move(host(), slot, bay), kGood);
    EXPECT_NE(drive().test_unit_ready(), kGood);
    ASSERT_EQ(pbs_move(host(), bay, slot), kGood);
    const auto alerts = drive().log_page(0x12, 0x200);
    ASSERT_TRUE(alerts);
    EXPECT_EQ(alerts->at(0), Bytes(8));
    EXPECT_TRUE(drive().log_page(0x17, 0x2000));
    ASSERT_EQ(load_into("TL0001L9", 0), kGood);
    EXPECT_EQ(drive().open(), kGood);
}

TEST_F(PbsTraps, T80_VolumeTagsAreLabelsThatPbsTakes) {
    start_library();
    for (const auto& element : changer().storage) {
        if (!element.full) {
            continue;
        }
        EXPECT_TRUE(element.tag.size() >= 2 && element.tag.size() <= 32);
        EXPECT_EQ(element.tag.find_first_not_of(
                      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"),
                  std::string::npos);
        EXPECT_TRUE(element.tag[0] != '.' && element.tag[0] != '-');
    }
}

TEST_F(PbsTraps, T81_ContentAndNumbersSurviveSessionsResetsAndRestarts) {
    start_with("TL0001L9");
    write_file(0, 2);
    write_file(1, 1);
    ASSERT_EQ(drive().sync(), kGood);
    const auto check = [this] {
        ASSERT_EQ(drive().move_to_file(1), kGood);
        ASSERT_EQ(drive().position()->object, 3U);
        ASSERT_EQ(drive().read(), kGood);
        ASSERT_EQ(drive().last(), block(1000));
    };
    reconnect();
    check();
    ASSERT_EQ(iscsi_task_mgmt_lun_reset_sync(host().context(), 1), 0);
    EXPECT_EQ(drive().test_unit_ready().substr(0, 5), "06/29");
    check();
    daemon_->kill();
    restart();
    reconnect();
    ASSERT_EQ(drive().open(), kGood);
    check();
}

TEST_F(PbsTraps, T82_ResetsAndLostSessionsLeaveTheTapeInTheDrive) {
    start_with("TL0001L9");
    ASSERT_EQ(iscsi_task_mgmt_lun_reset_sync(host().context(), 1), 0);
    EXPECT_EQ(drive().test_unit_ready().substr(0, 5), "06/29");
    EXPECT_EQ(drive().test_unit_ready(), kGood);
    reconnect();
    EXPECT_EQ(drive().test_unit_ready(), kGood);
    EXPECT_EQ(changer().drives.at(0).tag, "TL0001L9");
}

TEST_F(PbsTraps, T83_SeveralSessionsUseOneDriveAtATime) {
    start_with("TL0001L9");
    auto other = another_host();
    PbsDrive theirs(other, 1);
    write_file(1, 1);
    EXPECT_EQ(theirs.activity(), 0);
    EXPECT_EQ(theirs.position()->object, 2U);
    EXPECT_EQ(drive().write(block(5)), kGood);
}

TEST_F(PbsTraps, T84_ABlankMediumRaisesNoTapeAlert) {
    start_with("TL0001L9");
    EXPECT_EQ(drive().read(), kEndOfData);
    const auto alerts = drive().log_page(0x12, 0x200);
    ASSERT_TRUE(alerts);
    EXPECT_EQ(alerts->at(0), Bytes(8));
    Bytes data;
    ASSERT_EQ(drive().in({0x4D, 0, 0x6E, 0, 0, 0, 0, 0x20, 0, 0}, 8192, data), kGood);
    for (std::size_t at = 4; at + 5 <= data.size(); at += 5) {
        EXPECT_EQ(data[at + 4], 0) << "flag " << load_big_endian<2>(ByteView(data).subspan(at));
    }
}

}  // namespace
}  // namespace tapeloft::tests
