// Writing to a store that may be slow, away or full: tried again until it is done.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

/// How the store is; any thread.
class StoreHealth {
  public:
    struct Trouble {
        Error error;
        std::chrono::steady_clock::time_point since;
    };

    StoreHealth(EventLog& events, std::string store) : events_(events), store_(std::move(store)) {}

    void failed(const Error& error);
    void worked();
    /// What has gone wrong since the last call that worked.
    [[nodiscard]] std::optional<Trouble> trouble() const;

  private:
    EventLog& events_;
    const std::string store_;
    mutable std::mutex mutex_;
    std::optional<Trouble> trouble_;
};

/// A dead cloud is a slow tape: calls are repeated, with growing pauses, and no sooner than the
/// store wants (Error::retry_after), until they succeed, fail for good, or stop() comes. Belongs to
/// one strand, but for stop(), which any thread may call.
class StoreAccess {
  public:
    struct Pauses {
        std::chrono::milliseconds first{500};
        std::chrono::milliseconds longest{60'000};
        /// Of what is transient or throttled: once the store is back, so long nothing is stored.
        std::chrono::milliseconds longest_away{5'000};
    };

    /// patience: how long a call is repeated after its first failure; null: until stop().
    StoreAccess(Executor strand, StoreHealth& health, Pauses pauses,
                std::optional<std::chrono::milliseconds> patience = std::nullopt)
        : strand_(std::move(strand)), health_(health), pauses_(pauses), patience_(patience) {}

    /// Repeats on transient, throttled, io, no_space, denied (somebody may mend the credentials).
    /// Errors: cancelled (stop()), and every other one of the call; those too when patience ends.
    Awaitable<Result<void>> until_done(std::function<Awaitable<Result<void>>()> call) {
        return repeat(std::move(call), true, true);
    }
    /// The same of a call that only reads: it says nothing of whether the store can be written.
    Awaitable<Result<void>> until_read(std::function<Awaitable<Result<void>>()> call) {
        return repeat(std::move(call), false, false);
    }
    /// The same of a read without which nothing is written: its failure is told, its success says
    /// nothing of whether the store can be written.
    Awaitable<Result<void>> until_write_may_begin(std::function<Awaitable<Result<void>>()> call) {
        return repeat(std::move(call), true, false);
    }

    void stop() noexcept { stopped_ = true; }
    [[nodiscard]] bool stopped() const noexcept { return stopped_; }

  private:
    Awaitable<Result<void>> repeat(std::function<Awaitable<Result<void>>()> call, bool tell_failure,
                                   bool tell_success);

    Executor strand_;
    StoreHealth& health_;
    Pauses pauses_;
    std::optional<std::chrono::milliseconds> patience_;
    std::atomic<bool> stopped_ = false;
};

}  // namespace tapeloft::media
