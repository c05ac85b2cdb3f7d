// A decorator: so many requests at once, the rest wait in the order in which they came.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "cloud/base/signal.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

/// As the store below, with `parallel` of the capabilities no more than the limit. A request keeps
/// its place from its begin to its end. Any thread.
class LimitedStore final : public ObjectStore {
  public:
    /// requests_max: 1 or more.
    LimitedStore(std::shared_ptr<ObjectStore> store, std::size_t requests_max);

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return capabilities_;
    }
    [[nodiscard]] const std::string& url() const noexcept override { return store_->url(); }
    [[nodiscard]] std::optional<std::chrono::seconds> clock_ahead() const override {
        return store_->clock_ahead();
    }
    void shut_down() override { store_->shut_down(); }

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

  private:
    class Place;
    Awaitable<Place> take_place();
    void give_back_place();

    const std::shared_ptr<ObjectStore> store_;
    const StoreCapabilities capabilities_;
    std::mutex mutex_;
    std::size_t free_places_;                      ///< 0 while anybody waits
    std::deque<std::shared_ptr<Signal>> waiting_;  ///< whoever is signalled has the place
};

}  // namespace tapeloft
