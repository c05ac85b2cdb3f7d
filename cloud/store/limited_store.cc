#include "cloud/store/limited_store.h"

#include <algorithm>
#include <utility>

namespace tapeloft {
namespace {

StoreCapabilities limited(StoreCapabilities capabilities, std::size_t requests_max) {
    capabilities.parallel = std::min(capabilities.parallel, requests_max);
    return capabilities;
}

}  // namespace

/// One of the places; given back by the destructor.
class LimitedStore::Place {
  public:
    explicit Place(LimitedStore& store) : store_(&store) {}
    Place(Place&& other) noexcept : store_(std::exchange(other.store_, nullptr)) {}
    Place& operator=(Place&&) = delete;
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() {
        if (store_ != nullptr) {
            store_->give_back_place();
        }
    }

  private:
    LimitedStore* store_;
};

LimitedStore::LimitedStore(std::shared_ptr<ObjectStore> store, std::size_t requests_max)
    : store_(std::move(store)),
      capabilities_(limited(store_->capabilities(), requests_max)),
      free_places_(requests_max) {
    TL_ASSERT(requests_max > 0);
}

Awaitable<LimitedStore::Place> LimitedStore::take_place() {
    std::shared_ptr<Signal> signal;
    {
        const std::lock_guard lock(mutex_);
        if (free_places_ > 0) {
            --free_places_;
        } else {
            signal = std::make_shared<Signal>();
            waiting_.push_back(signal);
        }
    }
    if (signal) {
        co_await signal->wait();
    }
    co_return Place(*this);
}

void LimitedStore::give_back_place() {
    std::shared_ptr<Signal> next;
    {
        const std::lock_guard lock(mutex_);
        if (waiting_.empty()) {
            ++free_places_;
            return;
        }
        next = std::move(waiting_.front());
        waiting_.pop_front();
    }
    next->set();
}

Awaitable<Result<void>> LimitedStore::put(std::string name, Buffer body, PutOptions options) {
    const auto place = co_await take_place();
    co_return co_await store_->put(std::move(name), std::move(body), options);
}

Awaitable<Result<Buffer>> LimitedStore::get(std::string name, ByteRange range) {
    const auto place = co_await take_place();
    co_return co_await store_->get(std::move(name), range);
}

Awaitable<Result<ObjectInfo>> LimitedStore::head(std::string name) {
    const auto place = co_await take_place();
    co_return co_await store_->head(std::move(name));
}

Awaitable<Result<ObjectPage>> LimitedStore::list(std::string prefix, std::string after,
                                                 std::size_t limit) {
    const auto place = co_await take_place();
    co_return co_await store_->list(std::move(prefix), std::move(after), limit);
}

Awaitable<Result<void>> LimitedStore::remove(std::string name) {
    const auto place = co_await take_place();
    co_return co_await store_->remove(std::move(name));
}

}  // namespace tapeloft
