#include "vtl/net/session_registry.h"

#include <algorithm>
#include <utility>

#include "vtl/net/network_connection.h"

namespace tapeloft::vtl::net {

SessionRegistry::Admission SessionRegistry::enter(const iscsi::LoginIdentity& identity,
                                                  std::shared_ptr<NetworkConnection> connection) {
    const std::scoped_lock lock(mutex_);
    Admission admission;
    if (sessions_.size() >= kSessionsMax) {
        return admission;
    }
    do {
        ++last_tsih_;
    } while (last_tsih_ == 0 || sessions_.contains(last_tsih_));
    std::uint64_t newest = 0;
    for (const auto& [tsih, session] : sessions_) {
        const bool same = !identity.target_name.empty() &&
                          session.identity.target_name == identity.target_name &&
                          session.identity.initiator_name == identity.initiator_name &&
                          session.identity.isid == identity.isid;
        if (same && session.it_nexus.value > newest) {  // the newest waits for those before it
            newest = session.it_nexus.value;
            admission.previous = session.connection.lock();
        }
    }
    admission.tsih = last_tsih_;
    admission.it_nexus.value = ++last_nexus_;
    sessions_[last_tsih_] =
        Session{identity, admission.it_nexus, std::move(connection), SessionSnapshot{}, nullptr};
    return admission;
}

void SessionRegistry::publish(std::uint16_t tsih, SessionSnapshot facts,
                              std::shared_ptr<const SessionCounters> counters) {
    const std::scoped_lock lock(mutex_);
    const auto session = sessions_.find(tsih);
    if (session != sessions_.end()) {
        session->second.facts = std::move(facts);
        session->second.counters = std::move(counters);
    }
}

void SessionRegistry::leave(std::uint16_t tsih) {
    const std::scoped_lock lock(mutex_);
    sessions_.erase(tsih);
}

bool SessionRegistry::contains(std::uint16_t tsih) const {
    const std::scoped_lock lock(mutex_);
    return sessions_.contains(tsih);
}

std::vector<std::shared_ptr<NetworkConnection>> SessionRegistry::connections(
    const std::string& target_name) const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<NetworkConnection>> found;
    for (const auto& [tsih, session] : sessions_) {
        auto connection = session.connection.lock();
        if (connection && session.identity.target_name == target_name) {
            found.push_back(std::move(connection));
        }
    }
    return found;
}

std::vector<SessionSnapshot> SessionRegistry::snapshot() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::pair<std::uint64_t, SessionSnapshot>> found;
    for (const auto& [tsih, session] : sessions_) {
        if (session.counters) {
            auto facts = session.facts;
            facts.commands = session.counters->commands.load(std::memory_order_relaxed);
            facts.bytes_received = session.counters->bytes_received.load(std::memory_order_relaxed);
            facts.bytes_sent = session.counters->bytes_sent.load(std::memory_order_relaxed);
            found.emplace_back(session.it_nexus.value, std::move(facts));
        }
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<SessionSnapshot> snapshots;
    for (auto& [nexus, facts] : found) {
        snapshots.push_back(std::move(facts));
    }
    return snapshots;
}

}  // namespace tapeloft::vtl::net
