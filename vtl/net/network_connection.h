// Between one socket and one iscsi::Connection: moves bytes, carries out actions, decides nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"

#include "vtl/iscsi/connection.h"
#include "vtl/net/log_budget.h"
#include "vtl/net/session_registry.h"

namespace tapeloft::vtl::net {

/// What all connections of a portal share; it outlives them.
struct ConnectionContext {
    PortalOptions options;
    iscsi::LoginConfiguration login;
    std::vector<iscsi::TargetConfiguration> targets;
    SessionRegistry registry;
    EventLog& events;
    LogBudget log_budget;  ///< of all lines that a peer can cause

    explicit ConnectionContext(EventLog& log) : events(log) {}
};

/// Everything but strand() and logging_in() must be called on strand().
class NetworkConnection : public std::enable_shared_from_this<NetworkConnection> {
  public:
    using Strand = boost::asio::strand<boost::asio::io_context::executor_type>;
    using Socket = boost::asio::ip::tcp::socket;

    /// socket: accepted on `strand`.
    NetworkConnection(std::shared_ptr<ConnectionContext> context, Strand strand, Socket socket);
    NetworkConnection(const NetworkConnection&) = delete;
    NetworkConnection& operator=(const NetworkConnection&) = delete;

    /// Runs the connection until its socket is closed, its tasks have ended and its session is
    /// gone.
    [[nodiscard]] Awaitable<void> run();

    [[nodiscard]] const Strand& strand() const noexcept { return strand_; }

    /// It has said nothing yet that a session could come of. Any thread.
    [[nodiscard]] bool logging_in() const noexcept {
        return logging_in_.load(std::memory_order_relaxed);
    }

    /// Tells the initiator, lets the commands in flight end, closes.
    void begin_drain();
    /// Cuts the connection now. Its tasks are aborted and waited for by run().
    void abandon(std::string reason);
    /// Returns when run() is over, or after `patience` (false).
    [[nodiscard]] Awaitable<bool> wait_finished(std::chrono::steady_clock::duration patience);
    /// Another session resets or clears the logical unit `lun` (empty: all of them).
    [[nodiscard]] Awaitable<void> abort_waiting_tasks(std::optional<std::uint64_t> lun);
    /// abandon(), then waits for the end.
    [[nodiscard]] Awaitable<void> end(std::string reason);

  private:
    using Self = std::shared_ptr<NetworkConnection>;

    [[nodiscard]] Awaitable<void> read_until_closed();
    void wait_for_bytes(std::size_t n);
    void widen_receive_window();
    [[nodiscard]] Awaitable<void> finish();
    [[nodiscard]] Awaitable<void> end_session();

    void pump();
    void flush();
    [[nodiscard]] bool send_some();
    void perform(iscsi::Action action);
    void perform_one(iscsi::Execute action);
    void perform_one(iscsi::ManageTasks action);
    void perform_one(iscsi::AdmitSession action);
    void perform_one(iscsi::EndSession action);
    void perform_one(const iscsi::Notice& action);
    void perform_one(iscsi::Close action);
    void fail(std::string reason);
    void wake();

    static Awaitable<void> wait_writable(Self self);
    static Awaitable<void> tick(Self self);
    static Awaitable<void> execute(Self self, scsi::LogicalUnit* unit, iscsi::TaskHandle handle,
                                   scsi::Task task);
    static Awaitable<void> manage(Self self, iscsi::ManageTasks action);
    static Awaitable<void> admit(Self self, iscsi::LoginIdentity identity);
    [[nodiscard]] Awaitable<void> manage_one(iscsi::ManageTasks action);
    [[nodiscard]] Awaitable<void> abort_waiting_elsewhere(std::optional<std::uint64_t> lun);
    void on_task_done(iscsi::TaskHandle handle, scsi::Completion completion);
    void publish(const iscsi::LoginIdentity& identity);

    [[nodiscard]] std::optional<std::string> log_line(std::string text) const;
    [[nodiscard]] const iscsi::TargetConfiguration* target_named(const std::string& name) const;

    std::shared_ptr<ConnectionContext> context_;
    Strand strand_;
    Socket socket_;
    std::string initiator_address_;
    iscsi::Connection core_;
    std::shared_ptr<SessionCounters> counters_ = std::make_shared<SessionCounters>();

    boost::asio::steady_timer wakeup_;  ///< cancelled to wake the reader or finish()
    boost::asio::steady_timer ticker_;
    boost::asio::steady_timer finished_;  ///< cancelled when run() is over
    bool over_ = false;

    std::optional<iscsi::OutgoingPdu> sending_;
    std::size_t sent_ = 0;       ///< bytes of sending_
    bool send_blocked_ = false;  ///< wait_writable() runs
    bool send_failed_ = false;
    int low_water_mark_ = 1;
    bool reading_ = false;  ///< the reader waits for the socket
    bool pumping_ = false;
    std::optional<iscsi::Close> close_;

    std::size_t pending_ = 0;  ///< tasks, functions and admissions that have not ended
    const iscsi::TargetConfiguration* target_ = nullptr;
    std::uint16_t tsih_ = 0;  ///< 0: not in the registry
    scsi::ItNexusId it_nexus_;
    std::atomic<bool> logging_in_{true};
    bool admitting_ = false;
    bool nexus_established_ = false;
    bool logging_out_ = false;
};

}  // namespace tapeloft::vtl::net
