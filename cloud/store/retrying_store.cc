#include "cloud/store/retrying_store.h"

#include <algorithm>
#include <utility>

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

bool may_help(Errc code) {
    return code == Errc::throttled || code == Errc::transient;
}

}  // namespace

RetryClock& steady_retry_clock() noexcept {
    static SteadyRetryClock clock;
    return clock;
}

RetryingStore::RetryingStore(std::shared_ptr<ObjectStore> store, Limits limits, std::uint64_t seed,
                             RetryClock& clock)
    : StoreDecorator(std::move(store)), limits_(limits), clock_(clock), random_(seed) {
    for (const auto& each : {limits_.ranges, limits_.others}) {
        TL_ASSERT(each.attempts_max > 0 && each.pause_min > milliseconds(0) &&
                  each.pause_min <= each.pause_max);
    }
}

void RetryingStore::shut_down() {
    store().shut_down();
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& end : pauses_) {
        end->set();
    }
}

milliseconds RetryingStore::pause_after(milliseconds last, const RetryLimits& limits) {
    const auto longest = std::clamp(last * 3, limits.pause_min, limits.pause_max);
    const auto choices = static_cast<std::uint64_t>((longest - limits.pause_min).count()) + 1;
    const std::lock_guard lock(mutex_);
    return limits.pause_min + milliseconds(random_() % choices);
}

/// False: shut_down() came.
Awaitable<bool> RetryingStore::pause(milliseconds length) {
    const auto end = std::make_shared<Signal>();
    {
        const std::lock_guard lock(mutex_);
        if (stopped_) {
            co_return false;
        }
        pauses_.insert(end);
    }
    co_await clock_.pause(length, end);
    const std::lock_guard lock(mutex_);
    pauses_.erase(end);
    co_return !stopped_;
}

template <typename T>
Awaitable<Result<T>> RetryingStore::retry(const RetryLimits& limits,
                                          std::function<Awaitable<Result<T>>()> attempt) {
    const auto begin = clock_.now();
    auto length = limits.pause_min;
    for (unsigned attempts = 1;; ++attempts) {
        auto result = co_await attempt();
        if (result || !may_help(result.error().code)) {
            co_return result;
        }
        length = pause_after(length, limits);
        const auto next = clock_.now() + length;
        if (attempts >= limits.attempts_max || next - begin > limits.time_max) {
            auto error = std::move(result).error();
            error.message += " (given up after " + std::to_string(attempts) + " attempts)";
            co_return error;
        }
        if (!co_await pause(length)) {
            co_return Error{Errc::cancelled,
                            "cancelled before another attempt, after: " + result.error().message};
        }
    }
}

Awaitable<Result<void>> RetryingStore::put(std::string name, Buffer body, PutOptions options) {
    auto attempt = [&] { return store().put(name, body, options); };
    co_return co_await retry<void>(limits_.others, attempt);
}

Awaitable<Result<Buffer>> RetryingStore::get(std::string name, ByteRange range) {
    auto attempt = [&] { return store().get(name, range); };
    co_return co_await retry<Buffer>(range.length ? limits_.ranges : limits_.others, attempt);
}

Awaitable<Result<ObjectInfo>> RetryingStore::head(std::string name) {
    auto attempt = [&] { return store().head(name); };
    co_return co_await retry<ObjectInfo>(limits_.others, attempt);
}

Awaitable<Result<ObjectPage>> RetryingStore::list(std::string prefix, std::string after,
                                                  std::size_t limit) {
    auto attempt = [&] { return store().list(prefix, after, limit); };
    co_return co_await retry<ObjectPage>(limits_.others, attempt);
}

Awaitable<Result<void>> RetryingStore::remove(std::string name) {
    auto attempt = [&] { return store().remove(name); };
    co_return co_await retry<void>(limits_.others, attempt);
}

}  // namespace tapeloft
