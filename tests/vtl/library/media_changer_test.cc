#include "vtl/library/media_changer.h"

#include <atomic>
#include <thread>

#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

using media::Element;
using tests::run;

class MoveMedium : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
    }
    /// Nothing has changed: the first two slots hold what they held, and both drives are empty.
    void expect_unmoved() {
        EXPECT_EQ(place_of("TL0001L8"), slot(1));
        EXPECT_EQ(place_of("TL0002L8"), slot(2));
        EXPECT_EQ(drive(0).mounted(), "");
        EXPECT_EQ(drive(1).mounted(), "");
        EXPECT_TRUE(life_->tapes.open_tapes.empty());
    }
};

TEST_F(MoveMedium, FromSlotToSlotIsDurableAndLeavesTheOldOneEmpty) {
    EXPECT_EQ(outcome(move_medium(kSlot1, 1003)), "GOOD");
    EXPECT_EQ(place_of("TL0001L8"), slot(4));
    start();
    EXPECT_EQ(place_of("TL0001L8"), slot(4));
    EXPECT_EQ(place_of("TL0002L8"), slot(2));
}

TEST_F(MoveMedium, IntoADriveMountsItAndCountsALoad) {
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive1)), "GOOD");
    EXPECT_EQ(drive(1).mounted(), "TL0001L8");
    EXPECT_EQ(drive(1).last_mover, kHost);
    EXPECT_EQ(place_of("TL0001L8"), in_drive(1));
    const auto record = life_->catalog->cartridges("default")->front();
    EXPECT_EQ(record.load_count, 1U);
    EXPECT_EQ(record.source, slot(1));
}

TEST_F(MoveMedium, OutOfADriveUnloadsItByItself) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    drive(0).bytes_written = 5000;
    EXPECT_EQ(outcome(move_medium(kDrive0, kMail1)), "GOOD");
    EXPECT_EQ(drive(0).mounted(), "");
    EXPECT_EQ(place_of("TL0001L8"), mail(1));
    EXPECT_TRUE(life_->tapes.open_tapes.empty());
    EXPECT_EQ(life_->catalog->cartridges("default")->front().bytes_written, 5000U);
}

TEST_F(MoveMedium, FromDriveToDriveKeepsTheSlotItCameFrom) {
    ASSERT_EQ(outcome(move_medium(kSlot2, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(move_medium(kDrive0, kDrive1)), "GOOD");
    EXPECT_EQ(drive(0).mounted(), "");
    EXPECT_EQ(drive(1).mounted(), "TL0002L8");
    EXPECT_EQ(changer().snapshot().back().cartridge->source, slot(2));
}

TEST_F(MoveMedium, UnknownAddressesAreInvalidElementAddresses) {
    for (const auto address :
         std::to_array<std::uint16_t>({0, 15, 17, 255, 258, 999, 1004, 65535})) {
        EXPECT_EQ(outcome(move_medium(address, kDrive0)), "05/21/01") << address;
        EXPECT_EQ(outcome(move_medium(kSlot1, address)), "05/21/01") << address;
    }
    expect_unmoved();
}

TEST_F(MoveMedium, AnotherTransportThanOursIsRefused) {
    auto cdb = move_cdb(kSlot1, kDrive0);
    cdb[3] = 1;
    EXPECT_EQ(outcome(send(cdb)), "05/21/01");
    expect_unmoved();
}

TEST_F(MoveMedium, InvertIsRefused) {
    auto cdb = move_cdb(kSlot1, kDrive0);
    cdb[10] = 1;
    EXPECT_EQ(outcome(send(cdb)), "05/24/00");
    expect_unmoved();
}

TEST_F(MoveMedium, FromAnEmptyElementIsSourceEmpty) {
    EXPECT_EQ(outcome(move_medium(1002, kDrive0)), "05/3B/0E");
    EXPECT_EQ(outcome(move_medium(kDrive0, 1002)), "05/3B/0E");
    EXPECT_EQ(outcome(move_medium(kMail1, 1002)), "05/3B/0E");
    EXPECT_EQ(outcome(move_medium(1002, 1002)), "05/3B/0E");
    expect_unmoved();
}

TEST_F(MoveMedium, ToAFullElementIsDestinationFull) {
    EXPECT_EQ(outcome(move_medium(kSlot1, kSlot2)), "05/3B/0D");
    expect_unmoved();
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(move_medium(kSlot2, kDrive0)), "05/3B/0D");
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
    EXPECT_EQ(place_of("TL0002L8"), slot(2));
}

TEST_F(MoveMedium, ToWhereItIsDoesNothingAndIsGood) {
    EXPECT_EQ(outcome(move_medium(kSlot1, kSlot1)), "GOOD");
    expect_unmoved();
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(move_medium(kDrive0, kDrive0)), "GOOD");
    EXPECT_EQ(drive(0).loads.size(), 1U);
}

