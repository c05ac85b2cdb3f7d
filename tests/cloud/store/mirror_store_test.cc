#include "cloud/store/mirror_store.h"

#include <map>
#include <random>

#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

TEST_F(MirrorStoreTest, EveryMemberHoldsWhatIsPut) {
    start(2);
    ASSERT_TRUE(put("packs/1", "one"));
    ASSERT_TRUE(put("log/1", "first", {.if_absent = true}));
    for (const std::size_t member : {0U, 1U}) {
        EXPECT_EQ(in(member, "packs/1"), "one");
        EXPECT_EQ(in(member, "log/1"), "first");
    }
    ASSERT_TRUE(loop.run(mirror->remove("packs/1")));
    EXPECT_EQ(in(0, "packs/1"), "none");
    EXPECT_EQ(in(1, "packs/1"), "none");
    EXPECT_EQ(standings(), "in step, in step");
}

TEST_F(MirrorStoreTest, AMemberThatFailsIsLeftOutAndCatchesUp) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    ASSERT_TRUE(put("packs/2", "two"));
    members[1].store->set_down(true);
    ASSERT_TRUE(put("packs/3", "three"));
    ASSERT_TRUE(put("head/s", "new"));
    ASSERT_TRUE(loop.run(mirror->remove("packs/1")));
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_EQ(mirror->members()[1].owed, 3U);
    EXPECT_FALSE(mirror->members()[1].trouble.empty());
    tend();
    EXPECT_EQ(standings(), "in step, behind");
    members[1].store->set_down(false);
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_TRUE(same_data(0, 1));
    EXPECT_EQ(mirror->members()[1].owed, 0U);
}

TEST_F(MirrorStoreTest, NothingIsReportedAsStoredWithFewerThanRequired) {
    start(2);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->set_down(true);
    EXPECT_EQ(put("packs/2", "two").error().code, Errc::transient);
    EXPECT_EQ(put("log/1", "first", {.if_absent = true}).error().code, Errc::transient);
    EXPECT_EQ(standings(), "in step, in step");  // it lacks nothing that was promised
    members[1].store->set_down(false);
    ASSERT_TRUE(put("log/1", "first", {.if_absent = true}));
    EXPECT_EQ(in(1, "log/1"), "first");
}

TEST_F(MirrorStoreTest, AMemberThatIsBehindIsNeverBelievedToLackAnything) {
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    members[0].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    ASSERT_TRUE(put("log/1", "first"));
    EXPECT_EQ(standings(), "behind, in step");
    members[0].store->set_down(false);
    EXPECT_EQ(get("head/s"), "new");
    EXPECT_EQ(get("log/1"), "first");
    members[1].store->set_down(true);
    EXPECT_EQ(get("head/s"), "error: transient");
    EXPECT_EQ(get("log/1"), "error: transient");
    EXPECT_EQ(loop.run(mirror->list("", "", 10)).error().code, Errc::transient);
    EXPECT_EQ(put("packs/1", "x").error().code, Errc::transient);
}

TEST_F(MirrorStoreTest, ARestartKnowsWhoIsBehindFromItsMemory) {
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    members[0].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    members[0].store->set_down(false);
    members[1].store->set_down(true);
    start(1);
    EXPECT_EQ(get("head/s"), "error: transient");
    members[1].store->set_down(false);
    tend();
    EXPECT_EQ(get("head/s"), "new");
    EXPECT_TRUE(same_data(0, 1));
    EXPECT_EQ(standings(), "in step, in step");
}

TEST_F(MirrorStoreTest, AnotherMachineKnowsWhoIsBehindFromTheOthers) {
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    ASSERT_TRUE(put("packs/1", "one"));
    members[0].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    ASSERT_TRUE(loop.run(mirror->remove("packs/1")));
    members[0].store->set_down(false);
    start(1, false);
    EXPECT_EQ(get("head/s"), "new");
    EXPECT_EQ(standings(), "behind, in step");
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_TRUE(same_data(0, 1));
    EXPECT_EQ(in(0, "packs/1"), "none");
}

TEST_F(MirrorStoreTest, AnotherMachineDoesNotTrustOneMemberOfTwoWhereOneWasEnough) {
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    members[0].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    members[0].store->set_down(false);
    members[1].store->set_down(true);
    start(1, false);
    EXPECT_EQ(get("head/s"), "error: transient");
    EXPECT_EQ(put("head/s", "x").error().code, Errc::transient);
    members[1].store->set_down(false);
    EXPECT_EQ(get("head/s"), "new");
}

