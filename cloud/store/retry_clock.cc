#include "cloud/store/retry_clock.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace tapeloft {
namespace {

using std::chrono::milliseconds;

class SteadyRetryClock final : public RetryClock {
  public:
    [[nodiscard]] milliseconds now() const override {
        return std::chrono::duration_cast<milliseconds>(
            std::chrono::steady_clock::now().time_since_epoch());
    }

    Awaitable<void> pause(milliseconds length, std::shared_ptr<Signal> end) override {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, length);
        timer.async_wait([end](const boost::system::error_code&) { end->set(); });
        co_await end->wait();
    }
};

}  // namespace

RetryClock& steady_retry_clock() noexcept {
    static SteadyRetryClock clock;
    return clock;
}

Awaitable<bool> Pauses::pause(milliseconds length) {
    const auto end = std::make_shared<Signal>();
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) {
            co_return false;
        }
        under_way_.insert(end);
    }
    co_await clock_.pause(length, end);
    const std::lock_guard lock(mutex_);
    under_way_.erase(end);
    co_return !stopped_;
}

void Pauses::stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& end : under_way_) {
        end->set();
    }
}

}  // namespace tapeloft
