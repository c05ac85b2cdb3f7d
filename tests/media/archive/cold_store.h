// A store that archives what is put under packs/, as Amazon's GLACIER does.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "media/pack/pack_writer.h"

#include "tests/cloud/store/forwarding_store.h"

namespace tapeloft::media {

class ColdStore final : public ForwardingStore {
  public:
    explicit ColdStore(std::shared_ptr<ObjectStore> store) : ForwardingStore(std::move(store)) {}

    [[nodiscard]] std::optional<std::chrono::seconds> recall_time(
        std::string_view name) const override {
        return name.starts_with(kPackPrefix) ? std::optional(std::chrono::hours(5)) : std::nullopt;
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        if (name.starts_with(kPackPrefix)) {
            ++pack_reads;
            const std::lock_guard lock(mutex_);
            if (!there_.contains(name)) {
                co_return Error{Errc::busy, name + " is archived"};
            }
        }
        co_return co_await store().get(std::move(name), range);
    }
    Awaitable<Result<RecallState>> recall(std::string name) override {
        if (when_asked) {
            when_asked();
        }
        ++recalls;
        const auto at_once = ++under_way_;
        most_at_once = std::max(most_at_once.load(), at_once);
        co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                   boost::asio::use_awaitable);
        --under_way_;
        if (away) {
            co_return Error{Errc::transient, "the store is away"};
        }
        const std::lock_guard lock(mutex_);
        if (there_.contains(name)) {
            co_return RecallState::available;
        }
        asked_.insert(std::move(name));
        co_return RecallState::under_way;
    }

    /// What was asked for is there.
    void bring_back() {
        const std::lock_guard lock(mutex_);
        there_.merge(asked_);
    }
    /// Copies are there for a time only.
    void expire() {
        const std::lock_guard lock(mutex_);
        there_.clear();
        asked_.clear();
    }

    std::function<void()> when_asked;  ///< set while nothing is asked
    std::atomic<bool> away = false;
    std::atomic<int> recalls = 0;
    std::atomic<int> pack_reads = 0;
    std::atomic<std::size_t> most_at_once = 0;

  private:
    std::atomic<std::size_t> under_way_ = 0;
    std::mutex mutex_;
    std::set<std::string> asked_;
    std::set<std::string> there_;
};

}  // namespace tapeloft::media
