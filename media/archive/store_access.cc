#include "media/archive/store_access.h"

#include <algorithm>
#include <array>

namespace tapeloft::media {
namespace {

constexpr std::chrono::milliseconds kLookInterval{200};  // how soon stop() is seen

bool may_succeed_later(Errc code) noexcept {
    constexpr std::array kPassing = {Errc::transient, Errc::throttled, Errc::io, Errc::no_space,
                                     Errc::denied};
    return std::ranges::find(kPassing, code) != kPassing.end();
}

bool is_away(Errc code) noexcept {
    return code == Errc::transient || code == Errc::throttled;
}

}  // namespace

void StoreHealth::failed(const Error& error) {
    {
        const std::lock_guard lock(mutex_);
        if (trouble_) {
            trouble_->error = error;
            return;
        }
        trouble_ = Trouble{error, std::chrono::steady_clock::now()};
    }
    events_.error("store", "The object store cannot be written; it is tried again until it can.",
                  {{"store", store_}, {"reason", error.message}});
}

void StoreHealth::worked() {
    {
        const std::lock_guard lock(mutex_);
        if (!trouble_) {
            return;
        }
        trouble_.reset();
    }
    events_.info("store", "The object store can be written again.", {{"store", store_}});
}

std::optional<StoreHealth::Trouble> StoreHealth::trouble() const {
    const std::lock_guard lock(mutex_);
    return trouble_;
}

Awaitable<Result<void>> StoreAccess::repeat(std::function<Awaitable<Result<void>>()> call,
                                            bool tell_failure, bool tell_success) {
    auto pause = pauses_.first;
    std::optional<std::chrono::steady_clock::time_point> end;
    boost::asio::steady_timer timer(strand_);
    while (true) {
        if (stopped_) {
            co_return Error{Errc::cancelled, "the archive is stopping"};
        }
        auto done = co_await call();
        if (done) {
            if (tell_success) {
                health_.worked();
            }
            co_return done;
        }
        if (!may_succeed_later(done.error().code)) {
            co_return done;
        }
        if (tell_failure) {
            health_.failed(done.error());
        }
        const auto now = std::chrono::steady_clock::now();
        if (patience_ && !end) {
            end = now + *patience_;
        }
        const auto& error = done.error();
        pause = std::min(pause, pauses_.longest);
        pause = is_away(error.code) ? std::min(pause, pauses_.longest_away) : pause;
        const auto wait = std::max<std::chrono::milliseconds>(pause, error.retry_after);
        if (end && now + wait > *end) {
            co_return done;
        }
        for (auto left = wait; left.count() > 0 && !stopped_; left -= kLookInterval) {
            timer.expires_after(std::min(left, kLookInterval));
            co_await timer.async_wait(kAsTuple);
        }
        pause *= 2;
    }
}

}  // namespace tapeloft::media