TEST_F(MoveMedium, OutOfADriveThatPreventsRemovalIsRefused) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    drive(0).remove_error = Error{Errc::precondition, "removal is prevented"};
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "05/53/02");
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
}

TEST_F(MoveMedium, AGenerationTheDriveCannotReadStaysWhereItIs) {
    drive(0).insert_error = Error{Errc::unsupported, "LTO-8 cannot read it"};
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "05/30/00");
    expect_unmoved();
}

TEST_F(MoveMedium, AFailedLoadLeavesTheCartridgeWhereItWas) {
    drive(0).insert_error = Error{Errc::io, "jammed"};
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "04/53/00");
    expect_unmoved();
    EXPECT_FALSE(life_->events.events_after(0).empty());
}

TEST_F(MoveMedium, ATapeThatCannotBeOpenedStaysInItsSlot) {
    life_->tapes.open_fails = true;
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "04/53/00");
    expect_unmoved();
}

TEST_F(MoveMedium, AnArchivedCartridgeIsLoadedWhereItIsReadyInTime) {
    life_->tapes.readable_in = std::chrono::seconds(541);
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "05/3B/11");
    expect_unmoved();
    const auto events = life_->events.events_after(0);
    ASSERT_FALSE(events.empty());
    EXPECT_NE(events.back().fields.back().second.find("in about 10 min"), std::string::npos);
    EXPECT_EQ(outcome(move_medium(kSlot1, kMail1)), "GOOD") << "the robot moves it about";
    life_->tapes.readable_in = std::chrono::seconds(540);
    EXPECT_EQ(outcome(move_medium(kMail1, kDrive0)), "GOOD");
}

TEST_F(MoveMedium, ACatalogThatFailsUndoesTheLoad) {
    life_->catalog->moves_fail = true;
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "04/44/00");
    EXPECT_EQ(outcome(move_medium(kSlot1, kMail1)), "04/44/00");
    expect_unmoved();
}

TEST_F(MoveMedium, ACatalogThatFailsPutsTheTapeBackIntoItsDrive) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    life_->catalog->moves_fail = true;
    for (const auto to : {kSlot1, kMail1, kDrive1}) {
        EXPECT_EQ(outcome(move_medium(kDrive0, to)), "04/44/00");
        EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
        EXPECT_EQ(drive(0).mounted(), "TL0001L8");
        EXPECT_FALSE(drive(0).last_mover) << "it was rewound: the mover's host is told, too";
        EXPECT_EQ(drive(1).mounted(), "");
    }
    life_->catalog->moves_fail = false;
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "GOOD");
    expect_unmoved();
}

TEST_F(MoveMedium, AFlushThatFailsKeepsTheCartridgeInItsDrive) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    drive(0).remove_error = Error{Errc::io, "fdatasync failed"};
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "04/53/00");
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    drive(0).remove_error.reset();
    life_->tapes.close_fails = true;
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "04/53/00");
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
    EXPECT_FALSE(life_->events.events_after(0).empty());
}

