// How the store of a library is, asked again and again.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/signal.h"
#include "cloud/store/object_store.h"
#include "cloud/store/retry_clock.h"

namespace tapeloft::vtl::daemon {

/// A trouble that comes is a warning, one that has gone an info, both once. A store that tells
/// nothing is asked once.
class StoreWatch {
  public:
    /// events and clock outlive this.
    StoreWatch(std::shared_ptr<ObjectStore> store, EventLog& events,
               RetryClock& clock = steady_retry_clock());

    /// Once.
    void start(const Executor& executor);
    /// Returns when nothing is asked any more; who is in a hurry shuts the store down.
    Awaitable<void> stop();

    /// What the store told last; unset: it does not tell, or does not answer. Any thread.
    [[nodiscard]] std::optional<StoreCondition> last() const;

  private:
    static constexpr std::chrono::minutes kInterval{5};

    Awaitable<void> watch();
    /// False: there is nothing to be told, and never will be.
    bool take(const Result<StoreCondition>& answer);
    void tell(const std::map<std::string, std::string>& troubles);

    const std::shared_ptr<ObjectStore> store_;
    EventLog& events_;
    Pauses pauses_;
    bool started_ = false;
    Signal ended_;
    std::map<std::string, std::string> told_;  ///< troubles, the watching coroutine's
    mutable std::mutex mutex_;
    std::optional<StoreCondition> last_;
};

}  // namespace tapeloft::vtl::daemon
