#include "cloud/store/retrying_store.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "cloud/base/printable.h"

namespace tapeloft {
namespace {

using std::chrono::milliseconds;

bool may_help(Errc code) {
    return code == Errc::throttled || code == Errc::transient;
}

}  // namespace

RetryingStore::RetryingStore(std::shared_ptr<ObjectStore> store, Limits limits, std::uint64_t seed,
                             RetryClock& clock, EventLog* log)
    : StoreDecorator(std::move(store)),
      limits_(limits),
      clock_(clock),
      log_(log),
      pauses_(clock),
      random_(seed) {
    for (const auto& each : {limits_.ranges, limits_.others}) {
        TL_ASSERT(each.attempts_max > 0 && each.pause_min > milliseconds(0) &&
                  each.pause_min <= each.pause_max);
    }
}

void RetryingStore::shut_down() {
    store().shut_down();
    pauses_.stop();
}

milliseconds RetryingStore::pause_after(milliseconds last, const RetryLimits& limits) {
    const auto longest = std::clamp(last * 3, limits.pause_min, limits.pause_max);
    const auto choices = static_cast<std::uint64_t>((longest - limits.pause_min).count()) + 1;
    const std::lock_guard lock(mutex_);
    return limits.pause_min + milliseconds(random_() % choices);
}

void RetryingStore::note_failure(const Error& error, unsigned attempt, std::string next) {
    if (log_ != nullptr && EventLog::shows_debug()) {
        constexpr std::size_t kMessageShown = 1000;  ///< bytes
        log_->debug("store", printable(error.message, kMessageShown),
                    {{"attempt", std::to_string(attempt)}, {"again_in_ms", std::move(next)}});
    }
}

template <typename T>
Awaitable<Result<T>> RetryingStore::retry(const RetryLimits& limits,
                                          std::function<Awaitable<Result<T>>()> attempt) {
    const auto end = clock_.now() + limits.time_max;
    std::optional<milliseconds> denied_end;
    auto length = limits.pause_min;
    for (unsigned attempts = 1;; ++attempts) {
        auto result = co_await attempt();
        const bool denied = !result && result.error().code == Errc::denied;
        const bool again =
            denied ? limits.denied_time_max.count() > 0 : !result && may_help(result.error().code);
        if (!again) {
            co_return result;
        }
        length = pause_after(length, limits);
        const auto now = clock_.now();
        if (denied && !denied_end) {
            denied_end = std::min(end, now + limits.denied_time_max);
        }
        const auto left = (denied ? *denied_end : end) - now;
        const auto& wanted = result.error().retry_after;
        const bool too_long = !limits.once_more && wanted > left;
        if (attempts >= limits.attempts_max || length > left || too_long) {
            note_failure(result.error(), attempts, "none");
            auto error = std::move(result).error();
            error.message += " (given up after " + std::to_string(attempts) + " attempts)";
            co_return error;
        }
        const auto pause = std::min<milliseconds>(length + wanted, left);
        note_failure(result.error(), attempts, std::to_string(pause.count()));
        if (!co_await pauses_.pause(pause)) {
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

Awaitable<Result<Buffer>> RetryingStore::get_sound(std::string name, ByteRange range,
                                                   SoundCheck is_sound) {
    auto attempt = [&] { return store().get_sound(name, range, is_sound); };
    co_return co_await retry<Buffer>(range.length ? limits_.ranges : limits_.others, attempt);
}

Awaitable<Result<RecallState>> RetryingStore::recall(std::string name) {
    auto attempt = [&] { return store().recall(name); };
    co_return co_await retry<RecallState>(limits_.others, attempt);
}

Awaitable<Result<std::optional<std::int64_t>>> RetryingStore::retained_until(std::string name) {
    auto attempt = [&] { return store().retained_until(name); };
    co_return co_await retry<std::optional<std::int64_t>>(limits_.others, attempt);
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

Awaitable<Result<void>> RetryingStore::remove_many(std::vector<std::string> names) {
    const auto done = co_await store().remove_many(names);
    if (done || !may_help(done.error().code)) {
        co_return done;
    }
    co_return co_await ObjectStore::remove_many(std::move(names));
}

}  // namespace tapeloft
