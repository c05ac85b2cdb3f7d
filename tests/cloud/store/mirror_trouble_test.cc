// Stores of a mirror that answer and are not well.
#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

/// Somebody does something whenever an object is put or read.
class MeetingStore final : public ForwardingStore {
  public:
    MeetingStore(std::shared_ptr<ObjectStore> store, std::function<Awaitable<void>()> meet)
        : ForwardingStore(std::move(store)), meet_(std::move(meet)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        co_await meet_();
        co_return co_await store().put(std::move(name), std::move(body), options);
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        co_await meet_();
        co_return co_await store().get(std::move(name), range);
    }

  private:
    const std::function<Awaitable<void>()> meet_;
};

class MirrorTrouble : public MirrorStoreTest {};

TEST_F(MirrorTrouble, DamageThatOneStoreDoesNotNoticeIsReadFromAnotherAndMended) {
    start();
    ASSERT_TRUE(put("packs/a", "0123456789"));
    set_in(0, "packs/a", "01X3456789");
    const auto is_sound = [](ByteView bytes) { return as_text(bytes) == "234"; };
    const auto body = loop.run(mirror->get_sound("packs/a", {.offset = 2, .length = 3}, is_sound));
    ASSERT_TRUE(body);
    EXPECT_EQ(as_text(body->view()), "234");
    set_in(1, "packs/a", "0123456XXX");
    EXPECT_TRUE(loop.run(mirror->get_sound("packs/a", {.offset = 2, .length = 3}, is_sound)));
    EXPECT_EQ(in(0, "packs/a"), "0123456789");
}

TEST_F(MirrorTrouble, ACopyIsMendedWhereItIsBadAndKeptWhereItIsGood) {
    start();
    ASSERT_TRUE(put("packs/a", "0123456789"));
    set_in(0, "packs/a", "X123456789");
    set_in(1, "packs/a", "012345678X");
    const auto begin = loop.run(mirror->get_sound("packs/a", {.offset = 0, .length = 1},
                                                  [](ByteView b) { return as_text(b) == "0"; }));
    ASSERT_TRUE(begin);
    const auto end = loop.run(mirror->get_sound("packs/a", {.offset = 9, .length = 1},
                                                [](ByteView b) { return as_text(b) == "9"; }));
    ASSERT_TRUE(end);
    EXPECT_EQ(as_text(end->view()), "9");
    EXPECT_EQ(in(0, "packs/a"), "0123456789") << "not 012345678X, as the other has it";
}

TEST_F(MirrorTrouble, WhatIsDamagedInAllStoresIsGivenAsItIsAndChangesNothing) {
    start();
    ASSERT_TRUE(put("packs/a", "0123"));
    set_in(0, "packs/a", "X123");
    set_in(1, "packs/a", "Y123");
    const auto body = loop.run(mirror->get_sound("packs/a", {}, [](ByteView) { return false; }));
    ASSERT_TRUE(body);
    EXPECT_EQ(in(0, "packs/a"), "X123");
    EXPECT_EQ(in(1, "packs/a"), "Y123");
}

TEST_F(MirrorTrouble, WhatIsWrittenOverAndOverIsReadFromAnotherAndNotMended) {
    start();
    ASSERT_TRUE(put("head/a", "new"));
    set_in(0, "head/a", "bad");
    set_in(1, "head/a", "new");
    const auto body = loop.run(
        mirror->get_sound("head/a", {}, [](ByteView bytes) { return as_text(bytes) == "new"; }));
    ASSERT_TRUE(body);
    EXPECT_EQ(as_text(body->view()), "new");
    EXPECT_EQ(in(0, "head/a"), "bad");
}

// A store that fails in ways that say nothing of an object.

