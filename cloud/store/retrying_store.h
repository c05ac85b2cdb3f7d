// A decorator: asks again where that may help.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>

#include "cloud/base/event_log.h"
#include "cloud/store/retry_clock.h"
#include "cloud/store/store_decorator.h"

namespace tapeloft {

struct RetryLimits {
    unsigned attempts_max = 10;                ///< of one call, the first included; 1 or more
    std::chrono::milliseconds pause_min{100};  ///< before the second attempt; more than 0
    std::chrono::milliseconds pause_max{20000};
    /// No attempt begins later than this after the first one. How long one takes is the
    /// provider's limit.
    std::chrono::milliseconds time_max{300000};
    /// One that wants to be left alone for longer than that is asked once more at the end: nobody
    /// comes again. Else its error is returned at once, and whoever comes again waits for so long.
    bool once_more = true;
    /// Within time_max, from the first refusal on: what is denied is asked again, since keys are
    /// often renewed and read again with each call. 0: at once it is final.
    std::chrono::milliseconds denied_time_max{0};
};

/// As the store below, but what is throttled or transient there, and for a while what is denied
/// (RetryLimits::denied_time_max), is asked again, after a pause with decorrelated jitter: random
/// between pause_min and three times the last pause, at most pause_max. Where the store says how
/// long it wants to be left alone (Error::retry_after) the pause is longer by that; see
/// RetryLimits::once_more. After the last attempt its error is returned, with the number of
/// attempts. Any thread; calls do not wait for one another. shut_down() ends the pauses, and their
/// calls are cancelled.
///
/// A put if absent, or if match, whose first attempt arrived although it failed meets its own
/// object: the caller gets precondition and must look whose object that is (media's LogWriter
/// compares the content).
class RetryingStore final : public StoreDecorator {
  public:
    /// Two kinds of patience: behind the get of a range a host waits, and nobody asks again when it
    /// fails. Whole objects are logs and the like, and whoever reads them tells people.
    struct Limits {
        RetryLimits ranges;
        RetryLimits others;
    };

    /// seed: of the pauses. log: gets a line of severity debug for each attempt that failed; may be
    /// null. clock and log outlive the store.
    RetryingStore(std::shared_ptr<ObjectStore> store, Limits limits, std::uint64_t seed,
                  RetryClock& clock = steady_retry_clock(), EventLog* log = nullptr);

    void shut_down() override;

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<Buffer>> get_sound(std::string name, ByteRange range,
                                        SoundCheck is_sound) override;
    Awaitable<Result<RecallState>> recall(std::string name) override;
    Awaitable<Result<std::optional<std::int64_t>>> retained_until(std::string name) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;
    /// At once; where that fails, one by one.
    Awaitable<Result<void>> remove_many(std::vector<std::string> names) override;

  private:
    template <typename T>
    Awaitable<Result<T>> retry(const RetryLimits& limits,
                               std::function<Awaitable<Result<T>>()> attempt);
    std::chrono::milliseconds pause_after(std::chrono::milliseconds last,
                                          const RetryLimits& limits);

    void note_failure(const Error& error, unsigned attempt, std::string next);

    const Limits limits_;
    RetryClock& clock_;
    EventLog* const log_;
    Pauses pauses_;
    std::mutex mutex_;
    std::mt19937_64 random_;
};

}  // namespace tapeloft
