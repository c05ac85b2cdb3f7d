#include "cloud/store/retrying_store.h"

#include <algorithm>
#include <utility>

#include <boost/asio/as_tuple.hpp>
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

    Awaitable<Result<void>> pause(milliseconds length) override {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, length);
        const auto [error] =
            co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (error) {
            co_return Error{Errc::cancelled, "the pause before another attempt was cancelled"};
        }
        co_return Result<void>();
    }
};

bool may_help(Errc code) {
    return code == Errc::throttled || code == Errc::transient;
}

}  // namespace

RetryClock& steady_retry_clock() noexcept {
    static SteadyRetryClock clock;
    return clock;
}

RetryingStore::RetryingStore(std::shared_ptr<ObjectStore> store, RetryLimits limits,
                             std::uint64_t seed, RetryClock& clock)
    : store_(std::move(store)), limits_(limits), clock_(clock), random_(seed) {
    TL_ASSERT(limits_.attempts_max > 0 && limits_.pause_min > milliseconds(0) &&
              limits_.pause_min <= limits_.pause_max);
}

milliseconds RetryingStore::pause_after(milliseconds last) {
    const auto longest = std::clamp(last * 3, limits_.pause_min, limits_.pause_max);
    const auto choices = static_cast<std::uint64_t>((longest - limits_.pause_min).count()) + 1;
    const std::lock_guard lock(mutex_);
    return limits_.pause_min + milliseconds(random_() % choices);
}

template <typename T>
Awaitable<Result<T>> RetryingStore::retry(std::function<Awaitable<Result<T>>()> attempt) {
    const auto begin = clock_.now();
    auto pause = limits_.pause_min;
    for (unsigned attempts = 1;; ++attempts) {
        auto result = co_await attempt();
        if (result || !may_help(result.error().code)) {
            co_return result;
        }
        pause = pause_after(pause);
        const auto next = clock_.now() + pause;
        if (attempts >= limits_.attempts_max || next - begin > limits_.time_max) {
            auto error = std::move(result).error();
            error.message += " (given up after " + std::to_string(attempts) + " attempts)";
            co_return error;
        }
        TL_CO_CHECK(co_await clock_.pause(pause));
    }
}

Awaitable<Result<void>> RetryingStore::put(std::string name, Buffer body, PutOptions options) {
    auto attempt = [&] { return store_->put(name, body, options); };
    co_return co_await retry<void>(attempt);
}

Awaitable<Result<Buffer>> RetryingStore::get(std::string name, ByteRange range) {
    auto attempt = [&] { return store_->get(name, range); };
    co_return co_await retry<Buffer>(attempt);
}

Awaitable<Result<ObjectInfo>> RetryingStore::head(std::string name) {
    auto attempt = [&] { return store_->head(name); };
    co_return co_await retry<ObjectInfo>(attempt);
}

Awaitable<Result<ObjectPage>> RetryingStore::list(std::string prefix, std::string after,
                                                  std::size_t limit) {
    auto attempt = [&] { return store_->list(prefix, after, limit); };
    co_return co_await retry<ObjectPage>(attempt);
}

Awaitable<Result<void>> RetryingStore::remove(std::string name) {
    auto attempt = [&] { return store_->remove(name); };
    co_return co_await retry<void>(attempt);
}

}  // namespace tapeloft
