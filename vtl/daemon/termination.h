// SIGTERM and SIGINT: the first one asks for a clean end, the second one forces it.
#pragma once

#include <future>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

namespace tapeloft::vtl::daemon {

/// Has a thread of its own, so that the second signal works whatever the daemon is waiting for.
class Termination {
  public:
    Termination();  ///< signals are taken from now on
    Termination(const Termination&) = delete;
    Termination& operator=(const Termination&) = delete;
    ~Termination();

    /// Blocks until the first signal has come. A second one ends the process with status 1.
    void wait() { asked_.get_future().wait(); }

  private:
    void on_first();

    boost::asio::io_context io_context_{1};
    boost::asio::signal_set signals_;
    std::promise<void> asked_;
    std::jthread thread_;
};

}  // namespace tapeloft::vtl::daemon
