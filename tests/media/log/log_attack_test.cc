// Whoever has the store but not the key: what is noticed, and what is named.
#include <gtest/gtest.h>

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

class LogAttack : public testing::Test {
  protected:
    /// 12 objects, a checkpoint (13) that retains 2, 7 and 12, 20 more.
    void SetUp() override {
        world_.append_many(12);
        world_.append_checkpoint({2, 7, 12});
        head_at_checkpoint_ = world_.bytes_of(head_name(world_.stream));
        world_.append_many(20);
    }
    /// Reading fails and names the object, with a catalog and without one.
    void expect_noticed(const std::string& object) {
        for (const auto& known : {std::optional<StreamHead>(), std::optional(world_.head)}) {
            const auto log = world_.read(known);
            ASSERT_FALSE(log) << object;
            EXPECT_EQ(log.error().code, Errc::corrupt);
            EXPECT_NE(log.error().message.find(object), std::string::npos) << log.error().message;
        }
    }

    /// Reading gives all of the stream, with a catalog and without one, and tells of the old head.
    void expect_whole(const std::vector<std::uint64_t>& sequences) {
        for (const auto& known : {std::optional<StreamHead>(), std::optional(world_.head)}) {
            const auto log = world_.read(known);
            ASSERT_TRUE(log) << log.error().message;
            EXPECT_EQ(log->head, world_.head);
            EXPECT_EQ(sequences_of(*log), sequences);
            ASSERT_EQ(log->findings.size(), 1U);
            EXPECT_NE(log->findings[0].what.find("older head"), std::string::npos);
        }
    }

    LogWorld world_;
    Bytes head_at_checkpoint_;
};

TEST_F(LogAttack, AnyObjectThatIsRemovedIsNamed) {
    for (const std::uint64_t sequence : {2U, 7U, 12U, 14U, 20U, 32U, 33U}) {
        const auto bytes = world_.bytes_of(world_.name(sequence));
        world_.remove(world_.name(sequence));
        expect_noticed(world_.name(sequence));
        world_.set(world_.name(sequence), bytes);
    }
    EXPECT_TRUE(world_.read(world_.head));
}

TEST_F(LogAttack, ACheckpointThatIsRemovedIsNamedUnlessAllBeforeItIsStillThere) {
    world_.remove(world_.name(1));
    world_.remove(world_.name(13));
    expect_noticed(world_.name(13));
}

TEST_F(LogAttack, AnyObjectThatIsDamagedIsNamed) {
    for (const std::uint64_t sequence : {2U, 13U, 14U, 33U}) {
        const auto bytes = world_.bytes_of(world_.name(sequence));
        auto damaged = bytes;
        damaged[damaged.size() / 2] ^= 1;
        world_.set(world_.name(sequence), damaged);
        expect_noticed(world_.name(sequence));
        world_.set(world_.name(sequence), bytes);
    }
}

TEST_F(LogAttack, TwoObjectsThatAreSwappedAreNoticed) {
    const auto a = world_.bytes_of(world_.name(15));
    const auto b = world_.bytes_of(world_.name(16));
    world_.set(world_.name(15), b);
    world_.set(world_.name(16), a);
    expect_noticed(world_.name(15));
}

TEST_F(LogAttack, AnObjectUnderALaterNumberIsNoticed) {
    world_.set(world_.name(34), world_.bytes_of(world_.name(20)));
    expect_noticed(world_.name(34));
}

TEST_F(LogAttack, AnObjectOfAnotherStreamIsNoticed) {
    LogWorld other;
    other.stream = counting<StreamId>(0x11);
    other.append_many(33);
    world_.set(world_.name(33), other.bytes_of(other.name(33)));
    expect_noticed(world_.name(33));
}

TEST_F(LogAttack, AnObjectOfAnotherHistoryOfTheSameStreamIsNoticed) {
    LogWorld other;
    other.append_many(34);
    for (const std::uint64_t sequence : {2U, 14U, 33U, 34U}) {
        const auto before = world_.memory->objects();
        world_.set(world_.name(sequence), other.bytes_of(other.name(sequence)));
        expect_noticed(world_.name(sequence));
        world_.memory->set_objects(before);
    }
}

TEST_F(LogAttack, TheLastObjectOfAnotherHistoryIsNoticedByTheHead) {
    auto objects = world_.memory->objects();
    world_.remove(world_.name(33));
    world_.head = {13, 32, sha256(world_.bytes_of(world_.name(32)))};
    ASSERT_TRUE(world_.append(LogKind::delta, {encode(Truncation{0, 5555})}));
    const auto forged = world_.bytes_of(world_.name(33));
    world_.memory->set_objects(objects);
    world_.set(world_.name(33), forged);
    const auto log = world_.read();
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::corrupt);
    EXPECT_NE(log.error().message.find("head"), std::string::npos);
}

