// Awaits a coroutine that must run on another strand.
#pragma once

#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>

#include "cloud/base/awaitable.h"

namespace tapeloft {

template <typename T>
Awaitable<std::optional<T>> as_optional(Awaitable<T> call) {
    co_return std::optional<T>(co_await std::move(call));
}

/// Runs `call` on `where`; the caller resumes on its own executor with the value.
template <typename T>
Awaitable<T> call_on(Executor where, Awaitable<T> call) {
    // co_spawn needs a value type that is default-constructible.
    auto wrapped = as_optional(std::move(call));
    auto value = co_await boost::asio::co_spawn(std::move(where), std::move(wrapped),
                                                boost::asio::use_awaitable);
    co_return std::move(*value);
}

}  // namespace tapeloft
