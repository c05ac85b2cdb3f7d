#include "vtl/daemon/admin_server.h"

#include <cerrno>
#include <string>
#include <tuple>
#include <unordered_set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <sys/stat.h>

#include "vtl/daemon/client_memory.h"
#include "vtl/daemon/rest_json.h"

namespace tapeloft::vtl::daemon {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Protocol = asio::local::stream_protocol;
using Stream = beast::basic_stream<Protocol>;
using boost::system::error_code;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after an accept that failed
/// So that the next pieces are made while the client reads these; bytes, or what the kernel grants.
constexpr int kSendBuffer = 1024 * 1024;

/// All of it, and a piece at once: async_write() would give the kernel 64 KiB at a time.
constexpr auto kAllAtOnce = [](const error_code& failed, std::size_t) -> std::size_t {
    return failed ? 0 : kSendBuffer;
};

RestResponse refusal(unsigned status, Errc code, std::string message) {
    RestResponse response;
    response.status = status;
    response.body = to_text(to_json(Error{code, std::move(message)}));
    return response;
}

/// What a request that could not be read gets; nothing: the peer is gone or silent, just close.
std::optional<RestResponse> answer_to_bad_request(const error_code& failed) {
    if (failed == http::error::body_limit) {
        return refusal(413, Errc::invalid_argument, "the body is too long");
    }
    if (failed == http::error::header_limit || failed == http::error::buffer_overflow) {
        return refusal(431, Errc::invalid_argument, "the header is too long");
    }
    const bool malformed =
        failed.category() == make_error_code(http::error::bad_method).category() &&
        failed != http::error::end_of_stream && failed != http::error::partial_message;
    if (malformed) {
        return refusal(400, Errc::invalid_argument, "this is not HTTP/1.1: " + failed.message());
    }
    return std::nullopt;
}

http::response<http::string_body> http_response(const RestResponse& answer, unsigned version,
                                                bool keep_alive) {
    http::response<http::string_body> response;
    response.version(version);
    response.result(answer.status);
    response.set(http::field::server, "tapeloftd/" TAPELOFT_VERSION);
    response.set(http::field::content_type, "application/json");
    response.set(http::field::cache_control, "no-store");
    if (!answer.allow.empty()) {
        response.set(http::field::allow, answer.allow);
    }
    response.keep_alive(keep_alive);
    response.body() = answer.body;
    response.prepare_payload();
    return response;
}

/// Text as a token (RFC 9110, 5.6.2), percent-encoded.
std::string as_token(const std::string& text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string token;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
            token += c;
        } else {
            token += '%';
            token += kHex[byte >> 4U];
            token += kHex[byte & 0xFU];
        }
    }
    return token;
}

RestRequest rest_request(http::request<http::string_body> request,
                         std::shared_ptr<ClientMemory> memory) {
    RestRequest plain;
    plain.memory = std::move(memory);
    plain.method = std::string(request.method_string());
    plain.target = std::string(request.target());
    plain.body = std::move(request.body());
    return plain;
}

}  // namespace

/// Shared with the coroutines that run, so that none of them outlives it.
class AdminServer::Server : public std::enable_shared_from_this<Server> {
  public:
    Server(Executor strand, AdminServerOptions options, const RestApi& api, EventLog& events)
        : strand_(std::move(strand)),
          options_(std::move(options)),
          api_(api),
          events_(events),
          acceptor_(strand_),
          pause_(strand_),
          ended_(strand_, asio::steady_timer::time_point::max()) {}

    [[nodiscard]] const Executor& strand() const noexcept { return strand_; }
    Result<void> start();
    Awaitable<void> stop();

  private:
    struct Connection {
        explicit Connection(Protocol::socket socket)
            : stream(std::move(socket)), begins(stream.get_executor()) {}

        Stream stream;
        asio::steady_timer begins;  ///< when its first bytes must be here
        bool may_be_cut = false;    ///< when the server stops: between requests, or in a long body
        bool begun = false;
        std::shared_ptr<ClientMemory> memory;  ///< of the client; null: none
    };

    static Awaitable<void> accept_loop(std::shared_ptr<Server> self);
    static Awaitable<void> serve(std::shared_ptr<Server> self, Protocol::socket socket);
    Awaitable<void> serve_requests(Connection* connection);
    Awaitable<bool> begin(Connection* connection, beast::flat_buffer* buffer);
    Awaitable<bool> serve_request(Connection* connection, beast::flat_buffer* buffer);
    Awaitable<bool> send(Connection* connection, http::response<http::string_body> response);
    Awaitable<bool> send_stream(Connection* connection, RestResponse* answer, unsigned version,
                                bool keep_alive);
    template <typename Buffers>
    Awaitable<bool> send_piece(Connection* connection, Buffers buffers);
    void refuse(Protocol::socket& socket) const;
    void coroutine_ended() {
        --running_;
        ended_.cancel();
    }

