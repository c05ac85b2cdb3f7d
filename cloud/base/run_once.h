// What must have succeeded once before others go on.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/base/signal.h"

namespace tapeloft {

/// Any thread.
class RunOnce {
  public:
    using Job = std::function<Awaitable<Result<void>>()>;

    /// Runs the job unless it has succeeded already. Who comes while it runs waits for its outcome;
    /// who comes after a failure runs it again. Errors: those of the job.
    Awaitable<Result<void>> run(Job job) {
        auto attempt = join();
        if (!attempt) {
            co_return Result<void>();
        }
        if (attempt->signal) {
            co_await attempt->signal->wait();
            co_return *attempt->run->outcome;
        }
        auto outcome = co_await job();
        finish(*attempt->run, outcome);
        co_return outcome;
    }

    /// The next call runs its job again; one that runs now may be all that it waits for.
    void again() {
        const std::lock_guard lock(mutex_);
        done_ = false;
    }

  private:
    struct Run {
        std::vector<std::shared_ptr<Signal>> waiting;
        std::optional<Result<void>> outcome;  ///< set before the signals are
    };
    struct Part {
        std::shared_ptr<Run> run;
        std::shared_ptr<Signal> signal;  ///< null: whoever has this runs the job
    };

    std::optional<Part> join() {
        const std::lock_guard lock(mutex_);
        if (done_) {
            return std::nullopt;
        }
        if (!under_way_) {
            under_way_ = std::make_shared<Run>();
            return Part{under_way_, nullptr};
        }
        under_way_->waiting.push_back(std::make_shared<Signal>());
        return Part{under_way_, under_way_->waiting.back()};
    }

    void finish(Run& run, const Result<void>& outcome) {
        std::vector<std::shared_ptr<Signal>> waiting;
        {
            const std::lock_guard lock(mutex_);
            done_ = outcome.has_value();
            under_way_.reset();
            run.outcome.emplace(outcome);
            waiting = std::move(run.waiting);
        }
        for (const auto& signal : waiting) {
            signal->set();
        }
    }

    std::mutex mutex_;
    bool done_ = false;
    std::shared_ptr<Run> under_way_;
};

}  // namespace tapeloft
