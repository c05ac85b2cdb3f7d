// A server on loopback that does to a client what a test says, byte for byte.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace tapeloft::tests {

/// A request as it came over the wire.
struct SeenRequest {
    std::string method;
    std::string target;                               ///< path and query, as sent
    std::multimap<std::string, std::string> headers;  ///< names in lower case
    std::string body;

    [[nodiscard]] std::string header(const std::string& name) const {
        const auto found = headers.find(name);
        return found == headers.end() ? "" : found->second;
    }
};

/// One accepted connection, on a thread of its own.
class ServedConnection {
  public:
    using Socket = boost::asio::ip::tcp::socket;
    explicit ServedConnection(Socket socket) : socket_(std::move(socket)) {}

    /// Unset: the client has gone. A body is read by Content-Length, after 100-continue where the
    /// client asks for it.
    std::optional<SeenRequest> read_request();
    /// Method, target and headers only.
    std::optional<SeenRequest> read_head();
    bool read_body(SeenRequest& request);
    /// False: the client has gone.
    bool write(std::string_view bytes);
    /// Ends with a TCP reset.
    void reset();
    /// Until the client goes away or the server ends.
    void wait_for_the_end();
    /// Wakes whoever blocks. Any thread.
    void interrupt();

  private:
    /// Keeps a socket open while it is interrupted: its number may be another's afterwards.
    std::mutex mutex_;
    Socket socket_;
    std::string received_;
};

class ScriptedServer {
  public:
    using Script = std::function<void(ServedConnection&)>;

    /// script: called on a thread of its own for every connection, which closes at its end. port:
    /// of 127.0.0.1; 0: any that is free.
    explicit ScriptedServer(Script script, unsigned short port = 0);
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    ~ScriptedServer();

    [[nodiscard]] std::string url(std::string_view target) const;
    [[nodiscard]] unsigned short port() const { return port_; }
    [[nodiscard]] int connections() const { return connections_; }

  private:
    void accept_all();

    const Script script_;
    boost::asio::io_context context_;
    boost::asio::ip::tcp::acceptor acceptor_;
    unsigned short port_ = 0;
    std::atomic<int> connections_ = 0;
    std::atomic<bool> ending_ = false;
    std::mutex mutex_;
    std::list<ServedConnection> served_;
    std::vector<std::jthread> threads_;
    std::jthread acceptor_thread_;
};

/// "HTTP/1.1 STATUS" with the body and its length.
[[nodiscard]] std::string http_answer(std::string_view status, std::string_view body,
                                      std::string_view headers = "");

}  // namespace tapeloft::tests
