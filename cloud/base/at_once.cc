#include "cloud/base/at_once.h"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>

#include "cloud/base/signal.h"

namespace tapeloft {
namespace {

/// What the coroutines share; each takes the next job that nobody has.
class Jobs {
  public:
    using Job = std::function<Awaitable<Result<void>>(std::size_t)>;
    Jobs(std::size_t count, std::size_t workers, Job job)
        : count_(count), running_(workers), job_(std::move(job)) {}

    std::optional<std::size_t> take() {
        const std::lock_guard lock(mutex_);
        return failed_ || next_ == count_ ? std::nullopt : std::optional(next_++);
    }
    void fail(Error error) {
        const std::lock_guard lock(mutex_);
        if (!failed_) {
            failed_ = std::move(error);
        }
    }
    void end() {
        {
            const std::lock_guard lock(mutex_);
            if (--running_ != 0) {
                return;
            }
        }
        done.set();
    }
    /// After done.
    Result<void> outcome() { return failed_ ? Result<void>(*failed_) : Result<void>(); }
    Awaitable<Result<void>> run(std::size_t index) { return job_(index); }

    Signal done;

  private:
    const std::size_t count_;
    std::mutex mutex_;
    std::size_t next_ = 0;
    std::size_t running_;
    std::optional<Error> failed_;
    const Job job_;
};

Awaitable<void> work(std::shared_ptr<Jobs> jobs) {
    while (const auto index = jobs->take()) {
        auto result = co_await jobs->run(*index);
        if (!result) {
            jobs->fail(std::move(result).error());
        }
    }
    jobs->end();
}

}  // namespace

Awaitable<Result<void>> run_at_once(std::size_t count, std::size_t at_once,
                                    std::function<Awaitable<Result<void>>(std::size_t)> job) {
    TL_ASSERT(at_once > 0);
    const auto workers = std::min(count, at_once);
    if (workers == 0) {
        co_return Result<void>();
    }
    auto jobs = std::make_shared<Jobs>(count, workers, std::move(job));
    auto executor = co_await boost::asio::this_coro::executor;
    for (std::size_t i = 0; i < workers; ++i) {
        boost::asio::co_spawn(executor, work(jobs), boost::asio::detached);
    }
    co_await jobs->done.wait();
    co_return jobs->outcome();
}

}  // namespace tapeloft
