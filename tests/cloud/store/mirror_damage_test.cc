// What a store of a mirror has and cannot read, and what it does not know of.
#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

/// One object cannot be read until it is put anew.
class BadBlockStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        auto done = co_await store().put(name, std::move(body), options);
        if (done && name == bad) {
            bad.clear();
        }
        co_return done;
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        if (name == bad) {
            co_return Error{Errc::io, name + ": a bad block"};
        }
        co_return co_await store().get(std::move(name), range);
    }

    std::string bad;
};

class MirrorDamage : public MirrorStoreTest {
  protected:
    /// Member 1 was away, and has to be compared; `bad` has a bad block in log/x/7, which both
    /// have.
    void start_with_a_bad_block(std::size_t bad) {
        members = std::vector<Member>(2);
        memory.text.reset();
        damaged_ = std::make_shared<BadBlockStore>(members[bad].store);
        overlays = {nullptr, nullptr};
        overlays[bad] = damaged_;
        start(1);
        ASSERT_TRUE(put("log/x/7", "seven"));
        members[1].store->set_down(true);
        ASSERT_TRUE(put("log/x/8", "eight"));
        damaged_->bad = "log/x/7";
        start(1);
        ASSERT_TRUE(put("log/x/9", "nine"));
        members[1].store->set_down(false);
    }

    std::shared_ptr<BadBlockStore> damaged_;
};

TEST_F(MirrorDamage, ABadBlockOfOneStoreKeepsNobodyFromBeingInStepAndIsMended) {
    for (const std::size_t bad : {0U, 1U}) {
        SCOPED_TRACE(bad);
        start_with_a_bad_block(bad);
        for (int round = 0; round < 2; ++round) {
            tend();
        }
        EXPECT_EQ(standings(), "in step, in step");
        EXPECT_TRUE(damaged_->bad.empty()) << "it was put anew";
        EXPECT_TRUE(same_data(0, 1));
        EXPECT_EQ(told("holds what the others do not"), 0U);
    }
}

TEST_F(MirrorDamage, WhatNoStoreInStepCanReadComesFromOneThatIsBehindAndIsMendedLater) {
    start_with_a_bad_block(0);
    start(1);  // both answer: member 1 is behind
    EXPECT_EQ(get("log/x/7"), "seven");
    EXPECT_EQ(standings(), "in step, behind");
    tend();
    EXPECT_EQ(mirror->members()[0].owed, 1U) << "nobody else was in step yet";
    tend();
    EXPECT_EQ(mirror->members()[0].owed, 0U);
    EXPECT_TRUE(damaged_->bad.empty());
    EXPECT_EQ(get("log/x/7"), "seven");
}

TEST(MirrorBookOfEras, AChangeOfBeforeThatAStoreFailsLeavesItNothingToDo) {
    MirrorBook book(2);
    for (const std::size_t member : {0U, 1U}) {
        book.take_in(member, false);
        ASSERT_TRUE(book.try_enter_step(member));
    }
    const auto old = book.begin("packs/1", MirrorDebt::remove);
    book.start_anew();
    for (const std::size_t member : {0U, 1U}) {
        book.take_in(member, false);
        ASSERT_TRUE(book.try_enter_step(member));
    }
    book.fail(1, old, MirrorDebt::remove);
    EXPECT_EQ(book.standing(1), MirrorStanding::in_step);
    EXPECT_EQ(book.owed_version(1, "packs/1"), 0U) << "it would be removed there";
    book.fail(1, book.begin("packs/1", MirrorDebt::remove), MirrorDebt::remove);
    EXPECT_EQ(book.standing(1), MirrorStanding::behind);
    EXPECT_NE(book.owed_version(1, "packs/1"), 0U);
}

// Machines that went on with different stores.

class MirrorOfTwoMachines : public MirrorStoreTest {};

TEST_F(MirrorOfTwoMachines, ADaemonThatLearnsOfItLateGoesOnOnceTheOthersStoreIsEmptied) {
    start(1);
    ASSERT_TRUE(put("head/s", "both"));
    const auto before = memory.text;
    members[1].store->set_down(true);
    ASSERT_TRUE(put("head/s", "one"));
    const auto of_first = std::exchange(memory.text, before);
    members[1].store->set_down(false);
    members[0].store->set_down(true);
    start(1);
    ASSERT_TRUE(put("head/s", "two"));
    memory.text = of_first;
    members[0].store->set_down(false);
    members[1].store->set_down(true);
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->set_down(false);
    for (int round = 0; round < 3; ++round) {
        tend();
        EXPECT_EQ(get("head/s"), "error: transient");
    }
    EXPECT_EQ(told("Two machines went on"), 1U);
    EXPECT_EQ(in(1, "head/s"), "two");
    members[1].memory->set_objects({});
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(get("head/s"), "one");
    EXPECT_TRUE(same_data(0, 1));
}

TEST_F(MirrorOfTwoMachines, WhatAStoreSaidBeforeTheOtherOneWentOnIsNotBelieved) {
    members = std::vector<Member>(3);
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    const auto known = memory.text;
    const auto first = members[0].memory->objects();
    start(1, false);
    EXPECT_EQ(get("head/s"), "old");
    members[1].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    members[2].store->set_down(true);
    ASSERT_TRUE(put("head/s", "newer"));
    const auto last = members[0].memory->objects();
    members[0].memory->set_objects(first);  // a daemon here starts before all that
    members[1].store->set_down(false);
    memory.text = known;
    start(1);
    EXPECT_EQ(get("head/s"), "old");
    members[0].memory->set_objects(last);
    members[2].store->set_down(false);
    tend();
    EXPECT_EQ(get("head/s"), "newer");
    tend();
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_TRUE(same_data(0, 1) && same_data(0, 2));
    EXPECT_EQ(in(2, "head/s"), "newer");
}

}  // namespace
}  // namespace tapeloft::tests