TEST_F(MirrorStoreTest, AMemoryIsNotBelievedWhereAnotherMachineWentOn) {
    members = std::vector<Member>(3);
    start(1);
    ASSERT_TRUE(put("head/s", "old"));
    const auto old_memory = memory.text;
    start(1, false);
    EXPECT_EQ(get("head/s"), "old");
    members[0].store->set_down(true);
    ASSERT_TRUE(put("head/s", "new"));
    memory.text = old_memory;
    members[0].store->set_down(false);
    members[2].store->set_down(true);
    start(1);
    EXPECT_EQ(get("head/s"), "error: transient") << "the third may know of a newer roster still";
    members[2].store->set_down(false);
    EXPECT_EQ(get("head/s"), "new");
}

TEST_F(MirrorStoreTest, AnotherMachineNeedsOneMemberOfTwoWhereBothWereRequired) {
    start(2);
    ASSERT_TRUE(put("head/s", "new"));
    members[0].store->set_down(true);
    start(2, false);
    EXPECT_EQ(get("head/s"), "new");
}

TEST_F(MirrorStoreTest, ARestartGoesOnWhileAMemberIsAway) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->set_down(true);
    start(1);
    ASSERT_TRUE(put("packs/2", "two"));
    EXPECT_EQ(get("packs/1"), "one");
    EXPECT_EQ(standings(), "in step, away");
    members[1].store->set_down(false);
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(in(1, "packs/2"), "two");
}

TEST_F(MirrorStoreTest, WhatAMemberLostOrDamagedComesFromAnotherAndIsMended) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    ASSERT_TRUE(put("packs/2", "two"));
    for (const std::size_t member : {0U, 1U}) {
        lose_in(member, "packs/1");
        EXPECT_EQ(get("packs/1"), "one");
        if (in(member, "packs/1") == "none" && mirror->members()[member].owed == 0) {
            continue;  // the other one was the nearest
        }
        tend();
        EXPECT_EQ(in(member, "packs/1"), "one");
    }
    members[0].store->script(StoreCall::get, 1, Fault::before, Errc::corrupt);
    members[1].store->script(StoreCall::get, 1, Fault::before, Errc::corrupt);
    EXPECT_EQ(get("packs/2"), "error: corrupt");
    EXPECT_EQ(get("packs/2"), "two");
}

TEST_F(MirrorStoreTest, AMemberThatDoesNotAnswerComesLastUntilItDoes) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    members[0].store->set_down(true);
    EXPECT_EQ(get("packs/1"), "one");
    EXPECT_EQ(get("packs/1"), "one");
    if (mirror->members()[0].trouble.empty()) {  // the other one was the nearest
        members[1].store->set_down(true);
        EXPECT_EQ(get("packs/1"), "error: transient");
        members[1].store->set_down(false);
    }
    EXPECT_FALSE(mirror->members()[0].trouble.empty());
    const auto asked = members[0].store->calls(StoreCall::get);
    EXPECT_EQ(get("packs/1"), "one");
    EXPECT_EQ(members[0].store->calls(StoreCall::get), asked) << "who answers is asked first";
    tend();
    EXPECT_FALSE(mirror->members()[0].trouble.empty());
    members[0].store->set_down(false);
    tend();
    EXPECT_TRUE(mirror->members()[0].trouble.empty());
}

TEST_F(MirrorStoreTest, ItsCapabilitiesAreThoseThatTheMembersHaveByNow) {
    class Learning final : public ForwardingStore {
      public:
        using ForwardingStore::ForwardingStore;
        [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
            return now;
        }
        StoreCapabilities now;
    };
    const auto learning = std::make_shared<Learning>(members[1].memory);
    MirrorParts parts;
    parts.members = {members[0].memory, learning};
    parts.events = &events;
    const MirrorStore both(std::move(parts));
    const auto& before = both.capabilities();
    EXPECT_FALSE(before.put_if_absent);
    EXPECT_EQ(before.object_step, 1U);
    EXPECT_FALSE(before.keeps_removed);
    learning->now = {.put_if_absent = true,
                     .best_object_size = 80U << 20U,
                     .object_step = 40U << 20U,
                     .keeps_removed = true};
    EXPECT_TRUE(both.capabilities().keeps_removed) << "one of them is enough to be billed";
    EXPECT_TRUE(both.capabilities().put_if_absent);
    EXPECT_EQ(both.capabilities().object_step, 40U << 20U);
    EXPECT_EQ(both.capabilities().best_object_size, 80U << 20U);
    EXPECT_FALSE(before.put_if_absent) << "a reference stays what it was";
}

