// Coroutines of the layers above the sans-IO cores, and the one way to do blocking work in them.
#pragma once

#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cloud/base/result.h"

namespace tapeloft {

template <typename T>
using Awaitable = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

/// For operations of Asio: co_await gives the error code, and throws nothing.
inline constexpr auto kAsTuple = boost::asio::as_tuple(boost::asio::use_awaitable);

/// Runs `work` (which may block) on `where` and resumes the caller on the caller's own executor
/// with its result. work: a callable that returns a movable value; it is called once. It must not
/// throw. Do not capture by value in a lambda written inside the co_await expression (GCC 12.2
/// destroys it twice): name the lambda first, then move it in.
template <typename Work>
Awaitable<std::invoke_result_t<Work>> run_on(Executor where, Work work) {
    using Value = std::invoke_result_t<Work>;
    auto initiate = [](auto handler, Executor target, Work job) {
        // The guard keeps an io_context at home running while the work is elsewhere.
        auto home = boost::asio::make_work_guard(boost::asio::get_associated_executor(handler));
        boost::asio::post(
            target, [handler = std::move(handler), home, job = std::move(job)]() mutable {
                // Result<void> and Result<T> alike: the value travels in an optional.
                std::optional<Value> value(job());
                boost::asio::post(home.get_executor(), [handler = std::move(handler),
                                                        value = std::move(value)]() mutable {
                    std::move(handler)(std::move(value));
                });
            });
    };
    auto value = co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                      void(std::optional<Value>)>(
        initiate, boost::asio::use_awaitable, where, std::move(work));
    co_return std::move(*value);
}

}  // namespace tapeloft