TEST_F(MirrorTrouble, AStoreWhoseBucketIsGoneIsNotTakenForOneWithDamagedObjects) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    ASSERT_TRUE(put("packs/2", "two"));
    auto& gone = *members[0].store;
    gone.script(StoreCall::get, 1, Fault::before, Errc::io);
    gone.script(StoreCall::head, 1, Fault::before, Errc::io);
    EXPECT_EQ(get("packs/1"), "one");
    const auto asked = gone.calls(StoreCall::get);
    EXPECT_EQ(get("packs/2"), "two");
    EXPECT_EQ(gone.calls(StoreCall::get), asked) << "who answers is asked first";
    EXPECT_EQ(told("missing or damaged"), 0U);
    tend();
    EXPECT_EQ(standings(), "behind, in step");
    tend();
    EXPECT_EQ(standings(), "in step, in step");
}

TEST_F(MirrorTrouble, AnObjectThatCannotBeReadIsPutAnewOnceItsStoreAnswers) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    members[0].store->script(StoreCall::get, 1, Fault::before, Errc::io);
    EXPECT_EQ(get("packs/1"), "one");
    const auto puts = members[0].store->calls(StoreCall::put);
    tend();
    EXPECT_EQ(members[0].store->calls(StoreCall::put), puts + 1);
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(mirror->members()[0].owed, 0U);
}

TEST_F(MirrorTrouble, AnObjectThatAStoreLostIsToldOnceHoweverOftenItIsRead) {
    start(1);
    ASSERT_TRUE(put("packs/1", "one"));
    lose_in(0, "packs/1");
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(get("packs/1"), "one");
    }
    EXPECT_EQ(told("missing or damaged"), 1U);
}

// A store that is lost to the others while it catches up.

/// Packs, a log of which each object names a pack, and a head that says how many objects it has.
class CatchingUp : public MirrorTrouble {
  protected:
    static std::string numbered(std::string_view prefix, int number) {
        return std::string(prefix) + std::to_string(1000 + number);
    }
    Awaitable<bool> write_one() {
        const auto number = ++written_;
        const auto pack = numbered("packs/", number);
        bool done(co_await mirror->put(pack, body_of("pack"), {}));
        done = done && co_await mirror->put(numbered("log/", number), body_of(pack), {});
        done = done && co_await mirror->put("head/s", body_of(std::to_string(number)), {});
        co_return done;
    }
    void write(int count) {
        for (int i = 0; i < count; ++i) {
            ASSERT_TRUE(loop.run(write_one()));
        }
    }
    /// What stands in member 1 leads to nothing that is not there.
    void expect_readable_alone() const {
        const auto head = in(1, "head/s");
        const auto named = head == "none" ? 0 : std::stoi(head);
        bool ended = false;
        for (int i = 1; i <= written_; ++i) {
            const auto pack = in(1, numbered("log/", i));
            EXPECT_TRUE(pack != "none" || i > named) << "the head is ahead of log object " << i;
            EXPECT_TRUE(pack == "none" || !ended) << "a gap before log object " << i;
            EXPECT_TRUE(pack == "none" || in(1, pack) != "none") << pack << " is missing";
            ended = ended || pack == "none";
        }
    }
    /// Member 1 lacks some objects; whether it owes them, or has to be compared.
    void fall_behind(bool comparing) {
        memory.text.reset();
        written_ = 0;
        start(1);
        write(3);
        members[1].store->set_down(true);
        write(9);
        members[1].store->set_down(false);
        if (comparing) {
            start(1);
        }
    }
    bool all_in_step() const { return standings() == "in step, in step"; }

    int written_ = 0;
};

TEST_F(CatchingUp, AStoreThatIsLostMeanwhileIsAnOlderLibrary) {
    for (const bool comparing : {false, true}) {
        std::uint64_t puts = 0;
        do {
            ++puts;
            SCOPED_TRACE((comparing ? "comparing, put " : "owing, put ") + std::to_string(puts));
            members = std::vector<Member>(2);
            fall_behind(comparing);
            members[1].store->script(StoreCall::put, puts, Fault::before);
            tend();
            expect_readable_alone();
        } while (!all_in_step() && !HasFailure());
        EXPECT_GT(puts, 19U) << "nine packs, nine log objects, a head";
        EXPECT_TRUE(same_data(0, 1));
    }
}

