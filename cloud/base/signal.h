// One coroutine waits, another thread says when to go on.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cloud/base/awaitable.h"

namespace tapeloft {

/// Set once. At most one waiter. set() may come from any thread, before or after wait().
class Signal {
  public:
    void set() {
        std::unique_ptr<Waiter> waiter;
        {
            const std::lock_guard lock(mutex_);
            set_ = true;
            waiter = std::move(waiter_);
        }
        if (waiter) {
            waiter->resume();
        }
    }

    [[nodiscard]] bool is_set() const {
        const std::lock_guard lock(mutex_);
        return set_;
    }

    /// Returns, on the executor of the caller, after set().
    Awaitable<void> wait() {
        auto initiate = [](auto handler, Signal* self) { self->begin_wait(std::move(handler)); };
        co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
            initiate, boost::asio::use_awaitable, this);
    }

  private:
    struct Waiter {
        Waiter() = default;
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        virtual ~Waiter() = default;
        virtual void resume() = 0;
    };

    template <typename Handler>
    struct WaiterFor final : Waiter {
        explicit WaiterFor(Handler ready)
            : handler(std::move(ready)),
              home(boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                       boost::asio::execution::outstanding_work.tracked)) {}
        void resume() override { boost::asio::post(home, std::move(handler)); }

        Handler handler;
        Executor home;
    };

    template <typename Handler>
    void begin_wait(Handler handler) {
        auto waiter = std::make_unique<WaiterFor<Handler>>(std::move(handler));
        {
            const std::lock_guard lock(mutex_);
            TL_ASSERT(!waiter_);
            if (!set_) {
                waiter_ = std::move(waiter);
                return;
            }
        }
        waiter->resume();
    }

    mutable std::mutex mutex_;
    bool set_ = false;
    std::unique_ptr<Waiter> waiter_;
};

}  // namespace tapeloft
