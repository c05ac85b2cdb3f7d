// Mail slots: a person opens, fills and empties them; hosts lock them and hear of it.
#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

using media::Element;
using tests::run;

class MailSlotsTest : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start({4, 2, 2});
        create({"TL0001L8", "TL0002L8", "TL0003L8"});
    }
    void restart() { start({4, 2, 2}); }

    Result<Element> take_out(const std::string& barcode) {
        return run(life_->context, changer().export_cartridge(barcode));
    }
    Result<Element> bring_in(const std::string& barcode, std::optional<Element> where = {}) {
        return run(life_->context, changer().import_cartridge(barcode, where));
    }
    Result<void> open() { return run(life_->context, changer().open_mail_slots()); }
    Result<void> close() { return run(life_->context, changer().close_mail_slots()); }
    static std::vector<std::uint8_t> open_close(std::uint16_t address, std::uint8_t action) {
        return {0x1B,
                0,
                static_cast<std::uint8_t>(address >> 8U),
                static_cast<std::uint8_t>(address & 0xFFU),
                action,
                0};
    }
    void prevent(bool on) {
        ASSERT_EQ(outcome(send({0x1E, 0, 0, 0, static_cast<std::uint8_t>(on ? 1 : 0), 0})), "GOOD");
    }
    /// Both hosts are told of it once.
    void expect_attentions(const std::string& expected) {
        for (const auto nexus : {kHost, kOtherHost}) {
            EXPECT_EQ(outcome(send({0x00}, nexus)), expected);
            EXPECT_EQ(outcome(send({0x00}, nexus)), "GOOD");
        }
    }
};

TEST_F(MailSlotsTest, ExportTakesACartridgeOutAndImportBringsItBackWithEveryHostTold) {
    const auto out = take_out("TL0001L8");
    ASSERT_TRUE(out) << out.error().message;
    EXPECT_EQ(*out, mail(1));
    expect_attentions("06/28/01");
    EXPECT_EQ(changer().cartridge("TL0001L8")->element, media::kOutside);
    EXPECT_EQ(changer().cartridge("TL0001L8")->source, std::nullopt);
    EXPECT_EQ(changer().cartridges().size(), 3U);
    EXPECT_EQ(outcome(move_medium(kSlot1, kSlot1)), "05/3B/0E");
    restart();
    EXPECT_EQ(changer().cartridge("TL0001L8")->element, media::kOutside);

    const auto in = bring_in("TL0001L8", mail(2));
    ASSERT_TRUE(in) << in.error().message;
    EXPECT_EQ(*in, mail(2));
    expect_attentions("06/28/01");
    EXPECT_EQ(place_of("TL0001L8"), mail(2));
    const auto report = send({0xB8, 0x03, 0, 17, 0, 1, 0, 0, 0xFF, 0xFF, 0, 0});
    EXPECT_EQ(report.data_in.view()[8 + 8 + 2] & 0x03, 0x03);  // FULL, IMPEXP: by an operator
    restart();
    EXPECT_EQ(place_of("TL0001L8"), mail(2));
    EXPECT_EQ(outcome(move_medium(17, kSlot1)), "GOOD");
}

TEST_F(MailSlotsTest, ExportOutOfADriveUnloadsIt) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    ASSERT_TRUE(take_out("TL0001L8"));
    EXPECT_EQ(drive(0).mounted(), "");
    EXPECT_TRUE(life_->tapes.open_tapes.empty());
}

TEST_F(MailSlotsTest, WhatIsInsideIsNotImportedAndWhatIsOutsideNeitherExportedNorMoved) {
    EXPECT_EQ(bring_in("TL0001L8").error().code, Errc::precondition);
    EXPECT_EQ(bring_in("TL0009L8").error().code, Errc::not_found);
    EXPECT_EQ(take_out("TL0009L8").error().code, Errc::not_found);
    ASSERT_TRUE(take_out("TL0001L8"));
    EXPECT_EQ(take_out("TL0001L8").error().code, Errc::precondition);
    EXPECT_EQ(admin_move("TL0001L8", slot(4)).error().code, Errc::precondition);
    EXPECT_EQ(bring_in("TL0001L8", slot(4)).error().code, Errc::not_found);
    EXPECT_EQ(bring_in("TL0001L8", mail(3)).error().code, Errc::not_found);
}

TEST_F(MailSlotsTest, ACartridgeOutsideCanBeDeletedAndNoHostHearsOfIt) {
    ASSERT_TRUE(take_out("TL0001L8"));
    take_attentions();
    ASSERT_TRUE(run(life_->context, changer().delete_cartridge("TL0001L8")));
    EXPECT_EQ(changer().cartridge("TL0001L8"), std::nullopt);
    expect_attentions("GOOD");
}

