// The listening end of the library: sockets become connections, connections become sessions.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

#include "vtl/iscsi/negotiation.h"
#include "vtl/iscsi/target.h"

namespace tapeloft::vtl::net {

using Endpoint = boost::asio::ip::tcp::endpoint;

/// "192.0.2.1:3260", "[2001:db8::1]:3260".
[[nodiscard]] std::string to_text(const Endpoint& endpoint);

struct PortalOptions {
    std::vector<Endpoint> listen;  ///< at least one; port 0: the system chooses
    std::vector<iscsi::ChapAccount> discovery_accounts;  ///< empty: discovery without CHAP
    std::size_t connections_max = 64;                    ///< the next one is closed at accept
    std::chrono::milliseconds login_timeout{15'000};
    /// Silence after which a NOP-In asks whether the initiator lives; after twice as much without
    /// an answer the connection is closed.
    std::chrono::milliseconds keep_alive_interval{30'000};
    /// Bytes of data-out and data-in buffers of one session (see vtl/iscsi/README.md).
    std::size_t session_memory_budget = std::size_t{64} * 1024 * 1024;
    iscsi::LocalParameters parameters;  ///< what we offer at login
};

/// One session as the administration shows it.
struct SessionSnapshot {
    std::uint16_t tsih = 0;
    std::string initiator_name;
    std::string initiator_alias;
    std::string initiator_address;  ///< "192.0.2.7:51234"
    std::string target_name;        ///< empty: discovery session
    std::string user;               ///< CHAP user; empty: not authenticated
    bool header_digest = false;
    bool data_digest = false;
    std::int64_t established_unix_ms = 0;
    std::uint64_t commands = 0;        ///< SCSI commands since login
    std::uint64_t bytes_received = 0;  ///< on the wire
    std::uint64_t bytes_sent = 0;
};

/// Listens on all endpoints and serves all targets on each. The io_context may be run by any number
/// of threads; every connection has its own strand, every logical unit is called on its own.
/// io_context, logical units and events outlive the portal. Destroy it only after shutdown() has
/// ended, or when the io_context runs no more and before it is destroyed.
class Portal {
  public:
    Portal(boost::asio::io_context& io_context, PortalOptions options,
           std::vector<iscsi::TargetConfiguration> targets, EventLog& events);
    Portal(const Portal&) = delete;
    Portal& operator=(const Portal&) = delete;
    ~Portal();

    /// Opens, binds and listens; returns the real endpoints, in the order of options.listen. Call
    /// once, any thread. Errors name the endpoint: busy (address in use), denied, invalid_argument
    /// (no such address, bad option), io. After an error nothing listens.
    [[nodiscard]] Result<std::vector<Endpoint>> start();

    /// Stops accepting, tells every initiator (Async Message, RFC 7143, 11.9.1), lets the commands
    /// in flight end and be answered, and closes every session. Connections that have not ended
    /// after drain_time_max are cut; their tasks are still waited for. From any executor; once.
    [[nodiscard]] Awaitable<void> shutdown(std::chrono::milliseconds drain_time_max);

    /// The sessions in full feature phase, oldest first. Any thread.
    [[nodiscard]] std::vector<SessionSnapshot> sessions() const;

  private:
    class Server;
    std::shared_ptr<Server> server_;
};

}  // namespace tapeloft::vtl::net
