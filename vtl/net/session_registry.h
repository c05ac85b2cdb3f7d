// Who is logged in to what: TSIH and nexus numbers, reinstatement, and the list for the
// administration.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vtl/iscsi/login.h"
#include "vtl/net/portal.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::net {

class NetworkConnection;

/// What a connection counts while it runs; read by the administration at any time.
struct SessionCounters {
    std::atomic<std::uint64_t> commands{0};
    std::atomic<std::uint64_t> bytes_received{0};
    std::atomic<std::uint64_t> bytes_sent{0};
};

/// Any thread. Invariant: a TSIH is in use by at most one session, and a session id is never
/// reused.
class SessionRegistry {
  public:
    static constexpr std::size_t kSessionsMax = 0xFFFF;

    struct Admission {
        std::uint16_t tsih = 0;  ///< 0: no number is free
        scsi::ItNexusId it_nexus;
        /// The session of the same initiator port and target; it must have ended before the new one
        /// is used (RFC 7143, 6.3.5). Empty for discovery sessions.
        std::shared_ptr<NetworkConnection> previous;
    };

    [[nodiscard]] Admission enter(const iscsi::LoginIdentity& identity,
                                  std::shared_ptr<NetworkConnection> connection);
    /// The session is in full feature phase: it is part of snapshot() from now on.
    void publish(std::uint16_t tsih, SessionSnapshot facts,
                 std::shared_ptr<const SessionCounters> counters);
    void leave(std::uint16_t tsih);

    [[nodiscard]] bool contains(std::uint16_t tsih) const;
    [[nodiscard]] std::vector<std::shared_ptr<NetworkConnection>> connections(
        const std::string& target_name) const;
    [[nodiscard]] std::vector<SessionSnapshot> snapshot() const;

  private:
    struct Session {
        iscsi::LoginIdentity identity;
        scsi::ItNexusId it_nexus;
        std::weak_ptr<NetworkConnection> connection;
        SessionSnapshot facts;
        std::shared_ptr<const SessionCounters> counters;  ///< null: not published yet
    };

    mutable std::mutex mutex_;
    std::map<std::uint16_t, Session> sessions_;  ///< by TSIH
    std::uint16_t last_tsih_ = 0;
    std::uint64_t last_nexus_ = 0;
};

}  // namespace tapeloft::vtl::net
