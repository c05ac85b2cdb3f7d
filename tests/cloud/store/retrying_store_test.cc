#include "cloud/store/retrying_store.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cloud/store/faulty_store.h"
#include "cloud/store/memory_store.h"

#include "tests/cloud/store/fake_retry_clock.h"
#include "tests/cloud/store/forwarding_store.h"
#include "tests/cloud/store/store_world.h"
#include "tests/log_lines.h"

namespace tapeloft::tests {
namespace {

using std::chrono::milliseconds;

class RetryingStoreTest : public testing::Test {
  protected:
    Result<void> put(std::string_view text, PutOptions options = {}) {
        return loop.run(store->put("a", body_of(text), options));
    }
    void restrict(RetryLimits limits, std::uint64_t seed = 1) {
        const RetryingStore::Limits both{limits, limits};
        store = std::make_unique<RetryingStore>(faulty, both, seed, clock);
    }

    StoreLoop loop;
    FakeRetryClock clock;
    std::shared_ptr<MemoryStore> memory = std::make_shared<MemoryStore>();
    std::shared_ptr<FaultyStore> faulty = std::make_shared<FaultyStore>(memory, 1);
    std::unique_ptr<RetryingStore> store =
        std::make_unique<RetryingStore>(faulty, RetryingStore::Limits(), 1, clock);
};

TEST_F(RetryingStoreTest, TransientAndThrottledAreAskedAgainUntilItWorks) {
    faulty->script(StoreCall::put, 1, Fault::before, Errc::transient);
    faulty->script(StoreCall::put, 2, Fault::before, Errc::throttled);
    faulty->script(StoreCall::put, 3, Fault::after, Errc::transient);
    ASSERT_TRUE(put("content"));
    EXPECT_EQ(faulty->calls(StoreCall::put), 4U);
    EXPECT_EQ(clock.pauses().size(), 3U);
    EXPECT_EQ(as_text(memory->objects().at("a").view()), "content");
}

TEST_F(RetryingStoreTest, EveryKindOfCallIsRepeated) {
    ASSERT_TRUE(put("content"));
    for (const auto call : {StoreCall::get, StoreCall::head, StoreCall::list, StoreCall::remove}) {
        faulty->script(call, 1, Fault::before);
    }
    EXPECT_EQ(as_text(loop.run(store->get("a", {}))->view()), "content");
    EXPECT_EQ(loop.run(store->head("a"))->size, 7U);
    EXPECT_EQ(loop.run(store->list("", "", 10))->objects.size(), 1U);
    EXPECT_TRUE(loop.run(store->remove("a")));
    EXPECT_TRUE(memory->objects().empty());
    EXPECT_EQ(clock.pauses().size(), 4U);
}

TEST_F(RetryingStoreTest, OtherErrorsAreReturnedAtOnce) {
    for (const auto code : {Errc::denied, Errc::io, Errc::no_space, Errc::corrupt,
                            Errc::precondition, Errc::invalid_argument, Errc::not_found}) {
        faulty->script(StoreCall::put, 1, Fault::before, code);
        EXPECT_EQ(put("x").error().code, code);
    }
    EXPECT_TRUE(clock.pauses().empty());
    EXPECT_EQ(loop.run(store->get("b", {})).error().code, Errc::not_found);
}

TEST_F(RetryingStoreTest, AttemptsAreBoundedAndTheLastErrorSaysHowMany) {
    restrict({.attempts_max = 4});
    faulty->set_down(true);
    const auto result = put("x");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::transient);
    EXPECT_NE(result.error().message.find("put a (given up after 4 attempts)"), std::string::npos)
        << result.error().message;
    EXPECT_EQ(faulty->calls(StoreCall::put), 4U);
}

TEST_F(RetryingStoreTest, NoAttemptBeginsLaterThanTheTimeAllows) {
    restrict({.attempts_max = 1000000, .time_max = milliseconds(60000)});
    faulty->set_down(true);
    const auto begin = clock.now();
    ASSERT_FALSE(put("x"));
    EXPECT_LE(clock.now() - begin, milliseconds(60000));
    EXPECT_GE(clock.now() - begin, milliseconds(60000 - 20000));
}

TEST_F(RetryingStoreTest, PausesGrowWithJitterBetweenTheirBounds) {
    restrict({.attempts_max = 200,
              .pause_min = milliseconds(100),
              .pause_max = milliseconds(5000),
              .time_max = milliseconds(100000000)});
    faulty->set_down(true);
    ASSERT_FALSE(put("x"));
    const auto pauses = clock.pauses();
    ASSERT_EQ(pauses.size(), 199U);
    auto last = milliseconds(100);
    for (const auto pause : pauses) {
        EXPECT_GE(pause, milliseconds(100));
        EXPECT_LE(pause, std::min(last * 3, milliseconds(5000)));
        last = pause;
    }
    EXPECT_GT(*std::ranges::max_element(pauses), milliseconds(2500));
    EXPECT_NE(pauses[100], pauses[101]);
}

/// Fails as often as it is told, and says for how long it wants to be left alone.
class BusyStore final : public ForwardingStore {
  public:
    using ForwardingStore::ForwardingStore;
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        if (failures > 0) {
            --failures;
            co_return Error{Errc::throttled, "slow down", wanted};
        }
        co_return co_await store().put(std::move(name), std::move(body), options);
    }
    unsigned failures = 1;
    std::chrono::seconds wanted{0};
};

