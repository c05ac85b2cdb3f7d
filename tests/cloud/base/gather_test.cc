#include "cloud/base/gather.h"

#include <string>
#include <utility>

#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

#include "tests/cloud/store/store_world.h"

namespace tapeloft {
namespace {

/// Gives way `turns` times, so that later calls end before earlier ones.
Awaitable<std::string> named(std::string name, int turns, int* running, int* most) {
    *most = std::max(*most, ++*running);
    for (int i = 0; i < turns; ++i) {
        co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                   boost::asio::use_awaitable);
    }
    --*running;
    co_return name;
}

TEST(Gather, RunsAllAtOnceAndGivesTheResultsInTheOrderOfTheCalls) {
    tests::StoreLoop loop;
    int running = 0;
    int most = 0;
    std::vector<Awaitable<std::string>> calls;
    for (int i = 0; i < 5; ++i) {
        calls.push_back(named(std::to_string(i), 10 - i, &running, &most));
    }
    const auto names = loop.run(gather(std::move(calls)));
    EXPECT_EQ(names, (std::vector<std::string>{"0", "1", "2", "3", "4"}));
    EXPECT_EQ(most, 5);
    EXPECT_EQ(running, 0);
}

TEST(Gather, OfNothingIsNothing) {
    tests::StoreLoop loop;
    EXPECT_TRUE(loop.run(gather(std::vector<Awaitable<int>>())).empty());
}

TEST(Gather, RunsOnSeveralThreads) {
    boost::asio::thread_pool pool(4);
    auto all = [&pool]() -> Awaitable<int> {
        auto one = [](int value, Executor where) -> Awaitable<int> {
            auto give = [value] { return value; };
            co_return co_await run_on(where, std::move(give));
        };
        int sum = 0;
        for (int round = 0; round < 50; ++round) {
            std::vector<Awaitable<int>> calls;
            for (int i = 1; i <= 16; ++i) {
                calls.push_back(one(i, pool.get_executor()));
            }
            for (const int value : co_await gather(std::move(calls))) {
                sum += value;
            }
        }
        co_return sum;
    };
    int sum = 0;
    boost::asio::co_spawn(pool, all(),
                          [&sum](const std::exception_ptr&, int value) { sum = value; });
    pool.join();
    EXPECT_EQ(sum, 50 * 136);
}

}  // namespace
}  // namespace tapeloft