TEST_F(MirrorStoreTest, WhatNobodyHasIsNotFound) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    EXPECT_EQ(get("packs/2"), "error: not found");
    EXPECT_EQ(loop.run(mirror->head("packs/2")).error().code, Errc::not_found);
    members[1].store->set_down(true);
    EXPECT_EQ(get("packs/2"), "error: transient") << "the other one might have it";
    tend();
    EXPECT_EQ(standings(), "in step, behind") << "it has nothing alone that was stored";
    EXPECT_EQ(get("packs/2"), "error: not found");
    EXPECT_EQ(get("packs/1"), "one");
    members[1].store->set_down(false);
    tend();
    EXPECT_EQ(standings(), "in step, in step");
}

TEST_F(MirrorStoreTest, WhatIsNotThereYetIsNotFoundAtOnceWhereTheStoresThatAnswerAreEnough) {
    struct Case {
        std::size_t members, required;
    };
    for (const auto& [count, required] : {Case{2, 1}, Case{3, 2}}) {
        members = std::vector<Member>(count);
        memory.text.reset();
        start(required);
        ASSERT_TRUE(put("packs/1", "one"));
        ASSERT_TRUE(put("head/s", "one"));
        members[0].store->set_down(true);
        EXPECT_EQ(get("log/1"), "error: not found");
        EXPECT_EQ(mirror->members()[0].standing, MirrorStanding::behind);
        const auto asked = members[0].store->calls(StoreCall::get);
        EXPECT_EQ(loop.run(mirror->head("log/2")).error().code, Errc::not_found);
        EXPECT_EQ(get("log/3"), "error: not found");
        EXPECT_LE(members[0].store->calls(StoreCall::get), asked + 1) << "by name only";
        ASSERT_TRUE(put("log/1", "one", {.if_absent = true}));
        members[0].store->set_down(false);
        tend();
        EXPECT_EQ(mirror->members()[0].standing, MirrorStanding::in_step);
        EXPECT_EQ(in(0, "log/1"), "one");
    }
}

TEST_F(MirrorStoreTest, WhatMachinesAgreeByIsAskedOfAStoreThatIsSilentOnce) {
    start(1);
    ASSERT_TRUE(put("lease", "mine"));
    members[1].store->set_down(true);
    const auto asked = members[1].store->calls(StoreCall::get);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(get("lease"), "mine");
    }
    EXPECT_EQ(members[1].store->calls(StoreCall::get), asked + 1);
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_EQ(told("it catches up when it answers again"), 1U);
    EXPECT_EQ(mirror->members()[1].trouble.empty(), false);
}

TEST_F(MirrorStoreTest, ARestartKnowsHowMuchAStoreThatIsAwayLacks) {
    start(1);
    ASSERT_TRUE(put("packs/0", "both"));
    members[1].store->set_down(true);
    const auto write = [this](int first) {
        for (int i = first; i < first + 5; ++i) {
            ASSERT_TRUE(put("packs/" + std::to_string(i), "one"));
            ASSERT_TRUE(put("head/s", std::to_string(i)));
        }
    };
    write(1);
    tend();
    EXPECT_EQ(mirror->members()[1].owed, 6U);
    start(1);
    ASSERT_EQ(get("packs/1"), "one");
    EXPECT_EQ(mirror->members()[1].owed, 5U) << "packs; the head will be another one";
    EXPECT_TRUE(mirror->members()[1].to_compare) << "it is at least as much";
    write(6);
    EXPECT_EQ(mirror->members()[1].owed, 11U);
    tend();
    start(1);
    ASSERT_EQ(get("packs/1"), "one");
    EXPECT_EQ(mirror->members()[1].owed, 10U);
    members[1].store->set_down(false);
    members[1].store->script(StoreCall::put, 4, Fault::before);
    tend();
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_GT(mirror->members()[1].owed, 0U);
    EXPECT_LT(mirror->members()[1].owed, 11U) << "some of it is there";
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(mirror->members()[1].owed, 0U);
    EXPECT_TRUE(same_data(0, 1));
}