TEST_F(RetryingStoreTest, AStoreIsLeftAloneForAsLongAsItWants) {
    const auto busy = std::make_shared<BusyStore>(memory);
    busy->wanted = std::chrono::seconds(30);
    const RetryLimits limits{.attempts_max = 5, .time_max = milliseconds(60000)};
    store = std::make_unique<RetryingStore>(busy, RetryingStore::Limits{limits, limits}, 1, clock);
    ASSERT_TRUE(put("content"));
    ASSERT_EQ(clock.pauses().size(), 1U);
    EXPECT_GE(clock.pauses()[0], std::chrono::seconds(30));
    EXPECT_LE(clock.pauses()[0], std::chrono::seconds(31));
}

TEST_F(RetryingStoreTest, OneThatWantsMoreThanACallMayTakeIsAskedOnceMoreAtItsEnd) {
    const auto busy = std::make_shared<BusyStore>(memory);
    busy->wanted = std::chrono::seconds(3600);
    busy->failures = 1000;
    const RetryLimits limits{.attempts_max = 5, .time_max = milliseconds(15000)};
    store = std::make_unique<RetryingStore>(busy, RetryingStore::Limits{limits, limits}, 1, clock);
    const auto result = put("content");
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("2 attempts"), std::string::npos);
    EXPECT_EQ(clock.pauses(), std::vector{milliseconds(15000)});
}

TEST_F(RetryingStoreTest, OneThatWantsMoreIsNotAskedWhereSomebodyComesAgain) {
    const auto busy = std::make_shared<BusyStore>(memory);
    busy->wanted = std::chrono::seconds(30);
    const RetryLimits limits{.time_max = milliseconds(15000), .once_more = false};
    store = std::make_unique<RetryingStore>(busy, RetryingStore::Limits{limits, limits}, 1, clock);
    const auto result = put("content");
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().retry_after, std::chrono::seconds(30));
    EXPECT_TRUE(clock.pauses().empty());
}

TEST_F(RetryingStoreTest, EachAttemptThatFailedIsALineOfTheDebugLog) {
    EventLog events;
    const RetryLimits limits{
        .attempts_max = 2, .pause_min = milliseconds(100), .pause_max = milliseconds(100)};
    store = std::make_unique<RetryingStore>(faulty, RetryingStore::Limits{limits, limits}, 1, clock,
                                            &events);
    faulty->set_down(true);
    const LogLines log(spdlog::level::debug);
    ASSERT_FALSE(put("x"));
    EXPECT_NE(log.text().find(" attempt=1 again_in_ms=100\n"), std::string::npos) << log.text();
    EXPECT_NE(log.text().find(" attempt=2 again_in_ms=none\n"), std::string::npos) << log.text();
    EXPECT_EQ(std::ranges::count(log.text(), '\n'), 2);
    EXPECT_TRUE(events.events_after(0).empty());
}

TEST_F(RetryingStoreTest, TwoSeedsDoNotPauseInStep) {
    faulty->set_down(true);
    ASSERT_FALSE(put("x"));
    const auto first = clock.pauses();
    restrict({}, 2);
    ASSERT_FALSE(put("x"));
    const auto all = clock.pauses();
    EXPECT_FALSE(std::equal(first.begin(), first.end(), all.begin() + 9));
}

TEST_F(RetryingStoreTest, APutIfAbsentThatArrivedAlthoughItFailedMeetsItself) {
    faulty->script(StoreCall::put, 1, Fault::after);
    const auto result = put("content", {.if_absent = true});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::precondition);
    EXPECT_EQ(as_text(memory->objects().at("a").view()), "content");
}

