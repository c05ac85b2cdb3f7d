#include "cloud/base/awaitable.h"

#include <memory>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <gtest/gtest.h>

namespace tapeloft {
namespace {

namespace asio = boost::asio;

TEST(RunOn, WorksElsewhereAndResumesAtHome) {
    asio::io_context home;
    asio::thread_pool elsewhere(1);
    const auto home_thread = std::this_thread::get_id();
    std::thread::id work_thread;
    std::thread::id resumed_thread;
    std::unique_ptr<int> value;
    auto body = [&]() -> Awaitable<void> {
        auto work = [&work_thread, number = std::make_unique<int>(7)]() mutable {
            work_thread = std::this_thread::get_id();
            return std::move(number);
        };
        value = co_await run_on(elsewhere.get_executor(), std::move(work));
        resumed_thread = std::this_thread::get_id();
    };
    asio::co_spawn(home, body(), asio::detached);
    home.run();
    EXPECT_NE(work_thread, home_thread);
    EXPECT_EQ(resumed_thread, home_thread);
    ASSERT_NE(value, nullptr);
    EXPECT_EQ(*value, 7);
}

TEST(RunOn, CarriesAnError) {
    asio::io_context context;
    Errc code = Errc::io;
    auto body = [&]() -> Awaitable<void> {
        auto work = []() -> Result<void> { return Error{Errc::busy, "later"}; };
        const auto result = co_await run_on(context.get_executor(), std::move(work));
        code = result.error().code;
    };
    asio::co_spawn(context, body(), asio::detached);
    context.run();
    EXPECT_EQ(code, Errc::busy);
}

}  // namespace
}  // namespace tapeloft
