// HTTP/1.1 on a Unix socket in front of the REST interface. Whoever may open the socket may do
// everything; nobody else can reach it.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

#include "vtl/daemon/rest_api.h"

namespace tapeloft::vtl::daemon {

struct AdminServerOptions {
    std::filesystem::path
        socket;  ///< at most 107 bytes; a socket that is there already is replaced
    std::size_t connections_max = 16;                       ///< the next one gets status 503
    std::size_t header_length_max = std::size_t{8} * 1024;  ///< bytes
    std::size_t body_length_max = std::size_t{64} * 1024;   ///< bytes
    std::chrono::milliseconds request_timeout{
        30'000};  ///< for a request to arrive or an answer to go
    std::chrono::milliseconds piece_timeout{
        600'000};  ///< for a piece of a long body to go: who reads may have to wait for a disk
};

class AdminServer {
  public:
    /// strand: everything happens on it. api and events outlive the server.
    AdminServer(Executor strand, AdminServerOptions options, const RestApi& api, EventLog& events);
    AdminServer(const AdminServer&) = delete;
    AdminServer& operator=(const AdminServer&) = delete;
    ~AdminServer();

    /// Listens; the socket's mode is 0660. Once, any thread. Errors: denied, io, invalid_argument.
    [[nodiscard]] Result<void> start();

    /// Stops accepting, lets the requests under way be answered, but for long bodies, which end in
    /// the middle; ends, removes the socket. From any executor; once, after start() succeeded.
    /// Nothing of the server runs afterwards.
    [[nodiscard]] Awaitable<void> stop();

  private:
    class Server;
    std::shared_ptr<Server> server_;
};

}  // namespace tapeloft::vtl::daemon
