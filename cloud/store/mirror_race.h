// Calls to several members at once, of which nobody waits for all.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/call_on.h"
#include "cloud/base/result.h"

namespace tapeloft {

/// How long is waited, and who is told of those that were not waited for. Called with the number of
/// the call, `given_up` before the race returns, `ended` once the call has ended after that.
struct RaceRules {
    std::size_t enough = 0;  ///< so many successes; from then on the others have `patience` left
    std::chrono::milliseconds patience{0};
    std::function<void(std::size_t)> given_up;
    std::function<void(std::size_t)> ended;
};

template <typename T>
using RaceCall = std::function<Awaitable<Result<T>>()>;
template <typename T>
using RaceOutcomes = std::vector<std::optional<Result<T>>>;

namespace race_detail {

/// All of it on one strand.
template <typename T>
struct State {
    State(Executor strand, std::size_t calls, RaceRules with)
        : rules(std::move(with)), outcomes(calls), changed(std::move(strand)) {}

    const RaceRules rules;
    RaceOutcomes<T> outcomes;
    bool over = false;
    boost::asio::steady_timer changed;  ///< cancelled whenever a call ends
};

template <typename T>
Awaitable<void> run(std::shared_ptr<State<T>> state, std::size_t number, RaceCall<T> call) {
    state->outcomes[number] = co_await call();
    if (state->over) {
        state->rules.ended(number);
    } else {
        state->changed.cancel();
    }
}

template <typename T>
Awaitable<RaceOutcomes<T>> wait(std::shared_ptr<State<T>> state) {
    using Clock = std::chrono::steady_clock;
    auto deadline = Clock::time_point::max();
    auto& outcomes = state->outcomes;
    const auto has_ended = [](const auto& outcome) { return outcome.has_value(); };
    while (!std::ranges::all_of(outcomes, has_ended) && Clock::now() < deadline) {
        const auto succeeded =
            std::ranges::count_if(outcomes, [](const auto& each) { return each && *each; });
        if (deadline == Clock::time_point::max() &&
            static_cast<std::size_t>(succeeded) >= state->rules.enough) {
            deadline = Clock::now() + state->rules.patience;
        }
        state->changed.expires_at(deadline);
        co_await state->changed.async_wait(kAsTuple);
    }
    state->over = true;
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        if (!outcomes[i]) {
            state->rules.given_up(i);
        }
    }
    co_return outcomes;
}

}  // namespace race_detail

/// Unset: it has not ended. The calls own all that they need: they may outlive whoever asks.
template <typename T>
Awaitable<RaceOutcomes<T>> race(std::vector<RaceCall<T>> calls, RaceRules rules) {
    Executor strand = boost::asio::make_strand(co_await boost::asio::this_coro::executor);
    auto state = std::make_shared<race_detail::State<T>>(strand, calls.size(), std::move(rules));
    for (std::size_t i = 0; i < calls.size(); ++i) {
        boost::asio::co_spawn(strand, race_detail::run<T>(state, i, std::move(calls[i])),
                              boost::asio::detached);
    }
    co_return co_await call_on(strand, race_detail::wait<T>(state));
}

}  // namespace tapeloft
