// Writing and reading a stream, with a store that fails, lags and loses answers.
#include "media/log/log_stream.h"

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"

#include "tests/cloud/store/forwarding_store.h"
#include "tests/media/log/log_world.h"

namespace tapeloft::media {
namespace {

std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (auto i = first; i <= last; ++i) {
        all.push_back(i);
    }
    return all;
}

class LogStream : public testing::Test {
  protected:
    /// From now on the store fails as told.
    FaultyStore& faulty(FaultRates rates = {}) {
        auto store = std::make_shared<FaultyStore>(world_.memory, 1, rates);
        world_.store = store;
        return *store;
    }
    static std::vector<LogEntry> entry(std::uint64_t object) {
        return {encode(Truncation{0, object})};
    }

    LogWorld world_;
};

TEST_F(LogStream, WhatWasAppendedIsReadInOrder) {
    world_.append_many(40);
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), numbers(1, 40));
    EXPECT_FALSE(log->checkpoint);
    EXPECT_EQ(log->head, world_.head);
    EXPECT_EQ(log->stream, world_.stream);
    EXPECT_TRUE(log->findings.empty());
    for (std::uint64_t i = 0; i < 40; ++i) {
        EXPECT_EQ(log->deltas[i].object.entries, entry(i));
    }
}

TEST_F(LogStream, ReadingBeginsAtTheNewestCheckpointAndFetchesWhatItRetains) {
    world_.append_many(20);
    world_.append_checkpoint({3, 17});
    world_.append_many(5);
    world_.append_checkpoint({3, 17, 24});
    world_.append_many(2);
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), (std::vector<std::uint64_t>{3, 17, 24, 27, 28, 29}));
    EXPECT_EQ(log->head.checkpoint, 27U);
    EXPECT_EQ(log->head, world_.head);
    EXPECT_TRUE(log->findings.empty());
}

TEST_F(LogStream, WhatACheckpointDoesNotRetainMayBeRemoved) {
    world_.append_many(20);
    world_.append_checkpoint({3, 17});
    world_.append_many(5);
    for (std::uint64_t i = 1; i <= 20; ++i) {
        if (i != 3 && i != 17) {
            world_.remove(world_.name(i));
        }
    }
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), (std::vector<std::uint64_t>{3, 17, 21, 22, 23, 24, 25, 26}));
}

TEST_F(LogStream, AStreamThatIsNotThereIsNotFound) {
    const auto log = world_.read();
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error().code, Errc::not_found);
}

/// Counts how many get() are under way at once; each gives way a few times.
class CountingStore final : public ForwardingStore {
  public:
    explicit CountingStore(std::shared_ptr<ObjectStore> store)
        : ForwardingStore(std::move(store)) {}

    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        ++gets;
        most = std::max(most, ++running_);
        for (int i = 0; i < 3; ++i) {
            co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                       boost::asio::use_awaitable);
        }
        auto result = co_await store().get(std::move(name), range);
        --running_;
        co_return result;
    }

    int gets = 0;
    int most = 0;

  private:
    int running_ = 0;
};

TEST_F(LogStream, SixteenObjectsAreReadAtOnceAndEachOnlyOnce) {
    world_.append_many(50);
    auto store = std::make_shared<CountingStore>(world_.memory);
    world_.store = store;
    ASSERT_TRUE(world_.read());
    EXPECT_EQ(store->most, 16);
    EXPECT_EQ(store->gets, 1 + 50 + 2) << "the head, the objects, a look beyond the end";
}

TEST_F(LogStream, AnAppendWhoseAnswerWasLostIsRecognisedWhenItIsRepeated) {
    world_.append_many(1);
    auto& store = faulty();
    store.script(StoreCall::put, 1, Fault::after);
    auto failed = world_.append(LogKind::delta, entry(77));
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().code, Errc::transient);
    EXPECT_EQ(world_.head.sequence, 1U);
    ASSERT_TRUE(world_.append(LogKind::delta, entry(77)));
    EXPECT_EQ(world_.head.sequence, 2U);
    const auto log = world_.read(world_.head);
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), numbers(1, 2));
    EXPECT_TRUE(log->findings.empty());
}

TEST_F(LogStream, AnAppendWhoseHeadFailedIsRepeated) {
    auto& store = faulty();
    for (const auto fault : {Fault::before, Fault::after}) {
        const auto before = world_.head;
        store.script(StoreCall::put, 2, fault);
        ASSERT_FALSE(world_.append(LogKind::delta, entry(5)));
        EXPECT_EQ(world_.head, before);
        ASSERT_TRUE(world_.append(LogKind::delta, entry(5)));
        EXPECT_EQ(world_.head.sequence, before.sequence + 1);
    }
    const auto log = world_.read(world_.head);
    ASSERT_TRUE(log);
    EXPECT_EQ(log->deltas.size(), 2U);
}

