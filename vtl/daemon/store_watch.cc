#include "vtl/daemon/store_watch.h"

#include <utility>

#include <boost/asio/co_spawn.hpp>

namespace tapeloft::vtl::daemon {

StoreWatch::StoreWatch(std::shared_ptr<ObjectStore> store, EventLog& events, RetryClock& clock)
    : store_(std::move(store)), events_(events), pauses_(clock) {}

void StoreWatch::start(const Executor& executor) {
    started_ = true;
    boost::asio::co_spawn(executor, watch(),
                          [](const std::exception_ptr& failure) { TL_ASSERT(!failure); });
}

Awaitable<void> StoreWatch::stop() {
    pauses_.stop();
    if (started_) {
        co_await ended_.wait();
    }
}

std::optional<StoreCondition> StoreWatch::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

Awaitable<void> StoreWatch::watch() {
    bool goes_on = true;
    while (goes_on) {
        const auto answer = co_await store_->condition();
        goes_on = take(answer);
        if (goes_on) {
            goes_on = co_await pauses_.pause(kInterval);
        }
    }
    ended_.set();
}

bool StoreWatch::take(const Result<StoreCondition>& answer) {
    const bool tells =
        !answer || answer->health || answer->waiting_bytes || !answer->troubles.empty();
    if (answer && tells) {
        tell(answer->troubles);
    }
    const std::lock_guard lock(mutex_);
    last_ = answer && tells ? std::optional(*answer) : std::nullopt;
    return tells;
}

void StoreWatch::tell(const std::map<std::string, std::string>& troubles) {
    for (const auto& [kind, sentence] : troubles) {
        if (!told_.contains(kind)) {
            events_.warning("store", sentence, {{"store", store_->url()}, {"trouble", kind}});
        }
    }
    for (const auto& [kind, sentence] : told_) {
        if (!troubles.contains(kind)) {
            events_.info("store", "A trouble of the store is over.",
                         {{"store", store_->url()}, {"trouble", kind}, {"it_was", sentence}});
        }
    }
    told_ = troubles;
}

}  // namespace tapeloft::vtl::daemon