TEST_F(CatchingUp, WhatIsWrittenMeanwhileLeadsToNothingThatIsNotThere) {
    int more = 0;
    int met = 0;
    bool writing = false;
    const auto meet = [&]() -> Awaitable<void> {
        expect_readable_alone();
        if (more > 0 && !writing && ++met % 3 == 0) {
            --more;
            writing = true;
            EXPECT_TRUE(co_await write_one());
            writing = false;
        }
    };
    for (const bool comparing : {false, true}) {
        SCOPED_TRACE(comparing ? "comparing" : "owing");
        members = std::vector<Member>(2);
        overlays = {std::make_shared<MeetingStore>(members[0].store, meet),
                    std::make_shared<MeetingStore>(members[1].store, meet)};
        fall_behind(comparing);
        EXPECT_EQ(get("head/s"), "12");
        more = 40;
        tend();
        EXPECT_TRUE(all_in_step());
        EXPECT_TRUE(same_data(0, 1));
        EXPECT_EQ(written_, 52);
    }
}

// A store that went on with another machine.

TEST_F(MirrorTrouble, NothingIsChangedInAStoreWithAnotherHistoryAlsoAfterARestart) {
    for (const std::string_view theirs : {"two", "longer"}) {
        members = std::vector<Member>(2);
        memory.text.reset();
        start(1);
        ASSERT_TRUE(put("log/b/1", "both"));
        members[1].store->set_down(true);
        ASSERT_TRUE(put("log/b/2", "one"));
        ASSERT_TRUE(put("head/s", "one"));
        members[1].store->set_down(false);
        set_in(1, "head/s", "theirs");
        set_in(1, "log/a/1", "stored by the other machine");
        set_in(1, "log/b/2", theirs);
        const auto names_in = [this] {
            std::string all;
            for (const auto& [name, body] : data_of(1)) {
                all += name + "=" + std::string(as_text(body.view())) + " ";
            }
            return all;
        };
        const auto before = names_in();
        start(1);
        tend();
        EXPECT_EQ(standings(), "in step, diverged");
        EXPECT_EQ(names_in(), before);
        set_in(1, "log/b/2", "one");  // nothing that is in both tells of it any more
        const auto after = names_in();
        start(1);
        tend();
        EXPECT_EQ(standings(), "in step, diverged");
        EXPECT_EQ(names_in(), after);
    }
}

TEST_F(MirrorTrouble, WhereTwoMachinesWentOnWithAStoreEachAPersonIsTold) {
    start(1);
    ASSERT_TRUE(put("head/s", "both"));
    const auto before = memory.text;
    members[1].store->set_down(true);
    ASSERT_TRUE(put("head/s", "one"));
    members[1].store->set_down(false);
    memory.text = before;
    members[0].store->set_down(true);
    start(1);
    ASSERT_TRUE(put("head/s", "two"));
    members[0].store->set_down(false);
    start(1, false);
    for (int i = 0; i < 2; ++i) {
        const auto got = loop.run(mirror->get("head/s", {}));
        ASSERT_FALSE(got);
        EXPECT_EQ(got.error().code, Errc::transient);
        EXPECT_NE(got.error().message.find("Two machines went on"), std::string::npos);
        tend();
    }
    EXPECT_EQ(told("Two machines went on"), 1U);
    EXPECT_EQ(in(0, "head/s"), "one");
    EXPECT_EQ(in(1, "head/s"), "two");
    members[1].memory->set_objects({});
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(get("head/s"), "one");
}

