#include "vtl/library/element_locks.h"

#include <algorithm>
#include <utility>

namespace tapeloft::vtl::library {
namespace {

bool share_one(const std::set<ElementAddress>& left,
               const std::set<ElementAddress>& right) noexcept {
    return std::any_of(left.begin(), left.end(),
                       [&right](ElementAddress address) { return right.contains(address); });
}

}  // namespace

class ElementLocks::Waiting {
  public:
    Waiting(ElementLocks& locks, const std::set<ElementAddress>& wanted)
        : locks_(locks), wake_(locks.executor_, boost::asio::steady_timer::time_point::max()) {
        waiter_.wanted = &wanted;
        waiter_.wake = &wake_;
        locks_.waiters_.push_back(&waiter_);
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { locks_.waiters_.remove(&waiter_); }

    [[nodiscard]] bool granted() const noexcept { return waiter_.granted; }
    auto next_call() { return wake_.async_wait(kAsTuple); }

  private:
    ElementLocks& locks_;
    boost::asio::steady_timer wake_;
    Waiter waiter_;
};

ElementLocks::Held::Held(Held&& other) noexcept
    : locks_(std::exchange(other.locks_, nullptr)), elements_(std::move(other.elements_)) {}

ElementLocks::Held::~Held() {
    if (locks_ != nullptr) {
        locks_->release(elements_);
    }
}

Awaitable<ElementLocks::Held> ElementLocks::take(std::vector<media::Element> elements) {
    std::set<ElementAddress> wanted;
    for (const auto& element : elements) {
        wanted.insert(address_of(element));
    }
    if (free(wanted)) {
        held_.insert(wanted.begin(), wanted.end());
    } else {
        Waiting waiting(*this, wanted);
        while (!waiting.granted()) {
            co_await waiting.next_call();
        }
    }
    co_return Held(*this, std::move(wanted));
}

/// Nobody holds one of them, and nobody who came before wants one.
bool ElementLocks::free(const std::set<ElementAddress>& wanted) const noexcept {
    return !share_one(wanted, held_) &&
           std::none_of(waiters_.begin(), waiters_.end(), [&wanted](const Waiter* waiter) {
               return !waiter->granted && share_one(wanted, *waiter->wanted);
           });
}

void ElementLocks::release(const std::set<ElementAddress>& elements) noexcept {
    for (const auto address : elements) {
        held_.erase(address);
    }
    grant();
}

void ElementLocks::grant() noexcept {
    std::set<ElementAddress> wanted_before;
    for (auto* const waiter : waiters_) {
        if (waiter->granted) {
            continue;
        }
        const auto& wanted = *waiter->wanted;
        if (!share_one(wanted, held_) && !share_one(wanted, wanted_before)) {
            held_.insert(wanted.begin(), wanted.end());
            waiter->granted = true;
            waiter->wake->cancel();
        } else {
            wanted_before.insert(wanted.begin(), wanted.end());
        }
    }
}

}  // namespace tapeloft::vtl::library
