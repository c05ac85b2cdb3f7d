// What a store laid over another one has in common with it.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "cloud/store/object_store.h"

namespace tapeloft {

/// Says of itself what the store below says; the calls are the decorator's own.
class StoreDecorator : public ObjectStore {
  public:
    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return store_->capabilities();
    }
    [[nodiscard]] const std::string& url() const noexcept override { return store_->url(); }
    [[nodiscard]] std::optional<std::chrono::seconds> clock_ahead() const override {
        return store_->clock_ahead();
    }
    Awaitable<Result<StoreCondition>> condition() override { return store_->condition(); }
    [[nodiscard]] std::optional<std::chrono::seconds> recall_time(
        std::string_view name) const override {
        return store_->recall_time(name);
    }
    Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name) override {
        return store_->retained_until(std::move(name));
    }
    void shut_down() override { store_->shut_down(); }

    Awaitable<Result<Buffer>> get_sound(std::string name, ByteRange range,
                                        SoundCheck is_sound) override {
        return store_->get_sound(std::move(name), range, std::move(is_sound));
    }
    Awaitable<Result<RecallState>> recall(std::string name) override {
        return store_->recall(std::move(name));
    }

  protected:
    explicit StoreDecorator(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}
    [[nodiscard]] ObjectStore& store() const noexcept { return *store_; }

  private:
    const std::shared_ptr<ObjectStore> store_;
};

}  // namespace tapeloft
