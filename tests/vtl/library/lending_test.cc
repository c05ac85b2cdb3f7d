// Cartridges that somebody reads beside the drives, and those that come in from another library.
#include "tests/vtl/library/library_fixture.h"

namespace tapeloft::vtl::library {
namespace {

using tests::run;

Awaitable<bool> done(Awaitable<void> call) {
    co_await std::move(call);
    co_return true;
}

class Lending : public tests::LibraryTest {
  protected:
    void SetUp() override { start(); }
};

TEST_F(Lending, OnlyACartridgeThatWasInNoDriveSinceItWasLentIsDeletedByItsLoan) {
    create({"TL0001L8", "TL0002L8"});
    const auto lend = [this](const std::string& barcode) {
        auto lent = run(life_->context, changer().lend_cartridge(barcode));
        EXPECT_TRUE(lent) << lent.error().message;
        return std::move(*lent);
    };
    const auto used = lend("TL0001L8");
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    const auto in_use = run(life_->context, changer().delete_lent(used));
    ASSERT_FALSE(in_use);
    EXPECT_EQ(in_use.error().code, Errc::cancelled);
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "GOOD");
    EXPECT_FALSE(run(life_->context, changer().delete_lent(used)))
        << "a host may have written on it meanwhile";
    EXPECT_EQ(place_of("TL0001L8"), slot(1));
    EXPECT_TRUE(life_->tapes.discarded.empty());

    const auto unused = lend("TL0002L8");
    EXPECT_TRUE(run(life_->context, changer().delete_lent(unused)));
    EXPECT_EQ(place_of("TL0002L8"), std::nullopt);
    EXPECT_FALSE(run(life_->context, changer().delete_lent(unused)));
}

TEST_F(Lending, WhoReadsHereAndThereFindsTheTapeOpenAndADriveStillGetsItAtOnce) {
    create({"TL0001L8", "TL0002L8", "TL0003L8"});
    const auto lend = [this](const std::string& barcode) {
        auto lent = run(life_->context, changer().lend_cartridge(barcode));
        EXPECT_TRUE(lent) << lent.error().message;
        return std::move(*lent);
    };
    const auto give_back = [this](const auto& lent) {
        run(life_->context, done(life_->store->give_back(lent)));
    };
    const auto first = lend("TL0001L8");
    EXPECT_FALSE(run(life_->context, changer().lend_cartridge("TL0001L8"))) << "one reader";
    give_back(first);
    EXPECT_EQ(lend("TL0001L8"), first) << "it was not opened again";
    give_back(first);
    EXPECT_EQ(outcome(move_medium(kSlot1, kDrive0)), "GOOD");
    EXPECT_FALSE(run(life_->context, first->check_lent())) << "the drive has the only tape";
    EXPECT_EQ(outcome(move_medium(kDrive0, kSlot1)), "GOOD");

    for (const auto* const barcode : {"TL0001L8", "TL0002L8", "TL0003L8"}) {
        give_back(lend(barcode));
    }
    EXPECT_EQ(life_->tapes.open_tapes, (std::set<std::string>{"TL0002L8", "TL0003L8"}));
    const auto used = lend("TL0003L8");
    run(life_->context, done(life_->store->close_unused()));
    EXPECT_EQ(life_->tapes.open_tapes.size(), 2U) << "it was used a moment ago";
    run(life_->context, done(life_->store->close_unused()));
    EXPECT_EQ(life_->tapes.open_tapes, std::set<std::string>{"TL0003L8"});
    give_back(used);
    run(life_->context, done(life_->store->close_all_unused()));
    EXPECT_TRUE(life_->tapes.open_tapes.empty());
}

TEST_F(Lending, WhatComesInAndCannotBeMovedIsThereOutside) {
    media::NewCartridge request;
    request.barcode = "TL0001L8";
    request.element = media::kOutside;
    auto made = run(life_->context, life_->store->create(std::move(request)));
    ASSERT_TRUE(made) << made.error().message;
    life_->catalog->moves_fail = true;
    const auto taken = run(life_->context, changer().take_in(*made));
    EXPECT_EQ(taken.element, media::kOutside);
    life_->catalog->moves_fail = false;
    const auto known = changer().cartridge("TL0001L8");
    ASSERT_TRUE(known);
    EXPECT_EQ(known->element, media::kOutside);
    EXPECT_TRUE(run(life_->context, changer().import_cartridge("TL0001L8", std::nullopt)));
}

}  // namespace
}  // namespace tapeloft::vtl::library
