// A store that a test looks at, call by call, to do something meanwhile or to let the call fail.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "tests/cloud/store/forwarding_store.h"

namespace tapeloft::media {

class WatchedStore final : public ForwardingStore {
  public:
    /// What the call fails with; nothing: it goes on as it would. Any thread; set before the store
    /// is used.
    using Watch = std::function<std::optional<Error>(const std::string& name)>;

    explicit WatchedStore(std::shared_ptr<ObjectStore> store) : ForwardingStore(std::move(store)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        auto done = co_await store().put(name, std::move(body), options);
        if (const auto error = behind_put ? behind_put(name) : std::nullopt) {
            co_return *error;
        }
        co_return done;
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        if (const auto error = before_get ? before_get(name) : std::nullopt) {
            co_return *error;
        }
        co_return co_await store().get(std::move(name), range);
    }

    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        if (const auto error = before_head ? before_head(name) : std::nullopt) {
            co_return *error;
        }
        co_return co_await store().head(std::move(name));
    }
    Awaitable<Result<void>> remove(std::string name) override {
        if (const auto error = before_remove ? before_remove(name) : std::nullopt) {
            co_return *error;
        }
        co_return co_await store().remove(std::move(name));
    }

    Watch before_get;
    Watch before_head;
    Watch before_remove;
    Watch behind_put;  ///< it is stored then
};

}  // namespace tapeloft::media
