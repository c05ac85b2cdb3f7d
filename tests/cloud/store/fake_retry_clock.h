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

    Awaitable<void> pause(std::chrono::milliseconds length, std::shared_ptr<Signal> end) override {
        const auto executor = co_await boost::asio::this_coro::executor;
        co_await boost::asio::post(executor, boost::asio::use_awaitable);
        if (stands_still) {
            co_await end->wait();
        }
        advance(length);
        const std::lock_guard lock(mutex_);
        pauses_.push_back(length);
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

    bool stands_still = false;  ///< pauses last until they are ended

  private:
    mutable std::mutex mutex_;
    std::chrono::milliseconds now_{1000000};
    std::vector<std::chrono::milliseconds> pauses_;
};

}  // namespace tapeloft::tests
