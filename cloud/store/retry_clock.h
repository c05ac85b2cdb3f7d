// Pauses before a store is asked again.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <set>

#include "cloud/base/awaitable.h"
#include "cloud/base/signal.h"

namespace tapeloft {

/// Time as a retry sees it. Any thread.
class RetryClock {
  public:
    RetryClock() = default;
    RetryClock(const RetryClock&) = delete;
    RetryClock& operator=(const RetryClock&) = delete;
    virtual ~RetryClock() = default;

    /// Since any moment; never goes back.
    [[nodiscard]] virtual std::chrono::milliseconds now() const = 0;
    /// Resumes the caller on its own executor after `length`, or sooner, when `end` is set.
    virtual Awaitable<void> pause(std::chrono::milliseconds length,
                                  std::shared_ptr<Signal> end) = 0;
};

/// The steady clock; lives as long as the program.
[[nodiscard]] RetryClock& steady_retry_clock() noexcept;

/// The pauses of one store, until it is shut down. Any thread.
class Pauses {
  public:
    /// clock outlives this.
    explicit Pauses(RetryClock& clock) : clock_(clock) {}

    [[nodiscard]] std::chrono::milliseconds now() const { return clock_.now(); }
    /// False, sooner or at once: stop() came.
    Awaitable<bool> pause(std::chrono::milliseconds length);
    /// Ends those that are under way, and those that come later.
    void stop();

  private:
    RetryClock& clock_;
    std::mutex mutex_;
    bool stopped_ = false;
    std::set<std::shared_ptr<Signal>> under_way_;
};

}  // namespace tapeloft