TEST_F(MoveMedium, WhatCannotBePutBackCanStillBeMovedOut) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    life_->catalog->moves_fail = true;
    life_->tapes.open_fails = true;
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "04/44/00");
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    EXPECT_EQ(drive(0).mounted(), "");
    life_->catalog->moves_fail = false;
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "GOOD");
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
}

TEST_F(MoveMedium, NeverGivesItsOwnOrAnyNexusAnAttentionOnTheChanger) {
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_EQ(outcome(send({0x00})), "GOOD");
    EXPECT_EQ(outcome(send({0x00}, kOtherHost)), "GOOD");
}

class Restart : public tests::LibraryTest {};

TEST_F(Restart, CartridgesInDrivesAreMountedAgain) {
    start();
    create({"TL0001L8", "TL0002L8"});
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive1)), "GOOD");
    start();  // the first life was killed
    EXPECT_EQ(drive(0).mounted(), "");
    EXPECT_EQ(drive(1).mounted(), "TL0001L8");
    EXPECT_EQ(drive(1).last_mover, std::nullopt);
    EXPECT_EQ(place_of("TL0001L8"), in_drive(1));
    EXPECT_EQ(outcome(move_medium(kDrive1, kSlot1)), "GOOD");
}

TEST_F(Restart, AnOrderlyEndUnloadsAndRemembers) {
    start();
    create({"TL0001L8"});
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    ASSERT_TRUE(run(life_->context, changer().stop()));
    EXPECT_EQ(drive(0).mounted(), "");
    EXPECT_TRUE(life_->tapes.open_tapes.empty());
    start();
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
}

TEST_F(Restart, AKillAtAnyStepOfAMoveLeavesTheCartridgeInOnePlace) {
    start();
    create({"TL0001L8"});
    std::uint16_t at = kSlot1;
    int kills_before_the_end = 0;
    for (const std::uint16_t to : {kDrive0, kDrive1, kMail1, kDrive0, kSlot2}) {
        // The life ends after `steps` turns of its event loop, whatever the move is doing then.
        for (int steps = 0;; ++steps) {
            bool done = false;
            boost::asio::co_spawn(changer().executor(),
                                  changer().execute(task(move_cdb(at, to), kHost)),
                                  [&](std::exception_ptr, scsi::Completion completion) {
                                      done = true;
                                      EXPECT_EQ(outcome(completion), "GOOD");
                                  });
            life_->context.restart();
            for (int i = 0; i < steps && life_->context.poll_one() != 0; ++i) {
            }
            start();
            const auto place = place_of("TL0001L8");
            ASSERT_TRUE(place);
            const auto address = address_of(*place);
            ASSERT_TRUE(address == at || address == to) << address;
            if (place->kind == media::ElementKind::drive) {
                EXPECT_EQ(drive(place->index).mounted(), "TL0001L8");
            }
            if (address == to) {
                break;
            }
            ASSERT_FALSE(done) << "answered GOOD, yet it was not durable";
            ASSERT_LT(steps, 1000);
            ++kills_before_the_end;
        }
        at = to;
    }
    EXPECT_GE(kills_before_the_end, 10);
}

TEST_F(Restart, AFailingMountLeavesTheCartridgeInItsDriveWithAnEvent) {
    start();
    create({"TL0001L8"});
    ASSERT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    life_.reset();
    life_ = std::make_unique<tests::LibraryLife>(directory_.path(), tests::LibraryShape{});
    life_->tapes.open_fails = true;
    ASSERT_TRUE(run(life_->context, changer().start()));
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    ASSERT_FALSE(life_->events.events_after(0).empty());
    EXPECT_EQ(life_->events.events_after(0).back().severity, Severity::error);
}

TEST_F(Restart, ALibraryThatGrewKeepsItsCartridges) {
    start();
    create({"TL0001L8"}, slot(4));
    start({100, 5, 3});
    EXPECT_EQ(place_of("TL0001L8"), slot(4));
}

