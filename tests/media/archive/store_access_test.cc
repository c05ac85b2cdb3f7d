// How soon the archive goes on once a store is back.
#include "media/archive/store_access.h"

#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace tapeloft::media {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class StoreAccessTest : public testing::Test {
  protected:
    StoreAccessTest() { spdlog::set_level(spdlog::level::off); }

    /// How long it takes until a call works that fails so many times.
    steady_clock::duration until_done(int failures, Error error) {
        calls_ = 0;
        auto call = [this, failures, error]() -> Awaitable<Result<void>> {
            co_return ++calls_ > failures ? Result<void>() : Result<void>(error);
        };
        StoreAccess access(loop_.get_executor(), health_, pauses_);
        const auto begin = steady_clock::now();
        std::optional<Result<void>> done;
        boost::asio::co_spawn(
            loop_,
            [](StoreAccess* to, std::function<Awaitable<Result<void>>()> what,
               std::optional<Result<void>>* out) -> Awaitable<void> {
                *out = co_await to->until_done(std::move(what));
            }(&access, std::move(call), &done),
            boost::asio::detached);
        loop_.restart();
        loop_.run();
        EXPECT_TRUE(done && *done);
        return steady_clock::now() - begin;
    }

    boost::asio::io_context loop_;
    EventLog events_;
    StoreHealth health_{events_, "store"};
    StoreAccess::Pauses pauses_{milliseconds(1), std::chrono::hours(1), milliseconds(2)};
    int calls_ = 0;
};

TEST_F(StoreAccessTest, AStoreThatWasAwayForLongIsFoundSoonAfterItIsBack) {
    for (const auto code : {Errc::transient, Errc::throttled}) {
        EXPECT_LT(until_done(30, {code, "away"}), std::chrono::seconds(30))
            << "each pause but the first is 2 ms, not twice the one before";
        EXPECT_EQ(calls_, 31);
    }
    EXPECT_EQ(events_.events_after(0).size(), 4U) << "it fails, it works";
}

TEST_F(StoreAccessTest, AStoreIsAskedNoSoonerThanItWants) {
    Error busy{Errc::throttled, "come again later"};
    busy.retry_after = std::chrono::seconds(1);
    EXPECT_GE(until_done(1, busy), std::chrono::seconds(1));
}

TEST_F(StoreAccessTest, WhereAPersonHasToMendSomethingThePausesGrow) {
    EXPECT_GE(until_done(7, {Errc::denied, "wrong key"}), milliseconds(1 + 2 + 4 + 8 + 16 + 32));
}

}  // namespace
}  // namespace tapeloft::media