TEST_F(RetryingStoreTest, TheGetOfARangeHasAPatienceOfItsOwn) {
    store = std::make_unique<RetryingStore>(
        faulty, RetryingStore::Limits{{.attempts_max = 7}, {.attempts_max = 3}}, 1, clock);
    faulty->set_down(true);
    ASSERT_FALSE(put("x"));
    ASSERT_FALSE(loop.run(store->get("a", {})));
    EXPECT_EQ(faulty->calls(StoreCall::put), 3U);
    EXPECT_EQ(faulty->calls(StoreCall::get), 3U);
    ASSERT_FALSE(loop.run(store->get("a", {0, 1})));
    EXPECT_EQ(faulty->calls(StoreCall::get), 10U);
}

TEST_F(RetryingStoreTest, ARangeThatIsDeniedIsAskedAgainWhileKeysMayBeRenewed) {
    const RetryLimits patient{.attempts_max = 1000,
                              .pause_max = milliseconds(20000),
                              .time_max = milliseconds(240000),
                              .denied_time_max = milliseconds(60000)};
    store = std::make_unique<RetryingStore>(faulty, RetryingStore::Limits{patient, {}}, 1, clock);
    ASSERT_TRUE(put("content"));
    const auto deny = [&](std::uint64_t times) {
        for (std::uint64_t i = 1; i <= times; ++i) {
            faulty->script(StoreCall::get, i, Fault::before, Errc::denied);
        }
    };
    const auto range = [&] { return loop.run(store->get("a", {0, 7})); };
    deny(3);
    EXPECT_EQ(as_text(range()->view()), "content");

    deny(1000);
    auto begin = clock.now();
    EXPECT_EQ(range().error().code, Errc::denied);
    EXPECT_LE(clock.now() - begin, milliseconds(60000));
    EXPECT_GE(clock.now() - begin, milliseconds(40000));
    begin = clock.now();
    EXPECT_EQ(loop.run(store->get("a", {})).error().code, Errc::denied);
    EXPECT_EQ(clock.now(), begin) << "whoever asks for a whole object asks again himself";

    faulty->set_down(true);
    begin = clock.now();
    EXPECT_EQ(range().error().code, Errc::transient);
    EXPECT_GE(clock.now() - begin, milliseconds(220000));
}

TEST_F(RetryingStoreTest, ShutDownEndsPausesAndNoCallBeginsAnother) {
    faulty->set_down(true);
    clock.stands_still = true;
    std::vector<std::optional<Result<void>>> results(3);
    for (auto& result : results) {
        loop.spawn(store->put("a", body_of("x"), {}), result);
    }
    loop.poll();
    EXPECT_FALSE(results[0]);
    store->shut_down();
    loop.run_all();
    for (const auto& result : results) {
        ASSERT_TRUE(result);
        EXPECT_EQ(result->error().code, Errc::cancelled);
        EXPECT_NE(result->error().message.find("put a"), std::string::npos)
            << result->error().message;
    }
    EXPECT_EQ(faulty->calls(StoreCall::put), 3U);
    EXPECT_EQ(put("x").error().code, Errc::cancelled);
    EXPECT_EQ(faulty->calls(StoreCall::put), 4U);
}

TEST_F(RetryingStoreTest, APauseOfTheSteadyClockEndsAtOnceWhenTheStoreIsShutDown) {
    const RetryLimits hours = {.pause_min = std::chrono::hours(1),
                               .pause_max = std::chrono::hours(1),
                               .time_max = std::chrono::hours(9)};
    RetryingStore real(faulty, {hours, hours}, 1);
    faulty->set_down(true);
    std::optional<Result<void>> result;
    loop.spawn(real.put("a", body_of("x"), {}), result);
    loop.poll();
    ASSERT_FALSE(result);
    real.shut_down();
    loop.run_all();
    ASSERT_TRUE(result);
    EXPECT_EQ(result->error().code, Errc::cancelled);
}

TEST_F(RetryingStoreTest, TheSteadyClockPausesAndResumes) {
    restrict({});
    const RetryLimits short_ones = {.pause_min = milliseconds(1), .pause_max = milliseconds(1)};
    RetryingStore real(faulty, {short_ones, short_ones}, 1);
    faulty->script(StoreCall::put, 1, Fault::before);
    faulty->script(StoreCall::put, 2, Fault::before);
    const auto begin = steady_retry_clock().now();
    EXPECT_TRUE(loop.run(real.put("a", body_of("x"), {})));
    EXPECT_GE(steady_retry_clock().now() - begin, milliseconds(1));
}

}  // namespace
}  // namespace tapeloft::tests
