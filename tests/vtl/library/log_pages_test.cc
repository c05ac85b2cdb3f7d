// The log pages of a changer.
#include <map>

#include <gtest/gtest.h>

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

class ChangerLogPages : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
    }
    /// Log page 14h by parameter code.
    std::map<unsigned, std::uint64_t> counters() {
        take_attentions();
        const auto reply = send({0x4D, 0, 0x54, 0, 0, 0, 0, 0x04, 0, 0});
        const ByteView page = reply.data_in.view();
        EXPECT_EQ(page.size(), 4U + 12 * 8);
        EXPECT_EQ(load_big_endian<2>(page.subspan(2)), page.size() - 4);
        std::map<unsigned, std::uint64_t> found;
        for (std::size_t at = 4; at + 8 <= page.size(); at += 8) {
            EXPECT_EQ(page[at + 3], 4);
            found[static_cast<unsigned>(load_big_endian<2>(page.subspan(at)))] =
                load_big_endian<4>(page.subspan(at + 4));
        }
        return found;
    }
    /// The counters that have changed by then, as "code:+n ".
    std::string counted(const std::map<unsigned, std::uint64_t>& before) {
        std::string text;
        for (const auto& [code, value] : counters()) {
            if (value != before.at(code)) {
                text += std::to_string(code) + ":+" + std::to_string(value - before.at(code)) + " ";
            }
        }
        return text;
    }
};

TEST_F(ChangerLogPages, AreTemperatureStatisticsAndTapeAlert) {
    const auto list = [this](std::uint8_t subpage) {
        const auto reply = send({0x4D, 0, 0x40, subpage, 0, 0, 0, 1, 0, 0});
        const auto bytes = reply.data_in.view();
        return Bytes(bytes.begin(), bytes.end());
    };
    EXPECT_EQ(list(0), (Bytes{0, 0, 0, 4, 0, 0x0D, 0x14, 0x2E}));
    EXPECT_EQ(list(0xFF), (Bytes{0x40, 0xFF, 0, 10, 0, 0, 0, 0xFF, 0x0D, 0, 0x14, 0, 0x2E, 0}));
    const auto reply = send({0x4D, 0, 0x4D, 0, 0, 0, 0, 1, 0, 0});
    const auto temperature = reply.data_in.view();
    EXPECT_EQ(Bytes(temperature.begin(), temperature.end()),
              (Bytes{0x0D, 0, 0, 12, 0, 0, 3, 2, 0, 0xFF, 0, 1, 3, 2, 0, 0xFF}));
}

TEST_F(ChangerLogPages, StatisticsCountWhatTheRobotAndPeopleDo) {
    auto before = counters();
    const auto expect = [&](const char* changes) {
        EXPECT_EQ(counted(before), changes);
        before = counters();
    };
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    expect("0:+1 1:+1 3:+1 ");
    ASSERT_EQ(outcome(move_medium(kDrive0, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "05/3B/0E");
    expect("");
    ASSERT_EQ(outcome(send({0xA6, 0, 0, 0, 0x03, 0xE9, 0x01, 0, 0x03, 0xE8, 0, 0})), "GOOD");
    expect("0:+2 1:+2 3:+2 ");
    ASSERT_TRUE(admin_move("TL0002L8", slot(3)));
    expect("0:+1 1:+1 3:+1 ");
    drive(0).insert_error = Error{Errc::io, "jammed"};
    EXPECT_EQ(outcome(move_medium(1002, kDrive0)), "04/53/00");
    expect("10:+1 ");
    create({"TL0003L8"});
    expect("5:+1 7:+1 ");
    ASSERT_TRUE(tests::run(life_->context, changer().export_cartridge("TL0003L8")));
    expect("0:+1 1:+1 3:+1 8:+1 ");
    ASSERT_TRUE(tests::run(life_->context, changer().import_cartridge("TL0003L8", {})));
    expect("5:+1 8:+1 ");
    ASSERT_TRUE(tests::run(life_->context, changer().open_mail_slots()));
    ASSERT_TRUE(tests::run(life_->context, changer().export_cartridge("TL0003L8")));
    ASSERT_TRUE(tests::run(life_->context, changer().close_mail_slots()));
    take_attentions();
    expect("8:+1 ");
}

TEST_F(ChangerLogPages, StatisticsAreThoseOfTheChangersLifeAndNoHostResetsThem) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    const auto before = counters();
    EXPECT_EQ(outcome(send({0x4C, 2, 0x54, 0, 0, 0, 0, 0, 0, 0})), "05/24/00");
    EXPECT_EQ(outcome(send({0x4C, 2, 0x40, 0, 0, 0, 0, 0, 0, 0})), "GOOD");
    EXPECT_EQ(counted(before), "");
}

TEST_F(ChangerLogPages, StatisticsOutliveARestart) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    const auto before = counters();
    start();  // the one before was killed
    EXPECT_EQ(counted(before), "5:+2 9:+1 ") << "the labels are read again";
    EXPECT_EQ(before.at(9), 1U);
}

