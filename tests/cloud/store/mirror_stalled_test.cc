// A store of a mirror that is slower than the others, or hangs.
#include "cloud/base/signal.h"

#include "tests/cloud/store/mirror_fixture.h"

namespace tapeloft::tests {
namespace {

/// Takes what it is given and does not say so; answers no question of what it has.
class StalledStore final : public ForwardingStore {
  public:
    explicit StalledStore(std::shared_ptr<ObjectStore> store) : ForwardingStore(std::move(store)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        if (stalled) {
            auto wake = std::make_shared<Signal>();
            waiting.push_back(wake);
            co_await wake->wait();
        }
        co_return co_await store().put(std::move(name), std::move(body), options);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        if (stalled) {
            auto wake = std::make_shared<Signal>();
            waiting.push_back(wake);
            co_await wake->wait();
        }
        co_return co_await store().head(std::move(name));
    }
    void go_on() {
        stalled = false;
        for (const auto& each : waiting) {
            each->set();
        }
    }

    bool stalled = false;
    std::vector<std::shared_ptr<Signal>> waiting;
};

class MirrorStalled : public MirrorStoreTest {
  protected:
    /// Member 1 of `count` can stall. They all have packs/0, put while nobody was in a hurry.
    void start_with_one_that_stalls(std::size_t count, std::size_t required) {
        members.resize(count);
        stalled_ = std::make_shared<StalledStore>(members[1].store);
        overlays = {nullptr, stalled_};
        start(required);
        ASSERT_TRUE(put("packs/0", "zero"));
        ASSERT_TRUE(put("head/1", "first"));
        slow_patience = std::chrono::milliseconds(1);
        start(required);
        ASSERT_EQ(get("packs/0"), "zero");
    }
    /// Does not wait for what stalls.
    Result<void> put_now(const std::string& name, std::string_view text, PutOptions options = {}) {
        std::optional<Result<void>> stored;
        loop.spawn(mirror->put(name, body_of(text), options), stored);
        while (!stored) {
            loop.run_one();
        }
        return *stored;
    }

    void tend_now() {
        auto round = [this]() -> Awaitable<bool> {
            co_await mirror->tend();
            co_return true;
        };
        std::optional<bool> done;
        loop.spawn(round(), done);
        while (!done) {
            loop.run_one();
        }
    }

