// What tests of stores run on: one thread that is caller and disk in one.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"

namespace tapeloft::tests {

class StoreLoop {
  public:
    [[nodiscard]] Executor executor() { return loop_.get_executor(); }

    /// Runs a coroutine to its end, and all that it started.
    template <typename T>
    T run(Awaitable<T> awaitable) {
        std::optional<T> value;
        spawn(std::move(awaitable), value);
        run_all();
        TL_ASSERT(value.has_value());
        return std::move(*value);
    }

    /// Begins a coroutine; `value` is set when it has ended.
    template <typename T>
    void spawn(Awaitable<T> awaitable, std::optional<T>& value) {
        auto body = [](Awaitable<T> inner, std::optional<T>* out) -> Awaitable<void> {
            out->emplace(co_await std::move(inner));
        };
        boost::asio::co_spawn(loop_, body(std::move(awaitable), &value),
                              [](const std::exception_ptr& error) { TL_ASSERT(!error); });
    }

    /// Until nothing can go on.
    void run_all() {
        loop_.restart();
        loop_.run();
    }

    /// The same where somebody waits for what comes later.
    void poll() {
        loop_.restart();
        loop_.poll();
    }

    /// Waits for the next thing that can go on.
    void run_one() {
        loop_.restart();
        loop_.run_one();
    }

  private:
    boost::asio::io_context loop_;
};

inline Buffer body_of(std::string_view text) {
    return Buffer::copy_of(as_bytes(text));
}

inline Buffer random_body(std::mt19937_64& random, std::size_t size) {
    auto body = Buffer::allocate(size);
    for (auto& byte : body.mutable_view()) {
        byte = static_cast<std::uint8_t>(random());
    }
    return body;
}

}  // namespace tapeloft::tests