TEST_F(ChangerLogPages, StatisticsThatCannotBeKeptAreCountedAndOneEvent) {
    memory_->put_error = Error{Errc::io, "the disk failed"};
    const auto events = [this] {
        std::size_t count = 0;
        for (const auto& event : life_->events.events_after(0)) {
            count += event.message.find("counters of the changer") != std::string::npos ? 1U : 0U;
        }
        return count;
    };
    const auto before = counters();
    ASSERT_EQ(outcome(move_medium(kSlot1, kMail1)), "GOOD");
    ASSERT_EQ(outcome(move_medium(kMail1, kSlot1)), "GOOD");
    EXPECT_EQ(counted(before), "0:+2 1:+2 3:+2 ");
    EXPECT_EQ(events(), 1U);
    memory_->put_error.reset();
    ASSERT_TRUE(tests::run(life_->context, changer().stop())) << "tries once more";
    start();
    EXPECT_EQ(counted(before), "0:+2 1:+2 3:+2 5:+2 9:+1 ");
}

TEST_F(ChangerLogPages, OfAVersionThatIsNotKnownBeginAtZero) {
    ASSERT_TRUE(tests::run(life_->context, memory_->put("changer_statistics", Bytes{9, 1, 2})));
    start();
    EXPECT_EQ(counters().at(0), 0U);
    EXPECT_EQ(counters().at(9), 1U);
}

TEST_F(ChangerLogPages, AnExchangeThatADriveFailsIsAnAlertToo) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    drive(0).remove_error = Error{Errc::io, "stuck"};
    EXPECT_EQ(outcome(send({0xA6, 0, 0, 0, 0x03, 0xE9, 0x01, 0, 0x03, 0xE8, 0, 0})), "04/53/00");
    const auto reply = send({0x4D, 0, 0x6E, 0, 0, 0, 0, 0x04, 0, 0});
    EXPECT_EQ(reply.data_in.view()[4 + 14 * 5 + 4], 1);
}

TEST_F(ChangerLogPages, AFailedMoveIsATapeAlertUntilOneWorks) {
    const auto flags = [this](scsi::ItNexusId nexus) {
        const auto got = send({0x4D, 0, 0x2E, 0, 0, 0, 0, 0x04, 0, 0}, nexus);
        const ByteView page = got.data_in.view();
        EXPECT_EQ(page.size(), 4U + 64 * 5);
        std::string text;
        for (std::size_t flag = 1; flag <= 64; ++flag) {
            text += page[4 + (flag - 1) * 5 + 4] != 0 ? std::to_string(flag) + " " : "";
        }
        return text;
    };
    drive(0).insert_error = Error{Errc::io, "jammed"};
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "04/53/00");
    life_->catalog->moves_fail = true;
    EXPECT_EQ(outcome(move_medium(kSlot1, kMail1)), "04/44/00");
    EXPECT_EQ(flags(kHost), "15 24 ");
    EXPECT_EQ(flags(kHost), "") << "told once";
    EXPECT_EQ(flags(kOtherHost), "15 24 ") << "and every nexus for itself";
    life_->catalog->moves_fail = false;
    drive(0).insert_error.reset();
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(flags(kOtherHost), "");
}

}  // namespace
}  // namespace tapeloft::vtl::library
