#include "media/repository/lease.h"

#include <functional>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "cloud/base/hex.h"
#include "cloud/store/faulty_store.h"
#include "cloud/store/mirror_store.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

// Made from media/FORMAT.md alone by another program: master key 00..1f, salt 60..6f,
// daemon 10..1f, writer 20..2f.
constexpr std::string_view kGoldenLease =
    "544c4c4541534531606162636465666768696a6b6c6d6e6f110782c253f79681b4fbc6e972c37dc8a8718670ca58"
    "eba9c75da569393d4d1497139235c0696a4808c6504798b89021445fd28bca466c2c6aa997b3b26bdda689f039ad"
    "5fdeea95";
const std::string kLeaseObject(kLeaseName);

LeaseHolder holder(std::uint8_t daemon, std::uint8_t writer) {
    LeaseHolder holder;
    holder.daemon.fill(daemon);
    holder.writer.fill(writer);
    holder.process = 100U + daemon;
    holder.since_unix_s = 1'795'838'706;
    holder.host = "host" + std::to_string(daemon);
    return holder;
}

class LeaseTest : public testing::TestWithParam<bool> {
  protected:
    LeaseTest() : LeaseTest(StoreCapabilities{.put_if_absent = GetParam()}) {}

    Lease lease(std::uint8_t daemon, std::uint8_t writer) {
        return {*store_, keys_, holder(daemon, writer)};
    }
    Result<void> take(Lease lease) { return world_.run(lease.take()); }
    Result<void> take_over(Lease lease) { return world_.run(lease.take_over()); }
    Result<void> check(Lease lease) { return world_.run(lease.check()); }
    Result<void> give_up(Lease lease) { return world_.run(lease.give_up()); }
    [[nodiscard]] std::string host() {
        const auto now = world_.run(lease(0, 0).holder());
        return !now ? now.error().message : *now ? (*now)->host : "nobody";
    }
    static void expect_refused(const Result<void>& done, const std::string& by) {
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().code, Errc::precondition);
        EXPECT_NE(done.error().message.find("tapeloftd on " + by), std::string::npos)
            << done.error().message;
    }

    LogWorld world_;
    std::shared_ptr<MemoryStore> memory_;
    std::shared_ptr<FaultyStore> store_;
    const KeyRing keys_ = test_keys();

  private:
    explicit LeaseTest(const StoreCapabilities& capabilities)
        : memory_(std::make_shared<MemoryStore>(capabilities)),
          store_(std::make_shared<FaultyStore>(memory_, 1)) {}
};
INSTANTIATE_TEST_SUITE_P(Stores, LeaseTest, testing::Bool(), [](const auto& conditional) {
    return std::string(conditional.param ? "WithConditions" : "WithoutConditions");
});

/// Two that take over at the same moment, or start again beside each other: whoever put last would
/// believe to have it, and so would the other.
class LeaseRace : public testing::Test {
  protected:
    /// Another daemon puts its own between the look and the put of this one.
    class Overtaking final : public ForwardingStore {
      public:
        using ForwardingStore::ForwardingStore;
        Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
            if (auto first = std::exchange(before_put, nullptr)) {
                TL_CO_CHECK(co_await first());
            }
            co_return co_await store().put(std::move(name), std::move(body), options);
        }
        std::function<Awaitable<Result<void>>()> before_put;
    };

    LogWorld world_;
    std::shared_ptr<MemoryStore> memory_ = std::make_shared<MemoryStore>();
    std::shared_ptr<Overtaking> store_ = std::make_shared<Overtaking>(memory_);
    const KeyRing keys_ = test_keys();
};

TEST_F(LeaseRace, OneOfTwoThatTakeOverAtOnceIsRefused) {
    Lease old(*memory_, keys_, holder(1, 1));
    ASSERT_TRUE(world_.run(old.take()));
    Lease first(*memory_, keys_, holder(2, 2));
    Lease second(*store_, keys_, holder(3, 3));
    store_->before_put = [&first] { return first.take_over(); };
    const auto refused = world_.run(second.take_over());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_NE(refused.error().message.find("tapeloftd on host2"), std::string::npos);
    EXPECT_TRUE(world_.run(first.check()));
}