    const Executor strand_;
    const AdminServerOptions options_;
    const RestApi& api_;
    EventLog& events_;
    Protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    asio::steady_timer ended_;  ///< an event: cancelled whenever a coroutine ends
    std::unordered_set<Connection*> connections_;
    std::size_t running_ = 0;  ///< coroutines: the accept loop and each connection
    bool stopping_ = false;
};

Result<void> AdminServer::Server::start() {
    const auto& path = options_.socket;
    if (path.native().size() >= sizeof(sockaddr_un::sun_path)) {
        return Error{Errc::invalid_argument,
                     "the path of the admin socket is too long: " + path.string()};
    }
    error_code failed;
    std::error_code ignored;
    if (std::filesystem::is_socket(path, ignored)) {
        std::filesystem::remove(path, ignored);  // of a daemon that was killed
    }
    acceptor_.open(Protocol(), failed);
    if (!failed) {
        acceptor_.bind(Protocol::endpoint(path.string()), failed);
    }
    if (!failed && ::chmod(path.c_str(), 0660) != 0) {
        failed.assign(errno, boost::system::system_category());
    }
    if (!failed) {
        acceptor_.listen(asio::socket_base::max_listen_connections, failed);
    }
    if (failed) {
        return error_from_errno("admin socket " + path.string(), failed.value());
    }
    ++running_;
    asio::co_spawn(strand_, accept_loop(shared_from_this()), asio::detached);
    return {};
}

Awaitable<void> AdminServer::Server::stop() {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    for (auto* const connection : connections_) {
        if (connection->may_be_cut) {
            connection->stream.cancel();
        }
    }
    while (running_ != 0) {
        co_await ended_.async_wait(kAsTuple);
    }
    std::error_code not_there;
    std::filesystem::remove(options_.socket, not_there);
}

Awaitable<void> AdminServer::Server::accept_loop(std::shared_ptr<Server> self) {
    while (!self->stopping_) {
        auto [failed, socket] = co_await self->acceptor_.async_accept(kAsTuple);
        if (self->stopping_) {
            break;
        }
        if (failed) {
            self->events_.warning("admin",
                                  "A connection could not be accepted: " + failed.message());
            self->pause_.expires_after(kAcceptPause);
            co_await self->pause_.async_wait(kAsTuple);
            continue;
        }
        if (self->connections_.size() >= self->options_.connections_max) {
            self->refuse(socket);
            continue;
        }
        ++self->running_;
        asio::co_spawn(self->strand_, serve(self, std::move(socket)), asio::detached);
    }
    self->coroutine_ended();
}

void AdminServer::Server::refuse(Protocol::socket& socket) const {
    static constexpr std::string_view kTooMany =
        "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    error_code ignored;
    socket.non_blocking(true, ignored);  // it fits into the empty socket buffer
    socket.write_some(asio::buffer(kTooMany), ignored);
}

Awaitable<void> AdminServer::Server::serve(std::shared_ptr<Server> self, Protocol::socket socket) {
    const auto connection = std::make_shared<Connection>(std::move(socket));
    // Its time may have run out just when it began.
    connection->begins.expires_after(self->options_.request_timeout);
    connection->begins.async_wait([waiting = std::weak_ptr(connection)](const error_code& failed) {
        const auto late = failed ? nullptr : waiting.lock();
        if (late && !late->begun) {
            late->stream.cancel();
        }
    });
    self->connections_.insert(connection.get());
    co_await self->serve_requests(connection.get());
    self->connections_.erase(connection.get());
    self->coroutine_ended();
}

Awaitable<void> AdminServer::Server::serve_requests(Connection* connection) {
    beast::flat_buffer buffer(options_.header_length_max + options_.body_length_max);
    bool more = co_await begin(connection, &buffer);
    while (more && !stopping_) {
        more = co_await serve_request(connection, &buffer);
    }
}

/// Memory comes along with the first bytes only. False: the connection is to be closed.
Awaitable<bool> AdminServer::Server::begin(Connection* connection, beast::flat_buffer* buffer) {
    auto& socket = connection->stream.socket();
    error_code failed;
    Result<std::optional<FirstBytes>> first = std::optional<FirstBytes>();
    connection->may_be_cut = true;
    while (!failed && first && !*first && !stopping_) {
        std::tie(failed) = co_await socket.async_wait(Protocol::socket::wait_read, kAsTuple);
        if (!failed) {
            first = take_first_bytes(socket.native_handle(), *buffer);
        }
    }
    connection->may_be_cut = false;
    connection->begun = true;
    connection->begins.cancel();
    if (!first) {
        auto response =
            http_response(refusal(400, first.error().code, first.error().message), 11, false);
        co_await send(connection, std::move(response));
        co_return false;
    }
    if (failed || !*first || (*first)->size == 0) {
        co_return false;
    }
    connection->memory = (*first)->memory;
    co_return true;
}