/// Another machine went on with members 0 and 2; here a daemon starts that knows nothing of it, and
/// reaches only member 1.
class TakenOver : public MirrorTrouble {
  protected:
    void take_over(std::size_t required) {
        members = std::vector<Member>(3);
        overlays.resize(3);
        start(required);
        ASSERT_TRUE(put("head/s", "old"));
        const auto before = memory.text;
        start(required, false);
        EXPECT_EQ(get("head/s"), "old");
        members[1].store->set_down(true);
        ASSERT_TRUE(put("head/s", "new"));
        ASSERT_TRUE(put("packs/1", "one"));
        memory.text = before;
        members[1].store->set_down(false);
        set_down(true);
        start(required);
    }
    void set_down(bool down) {
        members[0].store->set_down(down);
        members[2].store->set_down(down);
    }
};

TEST_F(TakenOver, AStoreThatAnswersLateTellsOfIt) {
    take_over(2);
    EXPECT_EQ(put("head/s", "of the first").error().code, Errc::transient);
    members[2].store->set_down(false);
    tend();
    EXPECT_EQ(get("head/s"), "new");
    EXPECT_EQ(get("packs/1"), "one");
    tend();
    EXPECT_EQ(standings(), "away, in step, in step") << "compared";
    members[0].store->set_down(false);
    tend();
    EXPECT_EQ(standings(), "in step, in step, in step");
    for (std::size_t member = 0; member < 3; ++member) {
        EXPECT_EQ(in(member, "head/s"), "new");
    }
    EXPECT_TRUE(put("head/s", "of the first"));
}

TEST_F(TakenOver, WhatIsBeingPutThenDoesNotCount) {
    bool under_way = false;
    const auto meet = [&]() -> Awaitable<void> {
        if (std::exchange(under_way, false)) {
            set_down(false);
            co_await mirror->tend();
        }
    };
    take_over(1);
    const auto epoch_of_other = [&] {  // of more changes than are made here
        std::string newest;
        for (const auto& [name, body] : members[0].memory->objects()) {
            newest = name.starts_with("mirror/roster/") ? name : newest;
        }
        return newest;
    }();
    set_in(0, "mirror/roster/00000000000000ff", in(0, epoch_of_other));
    set_in(2, "mirror/roster/00000000000000ff", in(0, epoch_of_other));
    overlays[1] = std::make_shared<MeetingStore>(members[1].store, meet);
    start(1);
    ASSERT_TRUE(put("packs/2", "here"));
    under_way = true;
    EXPECT_EQ(put("packs/3", "here").error().code, Errc::transient);
    EXPECT_FALSE(under_way);
    EXPECT_EQ(get("head/s"), "new");
    EXPECT_EQ(get("packs/2"), "error: not found") << "the other machine had taken over";
    tend();
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_EQ(in(1, "packs/1"), "one");
    lose_in(1, "packs/3");  // a put that failed may have been done
    EXPECT_TRUE(same_data(0, 1) && same_data(0, 2));
}

TEST_F(TakenOver, WhatMachinesAgreeByIsReadFromAllThatAreInStep) {
    members = std::vector<Member>(3);
    start(2);
    ASSERT_TRUE(put("lease", "of the first"));
    for (std::size_t member = 0; member < 3; ++member) {
        set_in(member, "lease", "of the other");
        EXPECT_EQ(get("lease"), "error: corrupt");
        set_in(member, "lease", "of the first");
        EXPECT_EQ(get("lease"), "of the first");
    }
    members[0].store->set_down(true);
    EXPECT_EQ(get("lease"), "of the first");
    members[2].store->set_down(true);
    EXPECT_EQ(get("lease"), "error: transient") << "both may have that of the other";
    members[0].store->set_down(false);
    tend();
    EXPECT_EQ(standings(), "in step, in step, in step") << "two are required";
    lose_in(0, "lease");
    lose_in(1, "lease");
    EXPECT_EQ(get("lease"), "error: transient") << "the third may have it";
    members[2].store->set_down(false);
    lose_in(2, "lease");
    EXPECT_EQ(get("lease"), "error: not found");
}

}  // namespace
}  // namespace tapeloft::tests
