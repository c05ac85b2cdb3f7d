// Several coroutines at once, for a caller that waits for all of them.
#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "cloud/base/awaitable.h"

namespace tapeloft {

/// Runs all of them on the caller's executor, and resumes the caller there when the last one has
/// ended: their results in the order of the calls. They must not throw. T: movable.
template <typename T>
Awaitable<std::vector<T>> gather(std::vector<Awaitable<T>> calls) {
    std::vector<std::optional<T>> slots(calls.size());
    auto run = [](Awaitable<T> call, std::optional<T>* slot) -> Awaitable<void> {
        slot->emplace(co_await std::move(call));
    };
    auto initiate = [run](auto handler, std::vector<Awaitable<T>>* begun,
                          std::vector<std::optional<T>>* into) {
        using Handler = decltype(handler);
        auto home = boost::asio::get_associated_executor(handler);
        auto waiting = std::make_shared<Handler>(std::move(handler));
        // One more than there are calls: until all of them are begun, the caller stays where it is.
        auto left = std::make_shared<std::atomic<std::size_t>>(begun->size() + 1);
        auto ended = [home, waiting, left](const std::exception_ptr& error) {
            TL_ASSERT(!error);
            if (left->fetch_sub(1) == 1) {
                boost::asio::post(home, std::move(*waiting));
            }
        };
        for (std::size_t i = 0; i < into->size(); ++i) {
            boost::asio::co_spawn(home, run(std::move((*begun)[i]), &(*into)[i]), ended);
        }
        ended(nullptr);
    };
    if (!calls.empty()) {
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
            initiate, boost::asio::use_awaitable, &calls, &slots);
    }
    std::vector<T> values;
    values.reserve(slots.size());
    for (auto& slot : slots) {
        values.push_back(std::move(*slot));
    }
    co_return values;
}

}  // namespace tapeloft
