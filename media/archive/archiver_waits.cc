// What others wait for: a promise, room in the spool, quiet.
#include <boost/asio/post.hpp>

#include "media/archive/archiver.h"

namespace tapeloft::media {

Awaitable<Result<void>> Archiver::store_all(CartridgeId id, std::chrono::milliseconds patience) {
    auto request = std::make_shared<Request>();
    request->id = id;
    requests_.push_back(request);
    wake();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto met = [request] { return request->result.has_value(); };
    if (!co_await wait_until(deadline, std::move(met))) {
        std::erase(requests_, request);
        co_return why_not("the store did not take it in time");
    }
    co_return *request->result;
}

Awaitable<bool> Archiver::wait_for_room(std::uint64_t bytes, std::chrono::milliseconds patience) {
    wake();
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto met = [this, bytes] {
        const auto used = spool_.budget.used();
        return used <= spool_.budget.limit() && bytes <= spool_.budget.limit() - used;
    };
    co_return co_await wait_until(deadline, std::move(met));
}

Awaitable<Result<void>> Archiver::in_quiet(std::function<Awaitable<Result<void>>()> work) {
    ++quiet_wanted_;
    wake();
    auto met = [this] { return quiet_refused_ || (quiet_ && !in_quiet_); };
    const bool met_in_time =
        co_await wait_until(std::chrono::steady_clock::time_point::max(), std::move(met));
    const bool quiet = met_in_time && !quiet_refused_;
    Result<void> done = why_not("the archive did not come to rest");
    if (quiet) {
        in_quiet_ = true;
        if (fenced_) {
            done = fenced_error();
        } else if (auto held = co_await log_.check_lease(); !held) {
            done = std::move(held);
        } else {
            done = co_await work();
            log_.forget_index_end();
        }
        in_quiet_ = false;
    }
    if (--quiet_wanted_ == 0) {
        quiet_ = false;  // a pass comes before the next one
        woken_.cancel();
    }
    notify();
    wake();
    co_return done;
}

void Archiver::refuse_quiet() {
    quiet_refused_ = true;
    boost::asio::post(parts_.strand, [this] { notify(); });
}

/// False: the deadline came first, or end_waits(), or another daemon.
Awaitable<bool> Archiver::wait_until(std::chrono::steady_clock::time_point deadline,
                                     std::function<bool()> met) {
    while (!met()) {
        if (waits_ended_ || fenced_ || std::chrono::steady_clock::now() >= deadline) {
            co_return false;
        }
        boost::asio::steady_timer timer(parts_.strand, deadline);
        waiters_.push_back(&timer);
        co_await timer.async_wait(kAsTuple);
        std::erase(waiters_, &timer);
    }
    co_return true;
}

void Archiver::notify() {
    for (auto* const waiter : waiters_) {
        waiter->cancel();
    }
}

/// What ended a wait too early, or else: the deadline.
Error Archiver::why_not(const std::string& otherwise) const {
    if (fenced_) {
        return fenced_error();
    }
    if (waits_ended_) {
        return {Errc::cancelled, "the archive is stopping"};
    }
    return {Errc::transient, otherwise};
}

Error Archiver::fenced_error() {
    return {Errc::precondition,
            "another daemon writes to the store of this library, or the catalog is an old copy"};
}

}  // namespace tapeloft::media