TEST_F(MirrorStoreTest, AMemberThatIsRequiredIsNotLeftOutBecauseItIsSilent) {
    start(2);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->set_down(true);
    EXPECT_EQ(get("packs/2"), "error: transient");
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(get("packs/2"), "error: transient");
}

TEST_F(MirrorStoreTest, ANewMemberOfAFilledStoreIsFilled) {
    for (int i = 0; i < 2500; ++i) {
        set_in(0, "packs/" + std::to_string(100000 + i), std::to_string(i));
    }
    set_in(0, "head/s", "here");
    start(1);
    EXPECT_EQ(get("head/s"), "here");
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_TRUE(put("packs/200000", "new"));
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_TRUE(same_data(0, 1));
}

TEST_F(MirrorStoreTest, AFillingEndsWithTheMirror) {
    for (int i = 0; i < 100; ++i) {
        set_in(0, "packs/" + std::to_string(100000 + i), std::to_string(i));
    }
    start(1);
    EXPECT_EQ(get("packs/100000"), "0");
    mirror->shut_down();
    tend();
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_EQ(in(1, "packs/100000"), "none");
}

TEST_F(MirrorStoreTest, AFillingThatWasInterruptedGoesOn) {
    for (int i = 0; i < 30; ++i) {
        set_in(0, "packs/" + std::to_string(100 + i), std::to_string(i));
    }
    start(1);
    members[1].store->script(StoreCall::put, 10, Fault::before);
    EXPECT_EQ(get("packs/100"), "0");
    tend();
    EXPECT_EQ(standings(), "in step, behind");
    start(1, false);
    EXPECT_EQ(get("packs/100"), "0");
    EXPECT_EQ(standings(), "in step, behind");
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_TRUE(same_data(0, 1));
}

TEST_F(MirrorStoreTest, AMirrorBeginsWithAllOfItsMembers) {
    set_in(1, "tapeloft", "header");
    members[0].store->set_down(true);
    start(1);
    EXPECT_EQ(get("tapeloft"), "error: transient") << "nobody knows what the first one holds";
    members[0].store->set_down(false);
    EXPECT_EQ(get("tapeloft"), "header");
    tend();
    EXPECT_EQ(in(0, "tapeloft"), "header");
}

TEST_F(MirrorStoreTest, AStoreOfSomethingElseIsLeftAlone) {
    set_in(0, "tapeloft", "header one");
    set_in(1, "tapeloft", "header two");
    set_in(1, "packs/9", "theirs");
    const auto before = members[1].memory->objects().size();
    start(1);
    EXPECT_EQ(get("tapeloft"), "header one");
    tend();
    EXPECT_EQ(standings(), "in step, diverged");
    EXPECT_EQ(in(1, "tapeloft"), "header two");
    EXPECT_EQ(members[1].memory->objects().size(), before);
    ASSERT_TRUE(put("packs/1", "one"));
    EXPECT_EQ(in(1, "packs/1"), "none");
}

TEST_F(MirrorStoreTest, AMemberOfAnotherMirrorIsLeftAlone) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    set_in(1, "mirror/member", "0123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcdef");
    start(1);
    EXPECT_EQ(get("packs/1"), "one");
    EXPECT_EQ(standings(), "in step, diverged");
}

TEST_F(MirrorStoreTest, ANameIsTakenWhereAnotherWriterWasFirst) {
    start(2);
    ASSERT_TRUE(put("packs/1", "one"));
    set_in(1, "log/1", "theirs");
    EXPECT_EQ(put("log/1", "ours", {.if_absent = true}).error().code, Errc::precondition);
    EXPECT_EQ(in(0, "log/1"), "none") << "a reader must not take it for what was stored";
    EXPECT_EQ(get("log/1"), "theirs");
}

TEST_F(MirrorStoreTest, APutIfAbsentGoesOnFromWhereItFailed) {
    start(2);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->script(StoreCall::put, 1, Fault::before);
    EXPECT_EQ(put("log/1", "ours", {.if_absent = true}).error().code, Errc::transient);
    EXPECT_EQ(in(0, "log/1"), "ours");
    ASSERT_TRUE(put("log/1", "ours", {.if_absent = true}));
    EXPECT_EQ(in(1, "log/1"), "ours");
}