TEST_F(LogStream, ASecondWriterIsRefusedAndChangesNothing) {
    world_.append_many(2);
    LogWriter other(*world_.store, world_.keys, world_.stream, world_.head);
    world_.append_many(1);
    const auto before = world_.memory->objects().size();
    const auto refused = world_.run(other.append(LogKind::delta, entry(1000)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
    EXPECT_NE(refused.error().message.find("another daemon"), std::string::npos);
    EXPECT_EQ(other.head().sequence, 2U);
    EXPECT_EQ(world_.memory->objects().size(), before);
    EXPECT_EQ(world_.read()->head, world_.head);
    // The same entries of another kind, or behind another object, are not the same object either.
    LogWriter kind(*world_.store, world_.keys, world_.stream, StreamHead{0, 2, {}});
    EXPECT_FALSE(world_.run(kind.append(LogKind::delta, entry(2))));
}

TEST_F(LogStream, ASecondWriterIsRefusedWhereTheStoreCannotPutIfAbsent) {
    world_.memory = std::make_shared<MemoryStore>(StoreCapabilities{.put_if_absent = false});
    world_.store = world_.memory;
    world_.append_many(1);
    LogWriter other(*world_.store, world_.keys, world_.stream, StreamHead{});
    EXPECT_TRUE(world_.run(other.append(LogKind::delta, entry(0)))) << "the very object";
    LogWriter third(*world_.store, world_.keys, world_.stream, StreamHead{});
    const auto refused = world_.run(third.append(LogKind::delta, entry(9)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::precondition);
}

TEST_F(LogStream, WhatIsTooLongIsRefusedAndNothingIsStored) {
    const auto refused =
        world_.append(LogKind::delta, {{LogEntryType::append, Bytes(kLogPayloadMax)}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
    EXPECT_TRUE(world_.memory->objects().empty());
}

TEST_F(LogStream, ADamagedObjectInThePlaceOfTheNextIsCorrupt) {
    world_.append_many(1);
    world_.set(world_.name(2), {1, 2, 3});
    const auto refused = world_.append(LogKind::delta, entry(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
}

TEST_F(LogStream, AHeadThatLagsByOneObjectIsWhatACrashLeaves) {
    world_.append_many(5);
    const auto head = world_.bytes_of(head_name(world_.stream));
    world_.append_many(1);
    world_.set(head_name(world_.stream), head);
    const auto log = world_.read();
    ASSERT_TRUE(log);
    EXPECT_EQ(log->head, world_.head);
    EXPECT_TRUE(log->findings.empty());
}

TEST_F(LogStream, ACheckpointWithoutItsHeadIsTheNewestCheckpoint) {
    world_.append_many(5);
    const auto head = world_.bytes_of(head_name(world_.stream));
    world_.append_checkpoint({2});
    world_.set(head_name(world_.stream), head);
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), (std::vector<std::uint64_t>{2, 6}));
    EXPECT_EQ(log->head, world_.head);
}

TEST_F(LogStream, AListThatShowsNothingHidesNothing) {
    faulty({.list_lag = 1000});
    world_.append_many(30);
    world_.remove(head_name(world_.stream));
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(sequences_of(*log), numbers(1, 30));
    ASSERT_EQ(log->findings.size(), 1U);
    EXPECT_EQ(log->findings[0].object, head_name(world_.stream));
}

TEST_F(LogStream, OneListedObjectBehindTheCheckpointIsEnough) {
    world_.append_many(10);
    world_.append_checkpoint({4});
    world_.append_many(3);
    faulty({.list_lag = 1000});
    world_.append_many(40);
    world_.remove(head_name(world_.stream));
    const auto log = world_.read();
    ASSERT_TRUE(log) << log.error().message;
    EXPECT_EQ(log->head, world_.head);
    EXPECT_EQ(log->checkpoint->object.sequence, 11U);
    EXPECT_EQ(log->deltas.size(), 43U);
}

TEST_F(LogStream, ErrorsOfTheStoreAreHandedOnAndAnotherTryReads) {
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    world_.append_many(20);
    world_.append_checkpoint({2, 8, 20});
    world_.append_many(20);
    auto store = std::make_shared<FaultyStore>(
        world_.memory, seed, FaultRates{.before = 10, .throttled = 10, .turns_max = 3});
    world_.store = store;
    std::size_t read = 0;
    for (int i = 0; i < 100; ++i) {
        const auto log = world_.read(world_.head);
        if (log) {
            ++read;
            ASSERT_EQ(log->head, world_.head);
            ASSERT_EQ(sequences_of(*log).size(), 24U);
        } else {
            ASSERT_TRUE(log.error().code == Errc::transient || log.error().code == Errc::throttled);
        }
    }
    EXPECT_GT(read, 0U);
}

TEST_F(LogStream, AppendsThroughAStoreThatFailsLoseNothingAndRepeatNothing) {
    const auto seed = std::random_device()();
    SCOPED_TRACE("seed " + std::to_string(seed));
    world_.store = std::make_shared<FaultyStore>(
        world_.memory, seed,
        FaultRates{.before = 150, .after = 150, .throttled = 50, .turns_max = 2});
    for (std::uint64_t i = 0; i < 100; ++i) {
        while (true) {
            const auto result = world_.append(LogKind::delta, entry(i));
            if (result) {
                break;
            }
            ASSERT_TRUE(result.error().code == Errc::transient ||
                        result.error().code == Errc::throttled)
                << result.error().message;
        }
    }
    world_.store = world_.memory;
    const auto log = world_.read(world_.head);
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_EQ(log->deltas.size(), 100U);
    for (std::uint64_t i = 0; i < 100; ++i) {
        EXPECT_EQ(log->deltas[i].object.entries, entry(i));
    }
}

}  // namespace
}  // namespace tapeloft::media
