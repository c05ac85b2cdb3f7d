// A log stream in a mirror: what one of its stores has alone, since a put was interrupted.
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"
#include "cloud/store/mirror_store.h"

#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

class Memory final : public MirrorMemory {
  public:
    [[nodiscard]] Result<std::optional<std::string>> load() const override { return text; }
    Result<void> save(const std::string& saved) override {
        text = saved;
        return {};
    }

    std::optional<std::string> text;
};

class LogMirror : public testing::Test {
  protected:
    static Awaitable<Result<void>> tend(MirrorStore* mirror) {
        co_await mirror->tend();
        co_return Result<void>();
    }
    /// A daemon that starts, and knows what the one before knew of the mirror.
    void start(std::size_t required) {
        MirrorParts parts;
        parts.members = {first_, second_};
        parts.required = required;
        parts.replaced = {std::string(kHeadPrefix)};
        parts.events = &events_;
        parts.memory = memory_;
        mirror_ = std::make_shared<MirrorStore>(std::move(parts));
        world_.store = mirror_;
    }
    /// The second one never gets the object, and nothing is owed to it.
    void append_to_the_first_alone() {
        first_->script(StoreCall::put, 1, Fault::after);
        second_->script(StoreCall::put, 1, Fault::before);
        EXPECT_FALSE(world_.append(LogKind::delta, {encode(Truncation{0, 77})}));
    }
    /// As if all other stores were lost.
    void expect_whole_in(const std::shared_ptr<MemoryStore>& member) {
        world_.store = member;
        const auto log = world_.read(world_.head);
        ASSERT_TRUE(log) << log.error().message;
        EXPECT_EQ(log->head, world_.head);
        EXPECT_TRUE(log->findings.empty());
    }
    /// The next questions go to the first one: the second one has just not answered.
    void make_first_the_nearest() {
        static_cast<void>(world_.run(mirror_->head(head_name(world_.stream))));  // it is ready
        second_->script(StoreCall::get, 1, Fault::before);
        static_cast<void>(world_.run(mirror_->get(head_name(world_.stream), {})));
        static_cast<void>(world_.run(mirror_->get(head_name(world_.stream), {})));
    }

    LogWorld world_;
    EventLog events_;
    std::shared_ptr<Memory> memory_ = std::make_shared<Memory>();
    std::shared_ptr<MemoryStore> first_memory_ = std::make_shared<MemoryStore>();
    std::shared_ptr<MemoryStore> second_memory_ = std::make_shared<MemoryStore>();
    std::shared_ptr<FaultyStore> first_ = std::make_shared<FaultyStore>(first_memory_, 1);
    std::shared_ptr<FaultyStore> second_ = std::make_shared<FaultyStore>(second_memory_, 1);
    std::shared_ptr<MirrorStore> mirror_;
};

TEST_F(LogMirror, AnAppendThatIsRepeatedWithAnotherSaltReachesTheMemberThatFailed) {
    for (const std::size_t required : {1U, 2U}) {
        SCOPED_TRACE("required " + std::to_string(required));
        start(required);
        world_.append_many(2);
        append_to_the_first_alone();
        ASSERT_TRUE(world_.append(LogKind::delta, {encode(Truncation{0, 77})}));
        expect_whole_in(first_memory_);
        expect_whole_in(second_memory_);
    }
}

TEST_F(LogMirror, ARepeatedAppendNeverGivesTwoMembersDifferentBytes) {
    start(1);
    world_.append_many(2);
    LogWriter writer(*mirror_, world_.keys, world_.stream, world_.head);
    const std::vector<LogEntry> entries = {encode(Truncation{0, 77})};
    first_->script(StoreCall::put, 1, Fault::after);
    second_->script(StoreCall::put, 1, Fault::before);
    EXPECT_FALSE(world_.run(writer.append(LogKind::delta, entries)));
    first_->set_down(true);
    static_cast<void>(world_.run(writer.append(LogKind::delta, entries)));
    first_->set_down(false);
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(world_.run(tend(mirror_.get())));
    }
    ASSERT_TRUE(world_.run(writer.append(LogKind::delta, entries)));
    world_.head = writer.head();
    for (const auto& member : mirror_->members()) {
        EXPECT_EQ(member.standing, MirrorStanding::in_step) << member.trouble;
    }
    expect_whole_in(first_memory_);
    expect_whole_in(second_memory_);
}

TEST_F(LogMirror, AMemberThatFailsForLongerIsNoReasonToSayStoredWithFewerThanRequired) {
    start(2);
    world_.append_many(2);
    second_->set_down(true);
    for (int round = 0; round < 3; ++round) {
        EXPECT_FALSE(world_.append(LogKind::delta, {encode(Truncation{0, 77})}));
    }
    second_->set_down(false);
    ASSERT_TRUE(world_.append(LogKind::delta, {encode(Truncation{0, 77})}));
    expect_whole_in(second_memory_);
}

TEST_F(LogMirror, ADaemonThatEndedBetweenTwoMembersLeavesNoHole) {
    for (const std::size_t required : {1U, 2U}) {
        SCOPED_TRACE("required " + std::to_string(required));
        start(required);
        world_.append_many(2);
        const auto known = world_.head;
        append_to_the_first_alone();
        start(required);
        make_first_the_nearest();
        const auto tail = world_.adopt(known);
        ASSERT_TRUE(tail) << tail.error().message;
        ASSERT_EQ(tail->objects.size(), 1U);
        world_.head = tail->head;
        expect_whole_in(first_memory_);
        expect_whole_in(second_memory_);
    }
}

TEST_F(LogMirror, AnEndThatACatalogLearntFromOneMemberAloneIsPutIntoTheOthers) {
    start(1);
    world_.append_many(2);
    append_to_the_first_alone();
    start(1);
    make_first_the_nearest();
    const auto log = world_.read();  // a catalog that is made anew from the store
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_EQ(log->head.sequence, 3U);
    world_.head = log->head;
    ASSERT_TRUE(world_.adopt(world_.head));
    expect_whole_in(second_memory_);
}

TEST_F(LogMirror, MembersThatHoldDifferentObjectsOfOneNumberAreNeverTakenForStored) {
    start(2);
    world_.append_many(2);
    const auto known = world_.head;
    LogObject object;
    object.sequence = known.sequence + 1;
    object.previous = known.digest;
    object.kind = LogKind::delta;
    object.entries = {encode(Truncation{0, 77})};
    for (const auto& member : {first_memory_, second_memory_}) {  // each with its own salt
        const auto sealed = seal_log_object(world_.keys, world_.stream, object);
        ASSERT_TRUE(sealed);
        auto objects = member->objects();
        objects[world_.name(object.sequence)] = Buffer::copy_of(sealed->bytes);
        member->set_objects(std::move(objects));
    }
    for (int round = 0; round < 3; ++round) {
        const auto appended = world_.append(LogKind::delta, object.entries);
        ASSERT_FALSE(appended);
        EXPECT_EQ(appended.error().code, Errc::corrupt) << appended.error().message;
        EXPECT_EQ(world_.head, known);
        EXPECT_FALSE(world_.adopt(known));
    }
}

}  // namespace
}  // namespace tapeloft::media
