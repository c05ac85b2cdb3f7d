#include "cloud/base/at_once.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

Awaitable<void> another_turn() {
    auto executor = co_await boost::asio::this_coro::executor;
    co_await boost::asio::post(executor, boost::asio::use_awaitable);
}

struct Watched {
    std::size_t running = 0;
    std::size_t most = 0;
    std::vector<std::size_t> begun;
    std::size_t fails_at = SIZE_MAX;

    Awaitable<Result<void>> run(std::size_t index) {
        begun.push_back(index);
        most = std::max(most, ++running);
        co_await another_turn();
        --running;
        co_return index == fails_at ? Result<void>(Error{Errc::busy, "job"}) : Result<void>();
    }
};

TEST(AtOnceTest, EveryJobRunsOnceAndNoMoreAtOnceThanAsked) {
    for (const std::size_t at_once : {1U, 3U, 100U}) {
        StoreLoop loop;
        Watched watched;
        auto job = [&](std::size_t index) { return watched.run(index); };
        EXPECT_TRUE(loop.run(run_at_once(20, at_once, job)));
        EXPECT_EQ(watched.most, std::min<std::size_t>(at_once, 20));
        ASSERT_EQ(watched.begun.size(), 20U);
        EXPECT_TRUE(std::is_sorted(watched.begun.begin(), watched.begun.end()));
    }
}

TEST(AtOnceTest, AfterAFailureNoOtherBeginsAndTheFirstErrorIsReturned) {
    StoreLoop loop;
    Watched watched;
    watched.fails_at = 5;
    auto job = [&](std::size_t index) { return watched.run(index); };
    const auto result = loop.run(run_at_once(100, 4, job));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::busy);
    EXPECT_LT(watched.begun.size(), 12U);
    EXPECT_EQ(watched.running, 0U);
}

TEST(AtOnceTest, NothingToDoIsDone) {
    StoreLoop loop;
    EXPECT_TRUE(loop.run(run_at_once(0, 4, nullptr)));
}

}  // namespace
}  // namespace tapeloft::tests