TEST_F(MailSlotsTest, WithoutAFreeMailSlotNothingComesOrGoes) {
    ASSERT_TRUE(take_out("TL0001L8"));
    ASSERT_EQ(outcome(send({0x00})), "06/28/01");
    ASSERT_EQ(outcome(move_medium(1001, 16)), "GOOD");
    ASSERT_EQ(outcome(move_medium(kSlot3, 17)), "GOOD");
    EXPECT_EQ(bring_in("TL0001L8").error().code, Errc::precondition);
    EXPECT_EQ(bring_in("TL0001L8", mail(1)).error().code, Errc::precondition);
    ASSERT_TRUE(take_out("TL0002L8"));  // from the mail slot it stands in
    EXPECT_TRUE(bring_in("TL0001L8"));
}

TEST_F(MailSlotsTest, AHostThatPreventsRemovalKeepsThemShut) {
    prevent(true);
    EXPECT_EQ(open().error().code, Errc::precondition);
    EXPECT_FALSE(changer().mail_slots().open);
    EXPECT_TRUE(changer().mail_slots().locked);
    EXPECT_NE(open().error().message.find("locked"), std::string::npos);
    EXPECT_EQ(take_out("TL0001L8").error().code, Errc::precondition);
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(outcome(send(open_close(kMail1, 0), kOtherHost)), "05/53/02");
    prevent(false);
    ASSERT_TRUE(take_out("TL0001L8"));
    take_attentions();
    prevent(true);
    EXPECT_EQ(bring_in("TL0001L8").error().code, Errc::precondition);
}

TEST_F(MailSlotsTest, OpenOnesAreFilledByHandAndOutOfTheRobotsReachUntilTheyClose) {
    ASSERT_EQ(outcome(move_medium(kSlot3, kMail1)), "GOOD");
    ASSERT_TRUE(take_out("TL0001L8"));
    take_attentions();
    ASSERT_TRUE(open());
    expect_attentions("GOOD");
    EXPECT_EQ(outcome(move_medium(kMail1, kSlot1)), "05/3B/11");
    EXPECT_EQ(outcome(move_medium(1001, 17)), "05/3B/11");
    EXPECT_EQ(outcome(send({0xA6, 0, 0, 0, 0, 16, 3, 0xE9, 3, 0xEA, 0, 0})), "05/3B/11");
    EXPECT_EQ(take_out("TL0002L8").error().code, Errc::precondition);  // only the robot can
    ASSERT_TRUE(take_out("TL0003L8"));
    ASSERT_TRUE(bring_in("TL0001L8"));
    expect_attentions("GOOD");
    EXPECT_EQ(outcome(move_medium(1001, 1003)), "GOOD");  // other elements are in reach
    ASSERT_TRUE(close());
    expect_attentions("06/28/01");
    EXPECT_EQ(outcome(move_medium(kMail1, kSlot1)), "GOOD");
    ASSERT_TRUE(close());
    expect_attentions("GOOD");
}

TEST_F(MailSlotsTest, AHostOpensAndClosesThemByCommandAndTheOthersHearOfTheEnd) {
    EXPECT_EQ(outcome(send(open_close(kSlot1, 0))), "05/21/01");
    EXPECT_EQ(outcome(send(open_close(kMail1, 2))), "05/24/00");
    EXPECT_EQ(outcome(send(open_close(kMail1, 0))), "GOOD");
    EXPECT_EQ(outcome(send(open_close(17, 0))), "GOOD");
    EXPECT_TRUE(changer().mail_slots().open);
    EXPECT_EQ(outcome(send(open_close(17, 1))), "GOOD");
    EXPECT_FALSE(changer().mail_slots().open);
    EXPECT_EQ(outcome(send({0x00})), "GOOD");
    EXPECT_EQ(outcome(send({0x00}, kOtherHost)), "06/28/01");
}

TEST_F(MailSlotsTest, StayOpenOverARestart) {
    ASSERT_TRUE(open());
    restart();
    EXPECT_TRUE(changer().mail_slots().open);
    memory_->put_error = Error{Errc::io, "the disk failed"};
    EXPECT_FALSE(close());
    EXPECT_TRUE(changer().mail_slots().open);
    memory_->put_error.reset();
    ASSERT_TRUE(close());
    restart();
    EXPECT_FALSE(changer().mail_slots().open);
}

TEST_F(MailSlotsTest, ALibraryWithoutThemSaysSo) {
    start({4, 0, 2});
    EXPECT_EQ(open().error().code, Errc::precondition);
    EXPECT_EQ(take_out("TL0001L8").error().code, Errc::precondition);
}

TEST_F(MailSlotsTest, AnExportThatCannotBeRecordedChangesNothing) {
    life_->catalog->moves_fail = true;
    EXPECT_EQ(take_out("TL0001L8").error().code, Errc::io);
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    life_->catalog->moves_fail = false;
    ASSERT_TRUE(take_out("TL0001L8"));
    life_->catalog->moves_fail = true;
    EXPECT_EQ(bring_in("TL0001L8").error().code, Errc::io);
    EXPECT_EQ(changer().cartridge("TL0001L8")->element, media::kOutside);
}

TEST_F(MailSlotsTest, AReservationKeepsTheRobotFromExporting) {
    ASSERT_EQ(outcome(send({0x16})), "GOOD");
    EXPECT_EQ(take_out("TL0001L8").error().code, Errc::precondition);
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
}

}  // namespace
}  // namespace tapeloft::vtl::library
