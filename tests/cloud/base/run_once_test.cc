#include "cloud/base/run_once.h"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "tests/cloud/store/store_world.h"

namespace tapeloft::tests {
namespace {

TEST(RunOnceTest, WhoComesMeanwhileSharesTheOutcomeAndAFailureIsTriedAgain) {
    StoreLoop loop;
    RunOnce once;
    int runs = 0;
    std::vector<Signal> go(3);
    const RunOnce::Job job = [&]() -> Awaitable<Result<void>> {
        const auto run = static_cast<std::size_t>(runs++);
        co_await go[run].wait();
        co_return run == 0 ? Result<void>(Error{Errc::transient, "away"}) : Result<void>();
    };
    std::vector<std::optional<Result<void>>> results(4);
    for (auto& result : results) {
        loop.spawn(once.run(job), result);
    }
    loop.poll();
    EXPECT_EQ(runs, 1);
    EXPECT_FALSE(results[3]);
    go[0].set();
    loop.run_all();
    for (const auto& result : results) {
        ASSERT_TRUE(result);
        EXPECT_EQ(result->error().message, "away");
    }
    go[1].set();
    EXPECT_TRUE(loop.run(once.run(job)));
    EXPECT_TRUE(loop.run(once.run(job)));
    EXPECT_EQ(runs, 2);
}

}  // namespace
}  // namespace tapeloft::tests