    std::shared_ptr<StalledStore> stalled_;
};

TEST_F(MirrorStalled, AStoreThatStallsIsNotWaitedForAndCatchesUp) {
    start_with_one_that_stalls(2, 1);
    stalled_->stalled = true;
    ASSERT_TRUE(put_now("packs/1", "one"));
    EXPECT_EQ(standings(), "in step, behind");
    EXPECT_EQ(in(0, "packs/1"), "one");
    EXPECT_EQ(mirror->members()[1].trouble, "it is slower than the others");
    for (int i = 2; i < 50; ++i) {
        ASSERT_TRUE(put_now("packs/" + std::to_string(i), "more"));
        ASSERT_TRUE(put_now("log/" + std::to_string(i), "more", {.if_absent = true}));
        ASSERT_TRUE(put_now("head/1", std::to_string(i)));
    }
    EXPECT_EQ(stalled_->waiting.size(), 1U) << "nothing more is held for it";
    stalled_->go_on();
    loop.run_all();
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_TRUE(same_data(0, 1));
}

TEST_F(MirrorStalled, WhatAStoreStillHasToTakeKeepsItFromBeingInStep) {
    start_with_one_that_stalls(2, 1);
    stalled_->stalled = true;
    ASSERT_TRUE(put_now("head/1", "second"));
    ASSERT_TRUE(put_now("head/1", "third"));
    stalled_->stalled = false;  // the one that waits does so still
    tend_now();
    EXPECT_EQ(standings(), "in step, behind") << "else \"second\" would replace \"third\"";
    stalled_->go_on();
    loop.run_all();
    tend();
    EXPECT_EQ(standings(), "in step, in step");
    EXPECT_EQ(in(1, "head/1"), "third");
}

TEST_F(MirrorStalled, AStoreThatStallsIsNotWaitedForByAPutIfAbsent) {
    start_with_one_that_stalls(3, 2);
    stalled_->stalled = true;
    ASSERT_TRUE(put_now("log/1", "one", {.if_absent = true}));
    EXPECT_EQ(standings(), "in step, behind, in step");
    EXPECT_EQ(in(2, "log/1"), "one");
    stalled_->go_on();
    loop.run_all();
    tend();
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_EQ(in(1, "log/1"), "one");
}

TEST_F(MirrorStalled, AStoreThatHangsAtTheStartIsNotWaitedFor) {
    start_with_one_that_stalls(3, 2);
    start_patience = slow_patience;
    for (const bool ends_meanwhile : {true, false}) {
        stalled_->stalled = true;
        start(2);
        ASSERT_TRUE(put_now("packs/b", "2"));
        EXPECT_EQ(standings(), "in step, away, in step");
        if (ends_meanwhile) {
            mirror.reset();
        }
        stalled_->go_on();
        loop.poll();
    }
    tend_now();
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_EQ(in(1, "packs/b"), "2");
}

TEST_F(MirrorStalled, AStoreThatHangsKeepsNoRoundFromTheOthers) {
    start_with_one_that_stalls(3, 1);
    std::swap(start_patience, slow_patience);
    stalled_->stalled = true;
    start(1);
    ASSERT_TRUE(put_now("packs/1", "one"));
    const auto tend_until = [this](std::string_view expected) {
        for (int round = 0; round < 100 && standings() != expected; ++round) {
            tend_now();
        }
        EXPECT_EQ(standings(), expected);
    };
    tend_until("in step, away, in step");
    members[2].store->set_down(true);
    ASSERT_TRUE(put_now("packs/2", "two"));
    EXPECT_EQ(standings(), "in step, away, behind");
    members[2].store->set_down(false);
    tend_until("in step, away, in step");
    EXPECT_EQ(in(2, "packs/2"), "two");
    EXPECT_EQ(stalled_->waiting.size(), 1U) << "it is asked once";
    stalled_->go_on();
    loop.poll();
    tend_until("in step, in step, in step");
    EXPECT_EQ(in(1, "packs/2"), "two");
}

TEST_F(MirrorStalled, AStoreThatHangsWhileItCatchesUpKeepsNothingFromTheOthers) {
    start_with_one_that_stalls(3, 1);
    while (standings() != "in step, in step, in step") {
        tend_now();
    }
    members[1].store->set_down(true);
    members[2].store->set_down(true);
    ASSERT_TRUE(put_now("packs/1", "one"));
    ASSERT_EQ(standings(), "in step, behind, behind");
    members[1].store->set_down(false);
    members[2].store->set_down(false);
    stalled_->stalled = true;
    auto round = [this]() -> Awaitable<bool> {
        co_await mirror->tend();
        co_return true;
    };
    std::optional<bool> done;
    loop.spawn(round(), done);
    while (standings() != "in step, behind, in step") {
        ASSERT_FALSE(done);
        loop.run_one();
    }
    EXPECT_EQ(in(2, "packs/1"), "one");
    stalled_->go_on();
    while (!done) {
        loop.run_one();
    }
    tend_now();
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_EQ(in(1, "packs/1"), "one");
}

TEST_F(MirrorStalled, AStoreThatHangsWhereItShouldBeToldOfAnotherIsLeftOutToo) {
    start_with_one_that_stalls(3, 1);
    while (standings() != "in step, in step, in step") {
        tend_now();
    }
    stalled_->stalled = true;
    members[2].store->set_down(true);
    ASSERT_TRUE(put_now("packs/1", "one"));
    EXPECT_EQ(standings(), "in step, behind, behind");
    EXPECT_EQ(in(0, "packs/1"), "one");
    members[2].store->set_down(false);
    stalled_->go_on();
    loop.poll();
    for (int round = 0; round < 10 && standings() != "in step, in step, in step"; ++round) {
        tend_now();
    }
    EXPECT_EQ(standings(), "in step, in step, in step");
    EXPECT_EQ(in(1, "packs/1"), "one");
    EXPECT_EQ(in(2, "packs/1"), "one");
}

TEST_F(MirrorStalled, AStoreInStepThatHangsIsLeftOutInARound) {
    start_with_one_that_stalls(3, 1);
    std::swap(start_patience, slow_patience);
    start(1);
    while (standings() != "in step, in step, in step") {
        tend_now();
    }
    members[1].store->script(StoreCall::get, 1, Fault::before);
    EXPECT_EQ(get("lease"), "error: transient");
    stalled_->stalled = true;
    for (int round = 0; round < 3; ++round) {
        tend_now();
        EXPECT_EQ(standings(), "in step, behind, in step") << "it does not answer yet";
    }
    stalled_->go_on();
    loop.poll();
    tend_now();
    EXPECT_EQ(standings(), "in step, in step, in step");
}

TEST_F(MirrorStalled, AStoreThatIsRequiredIsWaitedFor) {
    start_with_one_that_stalls(2, 2);
    stalled_->stalled = true;
    for (const bool if_absent : {false, true}) {
        std::optional<Result<void>> stored;
        loop.spawn(
            mirror->put(if_absent ? "log/1" : "packs/1", body_of("one"), {.if_absent = if_absent}),
            stored);
        while (stalled_->waiting.size() < (if_absent ? 2U : 1U)) {
            loop.run_one();
        }
        loop.poll();
        EXPECT_FALSE(stored);
        stalled_->waiting.back()->set();
        loop.run_all();
        ASSERT_TRUE(stored && *stored);
    }
    EXPECT_EQ(standings(), "in step, in step");
}

}  // namespace
}  // namespace tapeloft::tests
