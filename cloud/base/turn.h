// One coroutine at a time.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/signal.h"

namespace tapeloft {

/// Any thread. It outlives who waits for it.
class Turn {
  public:
    Awaitable<void> take() {
        for (;;) {
            const auto signal = std::make_shared<Signal>();
            {
                const std::lock_guard lock(mutex_);
                if (!taken_) {
                    taken_ = true;
                    co_return;
                }
                waiting_.push_back(signal);
            }
            co_await signal->wait();
        }
    }

    void give() {
        std::vector<std::shared_ptr<Signal>> waiting;
        {
            const std::lock_guard lock(mutex_);
            taken_ = false;
            waiting.swap(waiting_);
        }
        for (const auto& signal : waiting) {
            signal->set();
        }
    }

  private:
    std::mutex mutex_;
    bool taken_ = false;
    std::vector<std::shared_ptr<Signal>> waiting_;
};

}  // namespace tapeloft
