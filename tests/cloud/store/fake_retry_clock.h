// A clock that goes on only while somebody pauses.
#pragma once

#include <chrono>
#include <mutex>
#include <vector>

#include <boost/asio/this_coro.hpp>

#include "cloud/store/retrying_store.h"

namespace tapeloft::tests {

class FakeRetryClock final : public RetryClock {
  public:
    [[nodiscard]] std::chrono::milliseconds now() const override {
        const std::lock_guard lock(mutex_);
        return now_;
    }

    Awaitable<Result<void>> pause(std::chrono::milliseconds length) override {
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
        if (cancelled) {
            co_return Error{Errc::cancelled, "cancelled"};
        }
        advance(length);
        const std::lock_guard lock(mutex_);
        pauses_.push_back(length);
        co_return Result<void>();
    }

    void advance(std::chrono::milliseconds length) {
        const std::lock_guard lock(mutex_);
        now_ += length;
    }

    /// Every pause so far.
    [[nodiscard]] std::vector<std::chrono::milliseconds> pauses() const {
        const std::lock_guard lock(mutex_);
        return pauses_;
    }

    bool cancelled = false;  ///< pauses end so

  private:
    mutable std::mutex mutex_;
    std::chrono::milliseconds now_{1000000};
    std::vector<std::chrono::milliseconds> pauses_;
};

}  // namespace tapeloft::tests