TEST_F(LogAttack, AnOlderHeadHidesNothingAndIsToldOf) {
    world_.set(head_name(world_.stream), head_at_checkpoint_);
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(log->head, world_.head);
    EXPECT_EQ(log->deltas.size(), 20U);
    ASSERT_EQ(log->findings.size(), 1U);
    EXPECT_EQ(log->findings[0].object, head_name(world_.stream));
    EXPECT_NE(log->findings[0].what.find("older head"), std::string::npos);
    EXPECT_NE(log->findings[0].what.find("33"), std::string::npos);
}

TEST_F(LogAttack, AnOlderHeadWhoseCheckpointIsGoneHidesNothing) {
    world_.append_checkpoint({7, 20});  // 34
    world_.append_many(3);
    for (std::uint64_t i = 1; i < 34; ++i) {
        if (i != 7 && i != 20) {
            world_.remove(world_.name(i));
        }
    }
    world_.set(head_name(world_.stream), head_at_checkpoint_);
    expect_whole({7, 20, 34, 35, 36, 37});
}

TEST_F(LogAttack, AnOlderCopyThatIsPutBackOverTheStoreHidesNothing) {
    // Heads with all that they name, and without or with a part of what came behind.
    for (const std::uint64_t end : {13U, 14U, 20U, 33U}) {
        const auto before = world_.memory->objects();
        const auto head = world_.head;
        world_.append_checkpoint({7, 20});  // 34
        world_.append_many(3);
        for (auto i = end + 1; i < 34; ++i) {
            if (i != 20) {
                world_.remove(world_.name(i));
            }
        }
        world_.set(head_name(world_.stream), head_at_checkpoint_);
        expect_whole({7, 20, 34, 35, 36, 37});
        world_.memory->set_objects(before);
        world_.head = head;
    }
}

TEST_F(LogAttack, AnOlderCopyThatIsPutBackOverAStoreWhoseEndIsRetainedHidesNothing) {
    world_.append_checkpoint({14, 15});  // 34: the next two behind the old head
    for (std::uint64_t i = 16; i < 34; ++i) {
        world_.remove(world_.name(i));
    }
    world_.set(head_name(world_.stream), head_at_checkpoint_);
    expect_whole({14, 15, 34});
}

TEST_F(LogAttack, AHeadThatIsGoneOrDamagedHidesNothingAndIsToldOf) {
    for (const bool damaged : {false, true}) {
        world_.remove(head_name(world_.stream));
        if (damaged) {
            world_.set(head_name(world_.stream), {1, 2, 3});
        }
        for (const auto& known : {std::optional<StreamHead>(), std::optional(world_.head)}) {
            const auto log = world_.read(known);
            ASSERT_TRUE(log) << log.error().message;
            EXPECT_EQ(log->head, world_.head);
            EXPECT_EQ(log->deltas.size(), 20U);
            EXPECT_EQ(log->findings.size(), 1U);
        }
    }
}

TEST_F(LogAttack, AnOlderStoreIsRefusedByWhoKnowsBetter) {
    const auto old = world_.memory->objects();
    world_.append_many(2);
    world_.memory->set_objects(old);
    const auto log = world_.read(world_.head);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::corrupt);
    EXPECT_NE(log.error().message.find("object 35"), std::string::npos) << log.error().message;
    EXPECT_NE(log.error().message.find("older state"), std::string::npos);
    EXPECT_TRUE(world_.read()) << "without a catalog it is a valid earlier stream";
}

TEST_F(LogAttack, AStreamThatWasRemovedIsRefusedByWhoKnowsBetter) {
    world_.memory->set_objects({});
    EXPECT_EQ(world_.read().error().code, Errc::not_found);
    EXPECT_EQ(world_.read(world_.head).error().code, Errc::corrupt);
}

TEST_F(LogAttack, AnotherHistoryThanTheCatalogKnowsIsRefused) {
    auto known = world_.head;
    known.digest[3] ^= 1;
    const auto log = world_.read(known);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::corrupt);
    EXPECT_NE(log.error().message.find("catalog"), std::string::npos);
}

TEST_F(LogAttack, WhatWasRemovedAndComesBackDoesNoHarm) {
    const auto before = world_.memory->objects();
    for (std::uint64_t i = 1; i < 12; ++i) {
        if (i != 2 && i != 7) {
            world_.remove(world_.name(i));
        }
    }
    ASSERT_TRUE(world_.read());
    world_.memory->set_objects(before);
    const auto log = world_.read(world_.head);
    ASSERT_TRUE(log);
    EXPECT_EQ(sequences_of(*log).front(), 2U);
    EXPECT_TRUE(log->findings.empty());
}

}  // namespace
}  // namespace tapeloft::media
