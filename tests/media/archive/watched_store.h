// A store that a test looks at, call by call, to do something meanwhile or to let the call fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cloud/store/object_store.h"

namespace tapeloft::media {

class WatchedStore final : public ObjectStore {
  public:
    /// What the call fails with; nothing: it goes on as it would. Any thread; set before the store
    /// is used.
    using Watch = std::function<std::optional<Error>(const std::string& name)>;

    explicit WatchedStore(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return store_->capabilities();
    }
    [[nodiscard]] const std::string& url() const noexcept override { return store_->url(); }
    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        auto done = co_await store_->put(name, std::move(body), options);
        if (const auto error = behind_put ? behind_put(name) : std::nullopt) {
            co_return *error;
        }
        co_return done;
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        if (const auto error = before_get ? before_get(name) : std::nullopt) {
            co_return *error;
        }
        co_return co_await store_->get(std::move(name), range);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        return store_->head(std::move(name));
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        return store_->list(std::move(prefix), std::move(after), limit);
    }
    Awaitable<Result<void>> remove(std::string name) override {
        return store_->remove(std::move(name));
    }

    Watch before_get;
    Watch behind_put;  ///< it is stored then

  private:
    const std::shared_ptr<ObjectStore> store_;
};

}  // namespace tapeloft::media
