// Runs a coroutine that waits for nothing but itself.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/contract.h"

namespace tapeloft::media {

template <typename T>
T run(Awaitable<T> awaitable) {
    boost::asio::io_context loop;
    std::optional<T> value;
    auto body = [](Awaitable<T> inner, std::optional<T>* out) -> Awaitable<void> {
        out->emplace(co_await std::move(inner));
    };
    boost::asio::co_spawn(loop, body(std::move(awaitable), &value),
                          [](const std::exception_ptr& error) { TL_ASSERT(!error); });
    loop.run();
    TL_ASSERT(value.has_value());
    return std::move(*value);
}

}  // namespace tapeloft::media
