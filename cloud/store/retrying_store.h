// A decorator: asks again where that may help.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "cloud/store/object_store.h"

namespace tapeloft {

struct RetryLimits {
    unsigned attempts_max = 10;                ///< of one call, the first included; 1 or more
    std::chrono::milliseconds pause_min{100};  ///< before the second attempt; more than 0
    std::chrono::milliseconds pause_max{20000};
    /// No attempt begins later than this after the first one. How long one takes is the
    /// provider's limit.
    std::chrono::milliseconds time_max{300000};
};

/// Time as a retry sees it. Any thread.
class RetryClock {
  public:
    RetryClock() = default;
    RetryClock(const RetryClock&) = delete;
    RetryClock& operator=(const RetryClock&) = delete;
    virtual ~RetryClock() = default;

    /// Since any moment; never goes back.
    [[nodiscard]] virtual std::chrono::milliseconds now() const = 0;
    /// Resumes the caller on its own executor. Errors: cancelled.
    virtual Awaitable<Result<void>> pause(std::chrono::milliseconds length) = 0;
};

/// The steady clock; lives as long as the program.
[[nodiscard]] RetryClock& steady_retry_clock() noexcept;

/// As the store below, but what is throttled or transient there is asked again, after a pause with
/// decorrelated jitter: random between pause_min and three times the last pause, at most
/// pause_max. After the last attempt its error is returned, with the number of attempts. Any
/// thread; calls do not wait for one another.
///
/// A put if absent whose first attempt arrived although it failed meets its own object: the caller
/// gets precondition and must look whose object that is (media's LogWriter compares the content).
class RetryingStore final : public ObjectStore {
  public:
    /// seed: of the pauses. clock outlives the store.
    RetryingStore(std::shared_ptr<ObjectStore> store, RetryLimits limits, std::uint64_t seed,
                  RetryClock& clock = steady_retry_clock());

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return store_->capabilities();
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
    template <typename T>
    Awaitable<Result<T>> retry(std::function<Awaitable<Result<T>>()> attempt);
    std::chrono::milliseconds pause_after(std::chrono::milliseconds last);

    const std::shared_ptr<ObjectStore> store_;
    const RetryLimits limits_;
    RetryClock& clock_;
    std::mutex mutex_;
    std::mt19937_64 random_;
};

}  // namespace tapeloft
