// A store over another one that does all that the other does: for tests that change some calls.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "cloud/store/store_decorator.h"

namespace tapeloft {

class ForwardingStore : public StoreDecorator {
  public:
    explicit ForwardingStore(std::shared_ptr<ObjectStore> store)
        : StoreDecorator(std::move(store)) {}

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override {
        return store().put(std::move(name), std::move(body), options);
    }
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override {
        return store().get(std::move(name), range);
    }
    Awaitable<Result<ObjectInfo>> head(std::string name) override {
        return store().head(std::move(name));
    }
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override {
        return store().list(std::move(prefix), std::move(after), limit);
    }
    Awaitable<Result<void>> remove(std::string name) override {
        return store().remove(std::move(name));
    }
};

}  // namespace tapeloft