TEST_F(Restart, ALibraryThatShrankBelowACartridgeIsRefusedByName) {
    start();
    create({"TL0001L8"}, slot(4));
    life_.reset();
    life_ = std::make_unique<tests::LibraryLife>(directory_.path(), tests::LibraryShape{3, 1, 2});
    const auto refused = run(life_->context, changer().start());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_NE(refused.error().message.find("TL0001L8"), std::string::npos);
    EXPECT_NE(refused.error().message.find("slot 4"), std::string::npos);
}

class Administration : public tests::LibraryTest {
  protected:
    void SetUp() override { start(); }
};

TEST_F(Administration, NewCartridgesGoToTheFirstFreeSlots) {
    create({"TL0001L8"}, slot(2));
    create({"TL0002L8", "TL0003L8"});
    EXPECT_EQ(place_of("TL0002L8"), slot(1));
    EXPECT_EQ(place_of("TL0003L8"), slot(3));
}

TEST_F(Administration, ACartridgeInAMailSlotTellsHostsThatImportExportWasAccessed) {
    auto created = run(life_->context, changer().create_cartridges({"TL0001L8"}, {}, mail(1)));
    ASSERT_TRUE(created);
    EXPECT_EQ(outcome(send({0x00})), "06/28/01");
    EXPECT_EQ(outcome(send({0x00})), "GOOD");
    EXPECT_EQ(outcome(send({0x00}, kOtherHost)), "06/28/01");
    ASSERT_TRUE(run(life_->context, changer().delete_cartridge("TL0001L8")));
    EXPECT_EQ(outcome(send({0x00})), "06/28/01");
    EXPECT_EQ(life_->tapes.discarded, std::vector<std::string>{"TL0001L8"});
}

TEST_F(Administration, AChangeInSlotsTellsHostsThatMediaMayHaveChanged) {
    ASSERT_TRUE(run(life_->context, changer().create_cartridges({"TL0001L8"}, {}, {})));
    EXPECT_EQ(outcome(send({0x00})), "06/28/00");
    ASSERT_TRUE(admin_move("TL0001L8", slot(3)));
    EXPECT_EQ(outcome(send({0x00})), "06/28/00");
    ASSERT_TRUE(admin_move("TL0001L8", slot(3)));
    EXPECT_EQ(outcome(send({0x00})), "GOOD");
}

