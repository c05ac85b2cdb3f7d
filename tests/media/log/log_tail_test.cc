// What a crash leaves behind the end that the catalog knows.
#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

class LogTailTest : public testing::Test {
  protected:
    LogWorld world_;
};

TEST_F(LogTailTest, WhereNothingHappenedThereIsNothingAndFourRequestsAndAList) {
    world_.append_many(5);
    auto store = std::make_shared<FaultyStore>(world_.memory, 1);
    world_.store = store;
    const auto tail = world_.adopt(world_.head);
    ASSERT_TRUE(tail) << tail.error().message;
    EXPECT_TRUE(tail->objects.empty());
    EXPECT_TRUE(tail->findings.empty());
    EXPECT_EQ(tail->head, world_.head);
    EXPECT_EQ(store->calls(StoreCall::get), 4U);
    EXPECT_EQ(store->calls(StoreCall::list), 1U);
    EXPECT_EQ(store->calls(StoreCall::put), 0U);
}

TEST_F(LogTailTest, OfANewStreamThereIsNothing) {
    const auto tail = world_.adopt({});
    ASSERT_TRUE(tail) << tail.error().message;
    EXPECT_EQ(tail->head, StreamHead{});
    EXPECT_TRUE(tail->findings.empty());
    EXPECT_TRUE(world_.memory->objects().empty());
}

TEST_F(LogTailTest, AnObjectWithoutItsHeadIsFoundAndItsHeadStored) {
    for (const std::uint64_t known : {0U, 5U}) {
        const auto before = world_.head;
        ASSERT_EQ(before.sequence, known);
        auto store = std::make_shared<FaultyStore>(world_.memory, 1);
        store->script(StoreCall::put, 2, Fault::before);
        world_.store = store;
        ASSERT_FALSE(world_.append(LogKind::delta, {encode(Truncation{0, 99})}));
        world_.store = world_.memory;
        const auto tail = world_.adopt(before);
        ASSERT_TRUE(tail) << tail.error().message;
        ASSERT_EQ(tail->objects.size(), 1U);
        EXPECT_EQ(tail->objects[0].object.entries,
                  (std::vector<LogEntry>{encode(Truncation{0, 99})}));
        EXPECT_EQ(tail->head.sequence, known + 1);
        EXPECT_TRUE(tail->findings.empty());
        const auto head =
            open_head(world_.keys, world_.stream, world_.bytes_of(head_name(world_.stream)));
        ASSERT_TRUE(head);
        EXPECT_EQ(*head, tail->head);
        world_.head = tail->head;
        world_.append_many(5 - world_.head.sequence % 5);
        EXPECT_TRUE(world_.read(world_.head)->findings.empty());
    }
}

TEST_F(LogTailTest, AnObjectWithItsHeadThatTheCatalogMissedIsFound) {
    world_.append_many(5);
    const auto known = world_.head;
    world_.append_checkpoint({});
    const auto tail = world_.adopt(known);
    ASSERT_TRUE(tail) << tail.error().message;
    EXPECT_EQ(tail->objects.size(), 1U);
    EXPECT_EQ(tail->head, world_.head);
    EXPECT_EQ(tail->head.checkpoint, 6U);
}

TEST_F(LogTailTest, AnOlderStoreIsRefusedAndBothEndsAreNamed) {
    world_.append_many(3);
    const auto old = world_.memory->objects();
    world_.append_many(4);
    world_.memory->set_objects(old);
    const auto tail = world_.adopt(world_.head);
    ASSERT_FALSE(tail);
    EXPECT_EQ(tail.error().code, Errc::corrupt);
    EXPECT_NE(tail.error().message.find("object 7"), std::string::npos) << tail.error().message;
    EXPECT_NE(tail.error().message.find("object 3"), std::string::npos);
}

