// Objects that go with the process: for tests, and the plainest reading of what a store promises.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "cloud/store/object_store.h"

namespace tapeloft {

/// Any thread. No call waits for anything.
class MemoryStore final : public ObjectStore {
  public:
    using Objects = std::map<std::string, Buffer, std::less<>>;

    /// Without capabilities.put_if_absent that option is ignored, as servers do that do not know
    /// it; without put_if_match objects have no tags.
    explicit MemoryStore(StoreCapabilities capabilities = {.put_if_absent = true,
                                                           .put_if_match = true});

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return capabilities_;
    }
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

    /// All that is stored, to look at, and to put back as it was, with another object in a place,
    /// or with a byte changed (in a copy: buffers are shared).
    [[nodiscard]] Objects objects() const;
    void set_objects(Objects objects);

  private:
    [[nodiscard]] ObjectTag tag_of(const Buffer& body) const;

    const StoreCapabilities capabilities_;
    const std::string url_ = "memory:";
    mutable std::mutex mutex_;
    Objects objects_;
};

}  // namespace tapeloft