/// False: the connection is to be closed.
Awaitable<bool> AdminServer::Server::serve_request(Connection* connection,
                                                   beast::flat_buffer* buffer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.header_length_max));
    parser.body_limit(options_.body_length_max);
    connection->stream.expires_after(options_.request_timeout);
    connection->may_be_cut = true;
    const auto [failed, size] =
        co_await http::async_read(connection->stream, *buffer, parser, kAsTuple);
    connection->may_be_cut = false;
    if (failed) {
        const auto answer = answer_to_bad_request(failed);
        if (answer) {
            auto response = http_response(*answer, 11, false);
            co_await send(connection, std::move(response));
        }
        co_return false;
    }
    const auto version = parser.get().version();
    const bool keep_alive = parser.get().keep_alive();
    connection->stream.expires_never();  // a move may wait for the drive
    auto request = rest_request(parser.release(), connection->memory);
    auto answer = co_await api_.handle(std::move(request));
    if (answer.stream) {
        const bool whole = co_await send_stream(connection, &answer, version, keep_alive);
        co_return whole&& keep_alive;
    }
    auto response = http_response(answer, version, keep_alive && !stopping_);
    co_return co_await send(connection, std::move(response)) && keep_alive;
}

Awaitable<bool> AdminServer::Server::send(Connection* connection,
                                          http::response<http::string_body> response) {
    connection->stream.expires_after(options_.request_timeout);
    const auto [failed, size] = co_await http::async_write(connection->stream, response, kAsTuple);
    co_return !failed;
}

template <typename Buffers>
Awaitable<bool> AdminServer::Server::send_piece(Connection* connection, Buffers buffers) {
    connection->stream.expires_after(options_.piece_timeout);
    const auto [failed, size] =
        co_await asio::async_write(connection->stream, buffers, kAllAtOnce, kAsTuple);
    connection->stream.expires_never();
    co_return !failed;
}

/// Chunks of the chunked transfer coding (RFC 9112, 7.1). An error in the middle is told in the
/// extension of a chunk that then does not come, so that no client takes what it got for all of it.
/// The body is closed before its end is told: who asks again at once finds it free. False: the
/// connection is to be closed.
Awaitable<bool> AdminServer::Server::send_stream(Connection* connection, RestResponse* answer,
                                                 unsigned version, bool keep_alive) {
    connection->may_be_cut = true;
    error_code not_granted;
    connection->stream.socket().set_option(asio::socket_base::send_buffer_size(kSendBuffer),
                                           not_granted);
    http::response<http::empty_body> head;
    head.version(version);
    head.result(answer->status);
    head.set(http::field::server, "tapeloftd/" TAPELOFT_VERSION);
    head.set(http::field::content_type, "application/octet-stream");
    head.set(http::field::cache_control, "no-store");
    head.keep_alive(keep_alive);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    connection->stream.expires_after(options_.request_timeout);
    const auto [failed, size] =
        co_await http::async_write_header(connection->stream, serializer, kAsTuple);
    bool sent = !failed;
    while (sent && !stopping_) {
        const auto piece = co_await answer->stream->next();
        if (piece && !piece->empty()) {
            sent = co_await send_piece(
                connection, http::make_chunk(asio::buffer(piece->view().data(), piece->size())));
            continue;
        }
        co_await answer->stream->close();
        if (piece) {
            co_return co_await send_piece(connection, http::make_chunk_last());
        }
        const auto& error = piece.error();
        const auto reason = "1;code=" + as_token(std::string(to_string(error.code))) +
                            ";error=" + as_token(error.message) + "\r\n";
        co_await send_piece(connection, asio::buffer(reason));
        co_return false;
    }
    co_await answer->stream->close();
    co_return false;
}

AdminServer::AdminServer(Executor strand, AdminServerOptions options, const RestApi& api,
                         EventLog& events)
    : server_(std::make_shared<Server>(std::move(strand), std::move(options), api, events)) {}

AdminServer::~AdminServer() = default;

Result<void> AdminServer::start() {
    return server_->start();
}

Awaitable<void> AdminServer::stop() {
    auto stopping = server_->stop();
    co_await asio::co_spawn(server_->strand(), std::move(stopping), asio::use_awaitable);
}

}  // namespace tapeloft::vtl::daemon