/// Nothing is appended over the hole.
TEST_F(LogTailTest, AnEndThatWasRemovedOrReplacedBehindItsHeadIsRefusedByName) {
    world_.append_many(5);
    const auto name = log_name(world_.stream, 5);
    const auto objects = world_.memory->objects();
    for (const bool replaced : {false, true}) {
        world_.memory->set_objects(objects);
        if (replaced) {
            world_.set(name, world_.bytes_of(log_name(world_.stream, 4)));
        } else {
            world_.remove(name);
        }
        const auto tail = world_.adopt(world_.head);
        ASSERT_FALSE(tail);
        EXPECT_EQ(tail.error().code, Errc::corrupt);
        EXPECT_NE(tail.error().message.find(name), std::string::npos) << tail.error().message;
    }
}

TEST_F(LogTailTest, AnOlderHeadIsReplacedAndToldOf) {
    world_.append_many(3);
    const auto old = world_.bytes_of(head_name(world_.stream));
    world_.append_many(4);
    world_.set(head_name(world_.stream), old);
    const auto tail = world_.adopt(world_.head);
    ASSERT_TRUE(tail) << tail.error().message;
    EXPECT_EQ(tail->findings.size(), 1U);
    EXPECT_TRUE(world_.read(world_.head)->findings.empty());
}

TEST_F(LogTailTest, AHeadThatIsGoneIsReplacedAndToldOf) {
    world_.append_many(3);
    world_.remove(head_name(world_.stream));
    const auto tail = world_.adopt(world_.head);
    ASSERT_TRUE(tail);
    EXPECT_EQ(tail->findings.size(), 1U);
    EXPECT_TRUE(world_.memory->objects().contains(head_name(world_.stream)));
}

TEST_F(LogTailTest, AnotherHistoryIsRefused) {
    world_.append_many(3);
    auto other = world_.head;
    other.digest[0] ^= 1;
    EXPECT_EQ(world_.adopt(other).error().code, Errc::corrupt);
    world_.append_many(1);
    EXPECT_EQ(world_.adopt(other).error().code, Errc::corrupt);
}

TEST_F(LogTailTest, ACatalogThatIsAnOldCopyIsTold) {
    world_.append_many(3);
    const auto known = world_.head;
    world_.append_many(5);
    world_.append_checkpoint({});
    for (std::uint64_t i = 1; i <= 8; ++i) {
        world_.remove(world_.name(i));
    }
    const auto tail = world_.adopt(known);
    ASSERT_FALSE(tail);
    EXPECT_EQ(tail.error().code, Errc::precondition);
}

TEST_F(LogTailTest, ACatalogThatIsAnOldCopyIsToldWhateverHeadIsThere) {
    world_.append_many(3);
    const auto known = world_.head;
    const auto head = world_.bytes_of(head_name(world_.stream));
    const auto end = world_.bytes_of(world_.name(3));
    world_.append_many(5);
    const auto next = world_.bytes_of(world_.name(4));
    world_.append_checkpoint({4});
    for (std::uint64_t i = 1; i <= 8; ++i) {
        world_.remove(world_.name(i));
    }
    world_.remove(head_name(world_.stream));
    const auto refused = [&](Errc code) {
        const auto before = world_.memory->objects().size();
        const auto tail = world_.adopt(known);
        ASSERT_FALSE(tail);
        EXPECT_EQ(tail.error().code, code) << tail.error().message;
        EXPECT_EQ(world_.memory->objects().size(), before) << "a head was stored";
    };
    refused(Errc::precondition);
    world_.set(world_.name(3), end);
    refused(Errc::precondition);
    world_.set(head_name(world_.stream), head);
    refused(Errc::precondition);
    world_.set(world_.name(4), next);  // it is retained
    refused(Errc::corrupt);
}

TEST_F(LogTailTest, AHoleInTheTailIsAnObjectThatWasRemoved) {
    world_.append_many(3);
    const auto known = world_.head;
    world_.append_many(5);
    for (std::uint64_t i = 5; i <= 8; ++i) {
        const auto bytes = world_.bytes_of(world_.name(i));
        world_.remove(world_.name(i));
        const auto tail = world_.adopt(known);
        ASSERT_FALSE(tail) << i;
        EXPECT_EQ(tail.error().code, Errc::corrupt);
        EXPECT_NE(tail.error().message.find(world_.name(i)), std::string::npos);
        world_.set(world_.name(i), bytes);
    }
}

}  // namespace
}  // namespace tapeloft::media
