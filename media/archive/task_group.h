// Coroutines that are under way at once.
#pragma once

#include <cstddef>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"

namespace tapeloft::media {

/// Belongs to one strand, on which its coroutines run too. all() before it goes.
class TaskGroup {
  public:
    explicit TaskGroup(Executor strand)
        : strand_(strand), ended_(strand, boost::asio::steady_timer::time_point::max()) {}
    TaskGroup(const TaskGroup&) = delete;
    TaskGroup& operator=(const TaskGroup&) = delete;
    ~TaskGroup() { TL_ASSERT(under_way_ == 0); }

    void spawn(Awaitable<void> task) {
        ++under_way_;
        boost::asio::co_spawn(strand_, std::move(task), [this](const std::exception_ptr& failure) {
            TL_ASSERT(!failure);
            end_one();
        });
    }

    [[nodiscard]] std::size_t under_way() const noexcept { return under_way_; }

    /// A coroutine that was not spawned here counts while this lives, on the strand.
    class Visit {
      public:
        explicit Visit(TaskGroup& group) : group_(group) { ++group_.under_way_; }
        Visit(const Visit&) = delete;
        Visit& operator=(const Visit&) = delete;
        ~Visit() { group_.end_one(); }

      private:
        TaskGroup& group_;
    };

    /// Returns when fewer than `count` are under way.
    Awaitable<void> below(std::size_t count) {
        while (under_way_ >= count) {
            co_await ended_.async_wait(kAsTuple);
        }
    }
    Awaitable<void> all() { return below(1); }

  private:
    void end_one() {
        --under_way_;
        ended_.cancel();
    }

    Executor strand_;
    boost::asio::steady_timer ended_;  ///< an event: cancelled whenever one ends
    std::size_t under_way_ = 0;
};

}  // namespace tapeloft::media