TEST_F(Administration, LockedMailSlotsAreRefused) {
    ASSERT_EQ(outcome(send({0x1E, 0, 0, 0, 1, 0})), "GOOD");
    const auto refused =
        run(life_->context, changer().create_cartridges({"TL0001L8"}, {}, mail(1)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_EQ(place_of("TL0001L8"), std::nullopt);
    ASSERT_EQ(outcome(send({0x1E, 0, 0, 0, 0, 0})), "GOOD");
    create({"TL0001L8"}, mail(1));
}

TEST_F(Administration, MovesAreCheckedAsThoseOfHosts) {
    create({"TL0001L8", "TL0002L8"});
    EXPECT_EQ(admin_move("TL0009L8", slot(3)).error().code, Errc::not_found);
    EXPECT_EQ(admin_move("TL0001L8", slot(5)).error().code, Errc::not_found);
    EXPECT_EQ(admin_move("TL0001L8", in_drive(2)).error().code, Errc::not_found);
    EXPECT_EQ(admin_move("TL0001L8", slot(2)).error().code, Errc::precondition);
    ASSERT_TRUE(admin_move("TL0001L8", in_drive(0)));
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
    EXPECT_EQ(drive(0).last_mover, std::nullopt);
    drive(0).remove_error = Error{Errc::precondition, "removal is prevented"};
    EXPECT_EQ(admin_move("TL0001L8", slot(3)).error().code, Errc::precondition);
}

TEST_F(Administration, AReservedChangerMovesNothingForTheAdministrator) {
    create({"TL0001L8"});
    ASSERT_EQ(outcome(send({0x16})), "GOOD");
    EXPECT_EQ(admin_move("TL0001L8", slot(3)).error().code, Errc::precondition);
    ASSERT_EQ(outcome(send({0x17})), "GOOD");
    EXPECT_TRUE(admin_move("TL0001L8", slot(3)));
}

TEST_F(Administration, ACartridgeInADriveCannotBeDeleted) {
    create({"TL0001L8"});
    ASSERT_TRUE(admin_move("TL0001L8", in_drive(0)));
    EXPECT_EQ(run(life_->context, changer().delete_cartridge("TL0001L8")).error().code,
              Errc::precondition);
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
    EXPECT_EQ(run(life_->context, changer().delete_cartridge("TL0009L8")).error().code,
              Errc::not_found);
}

TEST_F(Administration, ARangeThatDoesNotFitCreatesNothing) {
    create({"TL0001L8"}, slot(2));
    EXPECT_FALSE(
        run(life_->context,
            changer().create_cartridges({"TL0002L8", "TL0003L8", "TL0004L8", "TL0005L8"}, {}, {})));
    EXPECT_FALSE(
        run(life_->context, changer().create_cartridges({"TL0002L8", "TL0003L8"}, {}, slot(1))));
    EXPECT_FALSE(
        run(life_->context, changer().create_cartridges({"TL0002L8", "TL0001L8"}, {}, {})));
    EXPECT_FALSE(run(life_->context, changer().create_cartridges({"TL0002L8", "bad"}, {}, {})));
    EXPECT_EQ(place_of("TL0002L8"), std::nullopt);
    EXPECT_EQ(outcome(send({0x00})), "GOOD");
}

class BesideAMove : public tests::LibraryTest {
  protected:
    void SetUp() override {
        start();
        create({"TL0001L8", "TL0002L8"});
        gate_.emplace(life_->context, boost::asio::steady_timer::time_point::max());
        drive(0).gate = &*gate_;
    }
    void TearDown() override { gate_.reset(); }

    void submit(std::vector<std::uint8_t> cdb, std::string name, scsi::ItNexusId nexus = kHost) {
        boost::asio::co_spawn(changer().executor(), changer().execute(task(std::move(cdb), nexus)),
                              [this, name](std::exception_ptr, scsi::Completion completion) {
                                  answers_.push_back(name + " " + outcome(completion));
                              });
        poll();
    }
    void poll() {
        life_->context.restart();
        life_->context.poll();
    }
    void let_drive_go_on() {
        drive(0).gate = nullptr;
        gate_->cancel();
        poll();
    }

    std::optional<boost::asio::steady_timer> gate_;
    std::vector<std::string> answers_;
};

TEST_F(BesideAMove, QueriesAreAnsweredWhileADriveLoads) {
    submit(move_cdb(kSlot1, kDrive0), "move");
    submit({0xB8, 0x12, 0, 0, 0x03, 0xE8, 0, 0, 0xFF, 0xFF}, "status");
    submit({0x4D, 0, 0x2E, 0, 0, 0, 0, 0x02, 0, 0}, "log");
    submit({0x12, 0, 0, 0, 96, 0}, "inquiry");
    submit({0x1A, 0x08, 0x1D, 0, 0xFF, 0}, "mode", kOtherHost);
    submit({0x07}, "initialize", kOtherHost);
    EXPECT_EQ(answers_, (std::vector<std::string>{"status GOOD", "log GOOD", "inquiry GOOD",
                                                  "mode GOOD", "initialize GOOD"}));
    let_drive_go_on();
    EXPECT_EQ(answers_.back(), "move GOOD");
    EXPECT_EQ(drive(0).mounted(), "TL0001L8");
}

TEST_F(BesideAMove, AnotherDriveIsLoadedAndUnloadedWhileTheFirstTakesItsTime) {
    submit(move_cdb(kSlot1, kDrive0), "slow");
    submit(move_cdb(kSlot2, kDrive1), "load", kOtherHost);
    EXPECT_EQ(drive(1).mounted(), "TL0002L8");
    submit(move_cdb(kDrive1, 1003), "unload");
    EXPECT_EQ(answers_, (std::vector<std::string>{"load GOOD", "unload GOOD"}));
    EXPECT_EQ(place_of("TL0002L8"), slot(4));
    EXPECT_EQ(place_of("TL0001L8"), slot(1));  // not before the drive has it
    let_drive_go_on();
    EXPECT_EQ(answers_.back(), "slow GOOD");
    EXPECT_EQ(place_of("TL0001L8"), in_drive(0));
}

TEST_F(BesideAMove, AMoveThatNeedsTheSameElementWaitsAndThenSeesWhatTheFirstDid) {
    submit(move_cdb(kSlot1, kDrive0), "first");
    submit(move_cdb(kSlot2, kDrive0), "same drive");
    submit(move_cdb(kSlot1, kMail1), "same slot");
    submit(move_cdb(kSlot2, kMail1), "behind both");
    EXPECT_TRUE(answers_.empty());
    let_drive_go_on();
    std::sort(answers_.begin(), answers_.end());
    EXPECT_EQ(answers_, (std::vector<std::string>{"behind both GOOD", "first GOOD",
                                                  "same drive 05/3B/0D", "same slot 05/3B/0E"}));
    EXPECT_EQ(place_of("TL0002L8"), mail(1));
}

TEST_F(BesideAMove, TheAdministratorMovesBesideItAndFollowsTheCartridgeHeNamed) {
    submit(move_cdb(kSlot1, kDrive0), "slow");
    std::vector<std::string> done;
    const auto administrator = [&](std::string barcode, media::Element to) {
        boost::asio::co_spawn(changer().executor(), changer().move(barcode, to),
                              [&done, barcode](std::exception_ptr, Result<void> moved) {
                                  done.push_back(barcode + (moved ? " moved" : " failed"));
                              });
        poll();
    };
    administrator("TL0001L8", mail(1));  // waits, and finds it in the drive
    administrator("TL0002L8", in_drive(1));
    EXPECT_EQ(done, (std::vector<std::string>{"TL0002L8 moved"}));
    let_drive_go_on();
    EXPECT_EQ(done.back(), "TL0001L8 moved");
    EXPECT_EQ(place_of("TL0001L8"), mail(1));
    EXPECT_EQ(drive(0).mounted(), "");
}

TEST_F(BesideAMove, AReservationWaitsForItAndLaterMovesWaitForTheReservation) {
    submit(move_cdb(kSlot1, kDrive0), "move");
    submit({0x16}, "reserve", kOtherHost);
    submit(move_cdb(kSlot2, kDrive1), "later move");
    EXPECT_TRUE(answers_.empty());
    let_drive_go_on();
    EXPECT_EQ(answers_,
              (std::vector<std::string>{"move GOOD", "reserve GOOD", "later move status 24"}));
}

TEST_F(BesideAMove, AnAbortOfWhatShutsOthersOutLetsThemGoOn) {
    submit(move_cdb(kSlot1, kDrive0), "move");
    auto reserve = task({0x16}, kOtherHost);
    boost::asio::co_spawn(changer().executor(), changer().execute(reserve), boost::asio::detached);
    submit(move_cdb(kSlot2, kDrive1), "later move");
    EXPECT_TRUE(answers_.empty());
    boost::asio::co_spawn(changer().executor(), changer().abort_task(kOtherHost, reserve.tag),
                          boost::asio::detached);
    poll();
    EXPECT_EQ(answers_, (std::vector<std::string>{"later move GOOD"}));
    let_drive_go_on();
}

TEST_F(BesideAMove, AKillLeavesEveryCartridgeOfSeveralMovesInOnePlace) {
    submit(move_cdb(kSlot1, kDrive0), "slow");
    submit(move_cdb(kSlot2, kDrive0), "waits for it");
    submit({0x16}, "waits for both", kOtherHost);
    submit(move_cdb(kSlot2, kDrive1), "waits for the reservation");
    gate_.reset();
    start();
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(place_of("TL0002L8"), slot(2));
}

class Concurrency : public tests::LibraryTest {};

// Several threads, several hosts: moves back and forth, status queries and the administrator at
// once.
TEST_F(Concurrency, ManyHostsNeverSeeBusyAndEveryCartridgeStaysInOnePlace) {
    start();
    create({"TL0001L8", "TL0002L8"});
    std::atomic<int> unexpected = 0;
    const auto host = [this, &unexpected](std::uint16_t slot_address, std::uint16_t drive_address,
                                          scsi::ItNexusId nexus) -> Awaitable<void> {
        for (int i = 0; i < 20; ++i) {
            const auto from = i % 2 == 0 ? slot_address : drive_address;
            const auto to = i % 2 == 0 ? drive_address : slot_address;
            auto moved = co_await changer().execute(task(move_cdb(from, to), nexus));
            unexpected += outcome(moved) == "GOOD" ? 0 : 1;
        }
    };
    const auto poller = [this, &unexpected]() -> Awaitable<void> {
        for (int i = 0; i < 100; ++i) {
            std::vector<std::uint8_t> cdb{0xB8, 0x10, 0, 0, 0x03, 0xE8, 0, 0, 0xFF, 0xFF};
            auto status = co_await changer().execute(task(std::move(cdb), kHost));
            int full = 0;
            const auto report = status.data_in.view();
            for (std::size_t at = 8; at < report.size();) {
                const auto length = load_big_endian<3>(report.subspan(at + 5));
                for (std::size_t d = at + 8; d < at + 8 + length; d += 52) {
                    full += report[d + 2] & 1;
                }
                at += 8 + length;
            }
            unexpected += outcome(status) == "GOOD" && full == 2 ? 0 : 1;
            boost::asio::steady_timer yield(changer().executor(), std::chrono::microseconds(50));
            co_await yield.async_wait(boost::asio::use_awaitable);
        }
    };
    const auto executor = changer().executor();
    boost::asio::co_spawn(executor, host(kSlot1, kDrive0, kHost), boost::asio::detached);
    boost::asio::co_spawn(executor, host(kSlot2, kDrive1, kOtherHost), boost::asio::detached);
    boost::asio::co_spawn(executor, poller(), boost::asio::detached);
    life_->context.restart();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([this] { life_->context.run(); });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(unexpected, 0);
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_EQ(place_of("TL0002L8"), slot(2));
}

TEST(MediaChangerCreate, ImpossibleShapesAreRefused) {
    const tests::TemporaryDirectory directory;
    tests::LibraryLife life(directory.path(), {});
    const auto create = [&life](std::uint32_t slots, std::uint32_t mail, std::size_t drives) {
        MediaChanger::Settings settings;
        settings.executor = life.context.get_executor();
        settings.serial = "VTLCHG0001";
        settings.slots = slots;
        settings.import_export_slots = mail;
        std::vector<DriveBay*> bays(drives, life.drives[0].get());
        auto created = MediaChanger::create(settings, *life.store, bays, life.events);
        return created ? std::optional<Errc>() : created.error().code;
    };
    EXPECT_EQ(create(1, 0, 1), std::nullopt);
    EXPECT_EQ(create(60'000, 239, 32), std::nullopt);
    EXPECT_EQ(create(0, 0, 1), Errc::invalid_argument);
    EXPECT_EQ(create(60'001, 0, 1), Errc::invalid_argument);
    EXPECT_EQ(create(1, 240, 1), Errc::invalid_argument);
    EXPECT_EQ(create(1, 0, 0), Errc::invalid_argument);
    EXPECT_EQ(create(1, 0, 33), Errc::invalid_argument);
}

}  // namespace
}  // namespace tapeloft::vtl::library