TEST_F(LeaseRace, ADaemonThatStartsAgainDoesNotTakeItFromWhoTookOverMeanwhile) {
    Lease old(*memory_, keys_, holder(1, 1));
    ASSERT_TRUE(world_.run(old.take()));
    Lease other(*memory_, keys_, holder(2, 2));
    Lease again(*store_, keys_, holder(3, 1));
    store_->before_put = [&other] { return other.take_over(); };
    EXPECT_FALSE(world_.run(again.take()));
    EXPECT_TRUE(world_.run(other.check()));
}

TEST(LeaseFormat, IsWhatTheFormatPageSays) {
    Bytes golden(kGoldenLease.size() / 2);
    ASSERT_TRUE(from_hex(kGoldenLease, golden));
    const auto opened = open_lease(test_keys(), golden);
    ASSERT_TRUE(opened) << opened.error().message;
    const auto counted = [](std::uint8_t first) {
        return counting<std::array<std::uint8_t, 16>>(first);
    };
    EXPECT_EQ(*opened,
              (LeaseHolder{counted(0x10), counted(0x20), 4711, 1'795'838'706, "tapehost"}));
    EXPECT_EQ(to_string(*opened),
              "tapeloftd on tapehost (process 4711, since 2026-11-28 04:05:06 UTC)");
    for (std::size_t i = 0; i < golden.size(); ++i) {
        auto bytes = golden;
        bytes[i] ^= 0x10;
        EXPECT_FALSE(open_lease(test_keys(), bytes)) << i;
        EXPECT_FALSE(open_lease(test_keys(), ByteView(golden).first(i))) << i;
    }
}

TEST_P(LeaseTest, TheSecondDaemonIsRefusedAndToldWhoTheFirstIs) {
    ASSERT_TRUE(take(lease(1, 1)));
    expect_refused(take(lease(2, 2)), "host1 (process 101, since 2026-11-28 04:05:06 UTC)");
    EXPECT_EQ(host(), "host1");
    EXPECT_TRUE(check(lease(1, 1)));
}

TEST_P(LeaseTest, ARestartOnTheSameCatalogTakesItAtOnce) {
    ASSERT_TRUE(take(lease(1, 7)));
    EXPECT_TRUE(take(lease(2, 7)));
    expect_refused(check(lease(1, 7)), "host2");
}

TEST_P(LeaseTest, WhoeverItWasTakenFromNoticesAndLeavesItAlone) {
    ASSERT_TRUE(take(lease(1, 1)));
    ASSERT_TRUE(take_over(lease(2, 2)));
    expect_refused(check(lease(1, 1)), "host2");
    ASSERT_TRUE(give_up(lease(1, 1)));
    EXPECT_EQ(host(), "host2");
    EXPECT_TRUE(check(lease(2, 2)));
}

TEST_P(LeaseTest, WhatWasGivenUpIsFree) {
    ASSERT_TRUE(take(lease(1, 1)));
    ASSERT_TRUE(give_up(lease(1, 1)));
    EXPECT_EQ(host(), "nobody");
    EXPECT_TRUE(take(lease(2, 2)));
}

TEST_P(LeaseTest, OneThatSomebodyRemovedIsTakenAgainUnlessAnotherWasFirst) {
    ASSERT_TRUE(take(lease(1, 1)));
    ASSERT_TRUE(world_.run(memory_->remove(kLeaseObject)));
    EXPECT_TRUE(check(lease(1, 1)));
    EXPECT_EQ(host(), "host1");
    ASSERT_TRUE(world_.run(memory_->remove(kLeaseObject)));
    ASSERT_TRUE(take(lease(2, 2)));
    expect_refused(check(lease(1, 1)), "host2");
}

TEST_P(LeaseTest, AnAnswerThatWasLostDoesNotMatter) {
    store_->script(StoreCall::put, 1, Fault::after);
    EXPECT_EQ(take(lease(1, 1)).error().code, Errc::transient);
    EXPECT_TRUE(take(lease(1, 1)));
    EXPECT_TRUE(check(lease(1, 1)));
}

TEST_P(LeaseTest, ABitThatIsWrongOnTheWayDoesNotMatter) {
    ASSERT_TRUE(take(lease(1, 1)));
    store_->script(StoreCall::get, 1, Fault::flipped);
    EXPECT_TRUE(check(lease(1, 1)));
}

TEST_P(LeaseTest, WhatIsNoLeaseIsTakenByNobodyButOnPurpose) {
    MemoryStore::Objects objects;
    objects[kLeaseObject] = Buffer::copy_of(Bytes(100, 9));
    memory_->set_objects(objects);
    EXPECT_EQ(take(lease(1, 1)).error().code, Errc::corrupt);
    EXPECT_EQ(check(lease(1, 1)).error().code, Errc::corrupt);
    EXPECT_TRUE(take_over(lease(1, 1)));
    EXPECT_TRUE(check(lease(1, 1)));
}

class LeaseInAMirror : public testing::Test {
  protected:
    LeaseInAMirror() {
        MirrorParts parts;
        parts.members = {one, two};
        parts.replaced = {kLeaseObject};
        parts.agreed = {kLeaseObject};
        parts.events = &events;
        mirror = std::make_unique<MirrorStore>(std::move(parts));
    }
    Lease lease(std::uint8_t daemon, std::uint8_t writer) {
        return {*mirror, keys, holder(daemon, writer)};
    }
    static Buffer in(const MemoryStore& store) { return store.objects().at(kLeaseObject); }
    static void set_in(MemoryStore& store, Buffer body) {
        auto objects = store.objects();
        objects[kLeaseObject] = std::move(body);
        store.set_objects(std::move(objects));
    }
    static void rot(MemoryStore& store) {
        auto body = Buffer::copy_of(in(store).view());
        body.mutable_view()[40] ^= 1;
        set_in(store, std::move(body));
    }
    void expect_in_both(std::uint8_t daemon) {
        for (const auto& store : {one, two}) {
            const auto there = open_lease(keys, in(*store).view());
            ASSERT_TRUE(there);
            EXPECT_EQ(there->daemon, holder(daemon, 1).daemon);
        }
    }

    LogWorld world;
    const KeyRing keys = test_keys();
    EventLog events;
    const std::shared_ptr<MemoryStore> one = std::make_shared<MemoryStore>();
    const std::shared_ptr<MemoryStore> two = std::make_shared<MemoryStore>();
    std::unique_ptr<MirrorStore> mirror;
};

TEST_F(LeaseInAMirror, WhoeverTookItOverInOneStoreIsNoticed) {
    auto first = lease(1, 1);
    ASSERT_TRUE(world.run(first.take()));
    const auto mine = in(*one);
    for (const auto& store : {one, two}) {
        ASSERT_TRUE(world.run(Lease(*store, keys, holder(2, 2)).take_over()));
        const auto checked = world.run(first.check());
        ASSERT_FALSE(checked);
        EXPECT_EQ(checked.error().code, Errc::precondition);
        EXPECT_NE(checked.error().message.find("tapeloftd on host2"), std::string::npos);
        EXPECT_FALSE(world.run(lease(3, 1).take())) << "a restart";
        set_in(*store, mine);
        EXPECT_TRUE(world.run(first.check()));
    }
}

TEST_F(LeaseInAMirror, ARestartThatReachedOneStoreOnlyDoesNotShutItselfOut) {
    for (const auto& store : {one, two}) {
        for (const bool take : {true, false}) {
            ASSERT_TRUE(world.run(lease(1, 1).take_over()));
            ASSERT_TRUE(world.run(Lease(*store, keys, holder(2, 1)).take_over()));
            auto second = lease(2, 1);
            EXPECT_TRUE(world.run(take ? second.take() : second.check()));
            expect_in_both(2);
        }
    }
}

TEST_F(LeaseInAMirror, OneThatRotsInOneStoreIsPutThereAnew) {
    auto first = lease(1, 1);
    ASSERT_TRUE(world.run(first.take()));
    for (const auto& store : {one, two}) {
        for (const bool take : {true, false}) {
            rot(*store);
            EXPECT_TRUE(world.run(take ? first.take() : first.check()));
            expect_in_both(1);
        }
    }
    rot(*one);
    rot(*two);
    EXPECT_EQ(world.run(first.check()).error().code, Errc::corrupt) << "it may be another's";
}

}  // namespace
}  // namespace tapeloft::media
