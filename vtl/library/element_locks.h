// Which elements the moves under way use: moves that share none run side by side.
#pragma once

#include <list>
#include <set>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"

#include "vtl/library/element_address.h"

namespace tapeloft::vtl::library {

/// A move takes all of its elements at once or waits for all of them, so that no two moves can wait
/// for each other; who came first goes first. Everything on one strand.
class ElementLocks {
  public:
    class [[nodiscard]] Held {
      public:
        Held(Held&& other) noexcept;
        Held& operator=(Held&&) = delete;
        ~Held();

      private:
        friend class ElementLocks;
        Held(ElementLocks& locks, std::set<ElementAddress> elements)
            : locks_(&locks), elements_(std::move(elements)) {}

        ElementLocks* locks_;
        std::set<ElementAddress> elements_;
    };

    explicit ElementLocks(Executor executor) : executor_(std::move(executor)) {}

    Awaitable<Held> take(std::vector<media::Element> elements);

  private:
    struct Waiter {
        const std::set<ElementAddress>* wanted = nullptr;
        bool granted = false;
        boost::asio::steady_timer* wake = nullptr;
    };
    class Waiting;

    [[nodiscard]] bool free(const std::set<ElementAddress>& wanted) const noexcept;
    void release(const std::set<ElementAddress>& elements) noexcept;
    void grant() noexcept;

    const Executor executor_;
    std::set<ElementAddress> held_;
    std::list<Waiter*> waiters_;  ///< in order of arrival
};

}  // namespace tapeloft::vtl::library
