// Threads for work that must not slow hosts down.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "cloud/base/awaitable.h"

namespace tapeloft::vtl::daemon {

/// They give way to all other threads of the process (scheduling.h).
class BackgroundThreads {
  public:
    explicit BackgroundThreads(std::size_t count);
    BackgroundThreads(const BackgroundThreads&) = delete;
    BackgroundThreads& operator=(const BackgroundThreads&) = delete;
    ~BackgroundThreads() { join(); }

    [[nodiscard]] Executor executor() { return io_context_.get_executor(); }
    /// Returns when nothing is left to do; nothing may be posted any more.
    void join();

  private:
    boost::asio::io_context io_context_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<std::jthread> threads_;
};

}  // namespace tapeloft::vtl::daemon
