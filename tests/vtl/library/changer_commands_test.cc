#include <random>

#include <gtest/gtest.h>

#include "tests/vtl/library/library_fixture.h"
#include "tests/vtl/library/pbs_changer.h"

namespace tapeloft::vtl::library {
namespace {

class ChangerCommands : public tests::LibraryTest {
  protected:
    Bytes data(std::vector<std::uint8_t> cdb) {
        const auto completion = send(std::move(cdb));
        EXPECT_EQ(outcome(completion), "GOOD");
        const auto view = completion.data_in.view();
        return {view.begin(), view.end()};
    }

    tests::PbsStatus pbs_status() {
        const auto send_or_throw = [this](std::vector<std::uint8_t> cdb) {
            const auto completion = send(std::move(cdb));
            if (outcome(completion) != "GOOD") {
                throw outcome(completion);
            }
            const auto view = completion.data_in.view();
            return Bytes(view.begin(), view.end());
        };
        try {
            return tests::query_status(send_or_throw);
        } catch (const std::string& rule) {
            ADD_FAILURE() << "PBS would fail: " << rule;
            return {};
        }
    }
};

TEST_F(ChangerCommands, InquirySaysAChangerOfIbmWithABarcodeScanner) {
    start();
    const auto inquiry = data({0x12, 0, 0, 0, 96, 0});
    ASSERT_GE(inquiry.size(), 56U);
    EXPECT_EQ(inquiry[0], 0x08);
    EXPECT_EQ(inquiry[1], 0x80);
    EXPECT_EQ(as_text(ByteView(inquiry).subspan(8, 8)), "IBM     ");
    EXPECT_EQ(as_text(ByteView(inquiry).subspan(16, 16)), "03584L32        ");
    EXPECT_EQ(inquiry[55] & 1, 1);
    EXPECT_EQ(as_text(ByteView(data({0x12, 1, 0x80, 0, 96, 0})).subspan(4)), "VTLCHG0001");
}

TEST_F(ChangerCommands, ModeSense1DhIsExactlyThis) {
    start();
    const Bytes expected{0x17, 0, 0, 0,    0x1D, 0x12, 0,    0,    0,    1,    0x03, 0xE8,
                         0,    4, 0, 0x10, 0,    1,    0x01, 0x00, 0x00, 0x02, 0x00, 0x00};
    EXPECT_EQ(data({0x1A, 0x08, 0x1D, 0, 0xFF, 0}), expected);
    EXPECT_EQ(data({0x1A, 0x00, 0x1D, 0, 0xFF, 0}), expected);
    EXPECT_EQ(data({0x5A, 0x08, 0x1D, 0, 0, 0, 0, 0, 0xFF, 0}).size(), 28U);
}

TEST_F(ChangerCommands, ModeSenseOfAbsentMailSlotsSaysNone) {
    start({4, 0, 1});
    const auto page = data({0x1A, 0x08, 0x1D, 0, 0xFF, 0});
    EXPECT_EQ(load_big_endian<4>(ByteView(page).subspan(14)), 0U);
}

TEST_F(ChangerCommands, DeviceCapabilitiesSayThatAllButTheTransportStoreAndMove) {
    start();
    const auto page = data({0x1A, 0x08, 0x1F, 0, 0xFF, 0});
    const Bytes expected{0x17, 0, 0, 0, 0x1F, 0x12, 0x0E, 3,    0, 0x0E, 0x0E, 0x0E,
                         0,    0, 0, 0, 0,    0x0E, 0x0E, 0x0E, 0, 0,    0,    0};
    EXPECT_EQ(page, expected);
    EXPECT_EQ(data({0x1A, 0x08, 0x1E, 0, 0xFF, 0}), (Bytes{7, 0, 0, 0, 0x1E, 2, 0, 0}));
    const Bytes extended{0x17, 0, 0, 0, 0x5F, 0x41, 0, 0x10, 0x01, 0x02, 0x06, 0,
                         0,    0, 0, 0, 0,    0,    0, 0,    0,    0,    0,    0};
    EXPECT_EQ(data({0x1A, 0x08, 0x1F, 0x41, 0xFF, 0}), extended);
    EXPECT_EQ(data({0x1A, 0x08, 0x3F, 0, 0xFF, 0}).size(), 4U + 16 + 12 + 12 + 20 + 4 + 20);
    EXPECT_EQ(data({0x1A, 0x08, 0x3F, 0xFF, 0xFF, 0}).size(), 4U + 16 + 12 + 12 + 20 + 4 + 20 + 20);
    EXPECT_EQ(outcome(send({0x1A, 0x08, 0x0F, 0, 0xFF, 0})), "05/24/00");
}

TEST_F(ChangerCommands, EveryRowOfTheTableIsReportedAndAnswers) {
    start();
    for (const auto opcode : std::to_array<std::uint8_t>(
             {0x00, 0x03, 0x07, 0x12, 0x15, 0x16, 0x17, 0x1A, 0x1B, 0x1E, 0x2B, 0x37,
              0x4D, 0x55, 0x56, 0x57, 0x5A, 0xA0, 0xA5, 0xA6, 0xB5, 0xB6, 0xB8, 0xE7})) {
        const auto report = data({0xA3, 0x0C, 0x01, opcode, 0, 0, 0, 0, 0, 0xFF, 0, 0});
        ASSERT_GE(report.size(), 4U);
        EXPECT_EQ(report[1] & 7, 3) << "opcode " << int{opcode};
        EXPECT_NE(outcome(send({opcode})), "05/20/00") << "opcode " << int{opcode};
        send({0x17});
    }
    EXPECT_EQ(outcome(send({0x08})), "05/20/00");
}

TEST_F(ChangerCommands, InitializeElementStatusIsGoodInEveryForm) {
    start();
    EXPECT_EQ(outcome(send({0x07})), "GOOD");
    EXPECT_EQ(outcome(send({0x37, 0, 0, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(send({0x37, 1, 0x03, 0xE8, 0, 0, 0, 2, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(send({0xE7, 1, 0x03, 0xE8, 0, 0, 0, 2, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(send({0x37, 1, 0x02, 0x00, 0, 0, 0, 2, 0, 0})), "05/21/01");
}

TEST_F(ChangerCommands, PositionToElementChecksItsAddresses) {
    start();
    EXPECT_EQ(outcome(send({0x2B, 0, 0, 0, 0x03, 0xE8, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(send({0x2B, 0, 0, 0, 0x03, 0xF8, 0, 0, 0, 0})), "05/21/01");
    EXPECT_EQ(outcome(send({0x2B, 0, 0, 9, 0x03, 0xE8, 0, 0, 0, 0})), "05/21/01");
    EXPECT_EQ(outcome(send({0x2B, 0, 0, 0, 0x03, 0xE8, 0, 0, 1, 0})), "05/24/00");
}

TEST_F(ChangerCommands, ReadElementStatusRefusesWhatDoesNotExist) {
    start();
    EXPECT_EQ(outcome(send({0xB8, 0x15, 0, 0, 3, 0xE8, 0, 0, 0xFF, 0xFF})), "05/24/00");
    EXPECT_EQ(outcome(send({0xB8, 0x1F, 0, 0, 3, 0xE8, 0, 0, 0xFF, 0xFF})), "05/24/00");
    EXPECT_EQ(outcome(send({0xB8, 0x32, 0, 0, 3, 0xE8, 0, 0, 0xFF, 0xFF})), "05/24/00");
    EXPECT_EQ(outcome(send({0xB8, 0x12, 0, 0, 3, 0xE8, 2, 0, 0xFF, 0xFF})), "GOOD");  // CURDATA
}

TEST_F(ChangerCommands, TapeAlertHasOneByteForEachFlagAndNoneIsSet) {
    start();
    const auto page = data({0x4D, 0, 0x2E, 0, 0, 0, 0, 0x04, 0, 0});
    ASSERT_EQ(page.size(), 4U + 64 * 5);
    for (std::size_t flag = 0; flag < 64; ++flag) {
        EXPECT_EQ(page[4 + flag * 5 + 4], 0);
    }
    EXPECT_EQ(data({0x4D, 0, 0x00, 0, 0, 0, 0, 0x04, 0, 0}),
              (Bytes{0, 0, 0, 4, 0x00, 0x0D, 0x14, 0x2E}));
}

TEST_F(ChangerCommands, AnotherHostsReservationKeepsMovesOut) {
    start();
    create({"TL0001L8"});
    ASSERT_EQ(outcome(send({0x16}, kOtherHost)), "GOOD");
    EXPECT_EQ(outcome(move_medium(1000, 256)), "status 24");
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(outcome(send({0x12, 0, 0, 0, 36, 0})), "GOOD");
    ASSERT_EQ(outcome(send({0x17}, kOtherHost)), "GOOD");
    EXPECT_EQ(outcome(move_medium(1000, 256)), "GOOD");
}

TEST_F(ChangerCommands, AnotherHostsReservationLetsElementStatusOfCurrentDataPass) {
    start();
    ASSERT_EQ(outcome(send({0x16}, kOtherHost)), "GOOD");
    EXPECT_EQ(outcome(send({0xB8, 0x12, 0, 0, 3, 0xE8, 0x00, 0, 0xFF, 0xFF, 0, 0})), "status 24");
    EXPECT_EQ(outcome(send({0xB8, 0x12, 0, 0, 3, 0xE8, 0x02, 0, 0xFF, 0xFF, 0, 0})), "GOOD");
    EXPECT_EQ(outcome(send({0xB8, 0x12, 0, 0, 3, 0xE8, 0x03, 0, 0xFF, 0xFF, 0, 0})), "GOOD");
}

TEST_F(ChangerCommands, ReportLunsCountsChangerAndDrives) {
    start({4, 1, 3});
    const auto luns = data({0xA0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0});
    EXPECT_EQ(luns.size(), 8U + 4 * 8);
}

TEST_F(ChangerCommands, PbsReadsLibrariesOfEverySizeItPagesThrough) {
    for (const std::uint32_t slots : {1U, 24U, 999U, 1000U, 1001U, 2000U, 2500U, 60'000U}) {
        start({slots, slots % 240, 2});
        const auto status = pbs_status();
        EXPECT_EQ(status.slots.size(), slots);
        EXPECT_EQ(status.mail_slots.size(), slots % 240);
        EXPECT_EQ(status.drives.size(), 2U);
        EXPECT_EQ(status.transports.size(), 1U);
    }
}

TEST_F(ChangerCommands, PbsFollowsACartridgeThroughTheLibrary) {
    start();
    create({"TL0001L8", "TL0002L8"});
    auto status = pbs_status();
    EXPECT_EQ(status.slots[0].volume_tag, "TL0001L8");
    EXPECT_EQ(status.slots[1].volume_tag, "TL0002L8");
    EXPECT_FALSE(status.slots[2].full);
    EXPECT_EQ(status.drives[0].vendor, "IBM     ");
    EXPECT_EQ(status.drives[0].product, "ULT3580-TD8     ");
    EXPECT_EQ(status.drives[0].serial, "VTLDRV0001");
    EXPECT_EQ(status.drives[1].serial, "VTLDRV0002");

    ASSERT_EQ(outcome(move_medium(status.slots[1].address, status.drives[1].address)), "GOOD");
    status = pbs_status();
    EXPECT_FALSE(status.slots[1].full);
    EXPECT_TRUE(status.drives[1].full);
    EXPECT_EQ(status.drives[1].volume_tag, "TL0002L8");
    EXPECT_EQ(status.drives[1].source, status.slots[1].address);

    ASSERT_EQ(outcome(move_medium(status.drives[1].address, status.mail_slots[0].address)), "GOOD");
    status = pbs_status();
    EXPECT_FALSE(status.drives[1].full);
    EXPECT_EQ(status.mail_slots[0].volume_tag, "TL0002L8");
}

TEST_F(ChangerCommands, AnyCdbIsAnsweredAndMovesNothingByAccident) {
    start();
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    for (int i = 0; i < 20'000; ++i) {
        std::vector<std::uint8_t> cdb(12);
        for (auto& byte : cdb) {
            byte = static_cast<std::uint8_t>(random() % 3 == 0 ? random() & 0xFFU : 0);
        }
        const auto completion = send(cdb);
        ASSERT_EQ(completion.sense.has_value(), completion.status == scsi::Status::check_condition);
        ASSERT_LE(completion.data_in.size(), 1U << 24U);
    }
    EXPECT_EQ(drive(0).mounted(), "");
}

}  // namespace
}  // namespace tapeloft::vtl::library