TEST_F(MirrorStoreTest, NothingIsReportedAsStoredThatTheOthersWereNotTold) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    members[1].store->set_down(true);
    members[0].store->script(StoreCall::put, 2, Fault::before);  // of the roster
    EXPECT_EQ(put("packs/2", "two").error().code, Errc::transient);
    start(1, false);
    members[1].store->set_down(false);
    ASSERT_TRUE(put("packs/2", "two"));
    EXPECT_EQ(standings(), "in step, in step");
    start(1);
    ASSERT_TRUE(put("packs/3", "three"));
    memory.fails = true;
    members[1].store->set_down(true);
    EXPECT_EQ(put("packs/4", "four").error().code, Errc::io);
}

TEST_F(MirrorStoreTest, ItsOwnNamesAreNeitherShownNorTaken) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    const auto page = loop.run(mirror->list("", "", 1));
    ASSERT_TRUE(page && page->objects.size() == 1);
    EXPECT_EQ(page->objects[0].name, "packs/1");
    EXPECT_FALSE(page->more);
    EXPECT_EQ(put("mirror/member", "x").error().code, Errc::invalid_argument);
    EXPECT_EQ(get("mirror/member"), "error: invalid argument");
    EXPECT_EQ(loop.run(mirror->remove("mirror/member")).error().code, Errc::invalid_argument);
}

/// Members come and go, calls fail before and after they are done, the daemon restarts, at times on
/// another machine.
class RandomMirror : public MirrorStoreTest {
  protected:
    void begin(std::uint64_t seed) {
        random.seed(seed);
        members = std::vector<Member>(2 + seed % 2);
        memory.text.reset();
        required = 1 + random() % members.size();
        stored.clear();
        perhaps.clear();
        start(required);
    }
    void put_new(const std::string& name) {
        if (!stored.contains(name) && !perhaps.contains(name)) {
            const auto text = std::to_string(random());
            auto& kept = put(name, text) ? stored : perhaps;
            kept[name] = text;
        }
    }
    void put_head() {
        const auto text = std::to_string(random());
        stored.erase("head/s");
        if (put("head/s", text)) {
            stored["head/s"] = text;
        }
    }
    void remove_one() {
        const auto any = stored.lower_bound("packs/" + std::to_string(random() % 1000));
        if (any != stored.end()) {
            if (!loop.run(mirror->remove(any->first))) {
                perhaps[any->first] = any->second;
            }
            stored.erase(any);
        }
    }
    void trouble() {
        auto& member = *members[random() % members.size()].store;
        if (random() % 3 == 0) {
            member.set_rates({.before = static_cast<unsigned>(random() % 300),
                              .after = static_cast<unsigned>(random() % 100)});
        } else {
            member.set_down(random() % 2 == 0);
        }
    }
    void step() {
        const auto what = random() % 20;
        if (what < 9) {
            put_new("packs/" + std::to_string(random() % 1000));
        } else if (what < 11) {
            put_head();
        } else if (what < 13) {
            remove_one();
        } else if (what < 16) {
            trouble();
        } else if (what < 18) {
            tend();
        } else if (what < 19) {
            start(required, random() % 2 == 0);
        }
    }
    void expect_stored() {
        for (const auto& [name, text] : stored) {
            const auto got = get(name);
            ASSERT_TRUE(got == text || got == "error: transient") << name << ": " << got;
        }
    }
    void expect_all_have_all() {
        for (auto& member : members) {
            member.store->set_down(false);
            member.store->set_rates({});
        }
        start(required, random() % 3 != 0);
        for (int round = 0; round < 3; ++round) {
            tend();
        }
        for (const auto& [name, text] : stored) {
            for (std::size_t member = 0; member < members.size(); ++member) {
                ASSERT_EQ(in(member, name), text) << name << " in " << member;
            }
        }
        for (const auto& member : mirror->members()) {
            ASSERT_EQ(to_string(member.standing), "in step") << member.trouble << standings();
        }
    }

    std::mt19937_64 random;
    std::size_t required = 1;
    std::map<std::string, std::string> stored;
    std::map<std::string, std::string> perhaps;  ///< a put that failed may have been done
};

TEST_F(RandomMirror, WhateverHappensWhatWasStoredIsReadAndInTheEndAllMembersHoldIt) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        begin(seed);
        for (int i = 0; i < 150; ++i) {
            step();
            expect_stored();
            ASSERT_FALSE(HasFatalFailure());
        }
        expect_all_have_all();
        ASSERT_FALSE(HasFatalFailure());
    }
}

}  // namespace
}  // namespace tapeloft::tests
