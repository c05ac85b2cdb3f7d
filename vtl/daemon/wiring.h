// The daemon put together. The only place where threads, sockets, files and the libraries meet.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include "vtl/daemon/admin_server.h"
#include "vtl/daemon/background_threads.h"
#include "vtl/daemon/config.h"
#include "vtl/daemon/rest_api.h"
#include "vtl/daemon/running_library.h"
#include "vtl/net/portal.h"
#include "vtl/state/state_directory.h"

namespace tapeloft::vtl::daemon {

inline constexpr std::size_t kServingThreadsMax = 4;  ///< run the io_context
inline constexpr std::size_t kDiskThreadsMax = 8;
inline constexpr std::size_t kBackgroundThreadsMax = 8;  ///< and not more than processors

class Daemon {
  public:
    /// Takes the state directory, opens the catalog, builds the libraries. No socket is open yet.
    /// events outlives the daemon. Blocks. Errors name the object: busy (another daemon), denied,
    /// corrupt, unsupported (a newer catalog), io, no_space.
    [[nodiscard]] static Result<std::unique_ptr<Daemon>> create(Config config, EventLog& events);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;
    ~Daemon();  ///< stops, if that was not done

    /// The threads begin here. Blocks until hosts may log in. Once. Errors: as recovery, the
    /// changer, the portal and the admin server have them; call stop() also then.
    [[nodiscard]] Result<void> start();

    /// Ends everything in order: sessions, requests of the administration, drives, threads. Blocks
    /// for a few seconds at most, or as long as the disk needs. False: something could not be made
    /// durable (an event says what). Calls after the first do nothing.
    bool stop();

    [[nodiscard]] const std::vector<net::Endpoint>& portals() const noexcept { return portals_; }
    [[nodiscard]] const Config& config() const noexcept { return config_; }

  private:
    Daemon(Config config, state::StateDirectory state, std::unique_ptr<media::Catalog> catalog,
           EventLog& events);

    Result<void> build();
    void serve();
    Awaitable<Result<void>> bring_up();
    Result<void> open_portal();
    Result<void> open_admin();
    Awaitable<bool> bring_down();
    Awaitable<void> idle_loop();
    Awaitable<void> release_memory_when_idle();
    void end_idle_loop();
    Result<void> warn_of_forgotten_libraries();

    // In order of construction: what stands below uses what stands above.
    const Config config_;
    const state::StateDirectory state_;
    const std::unique_ptr<media::Catalog> catalog_;
    EventLog& events_;
    boost::asio::io_context io_context_;
    boost::asio::thread_pool disk_;
    BackgroundThreads background_;  ///< of the archives
    std::vector<std::unique_ptr<RunningLibrary>> libraries_;
    std::unique_ptr<net::Portal> portal_;
    std::unique_ptr<RestApi> rest_api_;
    std::unique_ptr<AdminServer> admin_;
    boost::asio::strand<boost::asio::io_context::executor_type> idle_strand_;
    boost::asio::steady_timer idle_timer_;  ///< on idle_strand_, as the next three
    bool idle_loop_wanted_ = true;
    std::uint64_t activity_seen_ = 0;  ///< bytes and large buffers, at the last tick
    bool memory_to_release_ = false;
    std::future<void> idle_loop_ended_;  ///< valid while the loop runs

    std::vector<net::Endpoint> portals_;
    std::atomic<bool> ready_ = false;
    std::size_t libraries_started_ = 0;
    bool portal_open_ = false;
    bool admin_open_ = false;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<std::jthread> threads_;
};

}  // namespace tapeloft::vtl::daemon
