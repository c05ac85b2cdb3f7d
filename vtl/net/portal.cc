#include "vtl/net/portal.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "cloud/base/contract.h"

#include "vtl/net/network_connection.h"

namespace tapeloft::vtl::net {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using Acceptor = asio::ip::tcp::acceptor;
using Strand = NetworkConnection::Strand;
using ErrorCode = boost::system::error_code;

/// Of the login time-out, after which a connection may be displaced: about a second.
constexpr int kLoginShare = 16;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when no descriptor is left

Error listen_error(const Endpoint& endpoint, const ErrorCode& error) {
    auto code = Errc::io;
    if (error == asio::error::address_in_use) {
        code = Errc::busy;
    } else if (error == asio::error::access_denied) {
        code = Errc::denied;
    } else if (error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT) {
        code = Errc::invalid_argument;
    }
    return Error{code, "listen on " + to_text(endpoint) + ": " + error.message()};
}

Result<void> check(const PortalOptions& options,
                   const std::vector<iscsi::TargetConfiguration>& targets) {
    if (options.listen.empty()) {
        return Error{Errc::invalid_argument, "a portal needs at least one endpoint to listen on"};
    }
    if (options.connections_max == 0 || options.login_timeout.count() <= 0 ||
        options.keep_alive_interval.count() <= 0) {
        return Error{Errc::invalid_argument, "limits and times of a portal must be above 0"};
    }
    for (const auto& target : targets) {
        if (target.name.empty() || target.units.missing == nullptr) {
            return Error{Errc::invalid_argument, "a target needs a name and a missing unit"};
        }
    }
    return {};
}

std::shared_ptr<ConnectionContext> make_context(PortalOptions options,
                                                std::vector<iscsi::TargetConfiguration> targets,
                                                EventLog& events) {
    auto context = std::make_shared<ConnectionContext>(events);
    context->login.discovery_accounts = options.discovery_accounts;
    context->login.local = options.parameters;
    for (const auto& target : targets) {
        context->login.targets.push_back({target.name, target.alias, target.accounts});
    }
    context->options = std::move(options);
    context->targets = std::move(targets);
    return context;
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
    const auto address = endpoint.address().to_string();
    const auto port = ":" + std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]" + port : address + port;
}

/// The part of a portal that coroutines keep alive.
class Portal::Server : public std::enable_shared_from_this<Portal::Server> {
  public:
    Server(asio::io_context& io_context, std::shared_ptr<ConnectionContext> context)
        : io_context_(io_context),
          strand_(asio::make_strand(io_context)),
          context_(std::move(context)) {}

    [[nodiscard]] Result<std::vector<Endpoint>> start();
    [[nodiscard]] Awaitable<void> shutdown(steady_clock::duration drain_time_max);
    [[nodiscard]] std::vector<SessionSnapshot> sessions() const {
        return context_->registry.snapshot();
    }
    [[nodiscard]] const Strand& strand() const noexcept { return strand_; }

  private:
    using Self = std::shared_ptr<Server>;
    struct Served {
        std::shared_ptr<NetworkConnection> connection;
        steady_clock::time_point since;
        bool displaced = false;  ///< it had its time to log in and ends now
    };
    using Connections = std::map<std::uint64_t, Served>;

    [[nodiscard]] Result<Acceptor> listen(const Endpoint& endpoint);
    static Awaitable<void> accept(Self self, std::size_t index);
    static Awaitable<void> serve(Self self, std::uint64_t number,
                                 std::shared_ptr<NetworkConnection> connection);
    void take(asio::ip::tcp::socket socket, Strand strand);
    [[nodiscard]] bool make_room();
    [[nodiscard]] std::vector<std::shared_ptr<NetworkConnection>> connections() const;

    asio::io_context& io_context_;
    Strand strand_;  ///< of the acceptors
    std::shared_ptr<ConnectionContext> context_;
    std::vector<Acceptor> acceptors_;
    bool stopping_ = false;
    bool refusing_ = false;  ///< said so in the log already

    mutable std::mutex mutex_;
    Connections connections_;  ///< oldest first; under mutex_
    std::uint64_t last_number_ = 0;
};

Result<Acceptor> Portal::Server::listen(const Endpoint& endpoint) {
    Acceptor acceptor(strand_);
    ErrorCode error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) {
        acceptor.set_option(Acceptor::reuse_address(true), error);
    }
    if (!error && endpoint.address().is_v6()) {
        acceptor.set_option(asio::ip::v6_only(true), error);
    }
    if (!error) {
        acceptor.bind(endpoint, error);
    }
    if (!error) {
        acceptor.listen(asio::socket_base::max_listen_connections, error);
    }
    if (error) {
        return listen_error(endpoint, error);
    }
    return acceptor;
}

Result<std::vector<Endpoint>> Portal::Server::start() {
    TL_CHECK(check(context_->options, context_->targets));
    std::vector<Acceptor> acceptors;
    std::vector<Endpoint> endpoints;
    for (const auto& endpoint : context_->options.listen) {
        TL_TRY(auto acceptor, listen(endpoint));
        ErrorCode error;
        endpoints.push_back(acceptor.local_endpoint(error));
        if (error) {
            return listen_error(endpoint, error);
        }
        acceptors.push_back(std::move(acceptor));
    }
    acceptors_ = std::move(acceptors);
    for (std::size_t i = 0; i < acceptors_.size(); ++i) {
        asio::co_spawn(strand_, accept(shared_from_this(), i), asio::detached);
    }
    return endpoints;
}

Awaitable<void> Portal::Server::accept(Self self, std::size_t index) {
    auto& acceptor = self->acceptors_[index];
    while (!self->stopping_) {
        auto strand = asio::make_strand(self->io_context_);
        auto [error, socket] = co_await acceptor.async_accept(strand, kAsTuple);
        if (self->stopping_) {
            break;
        }
        if (error) {
            self->context_->events.warning("iscsi", "cannot accept: " + error.message());
            asio::steady_timer pause(self->strand_, kAcceptPause);
            co_await pause.async_wait(kAsTuple);
            continue;
        }
        self->take(asio::ip::tcp::socket(std::move(socket)), strand);
    }
}

/// One connection more, unless there are too many.
void Portal::Server::take(asio::ip::tcp::socket socket, Strand strand) {
    std::shared_ptr<NetworkConnection> connection;
    std::uint64_t number = 0;
    {
        const std::scoped_lock lock(mutex_);
        if (connections_.size() < context_->options.connections_max || make_room()) {
            connection = std::make_shared<NetworkConnection>(context_, strand, std::move(socket));
            number = ++last_number_;
            connections_.emplace(number, Served{connection, steady_clock::now(), false});
        }
    }
    if (connection) {
        refusing_ = false;
        asio::co_spawn(strand, serve(shared_from_this(), number, std::move(connection)),
                       asio::detached);
    } else if (!std::exchange(refusing_, true)) {
        const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
            steady_clock::now().time_since_epoch());
        if (auto line = context_->log_budget.line(
                now.count(), "too many connections: new ones are closed at once")) {
            context_->events.warning(
                "iscsi", std::move(*line),
                {{"connections_max", std::to_string(context_->options.connections_max)}});
        }
    }
}

/// Whoever only holds a connection must not keep out those who want to log in: the oldest one that
/// has not logged in goes, once it had its time. Under mutex_.
bool Portal::Server::make_room() {
    const auto latest = steady_clock::now() - context_->options.login_timeout / kLoginShare;
    const auto found =
        std::find_if(connections_.begin(), connections_.end(), [latest](const auto& numbered) {
            const auto& served = numbered.second;
            return !served.displaced && served.since <= latest && served.connection->logging_in();
        });
    if (found == connections_.end()) {
        return false;
    }
    found->second.displaced = true;
    const auto connection = found->second.connection;
    asio::post(connection->strand(), [connection] {
        if (connection->logging_in()) {
            connection->abandon("it held a connection without logging in");
        }
    });
    return true;
}

Awaitable<void> Portal::Server::serve(Self self, std::uint64_t number,
                                      std::shared_ptr<NetworkConnection> connection) {
    co_await connection->run();
    const std::scoped_lock lock(self->mutex_);
    self->connections_.erase(number);
}

std::vector<std::shared_ptr<NetworkConnection>> Portal::Server::connections() const {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<NetworkConnection>> all;
    for (const auto& [number, served] : connections_) {
        all.push_back(served.connection);
    }
    return all;
}

Awaitable<void> Portal::Server::shutdown(steady_clock::duration drain_time_max) {
    const auto keep = shared_from_this();
    stopping_ = true;
    for (auto& acceptor : acceptors_) {
        ErrorCode error;
        acceptor.close(error);
    }
    const auto deadline = steady_clock::now() + drain_time_max;
    const auto all = connections();
    for (const auto& connection : all) {
        asio::dispatch(connection->strand(), [connection] { connection->begin_drain(); });
    }
    for (const auto& connection : all) {
        const auto patience =
            std::max(deadline - steady_clock::now(), steady_clock::duration::zero());
        const bool finished = co_await asio::co_spawn(
            connection->strand(), connection->wait_finished(patience), asio::use_awaitable);
        if (!finished) {
            co_await asio::co_spawn(connection->strand(), connection->end("the target shuts down"),
                                    asio::use_awaitable);
        }
    }
}

Portal::Portal(boost::asio::io_context& io_context, PortalOptions options,
               std::vector<iscsi::TargetConfiguration> targets, EventLog& events)
    : server_(std::make_shared<Server>(
          io_context, make_context(std::move(options), std::move(targets), events))) {}

Portal::~Portal() = default;

Result<std::vector<Endpoint>> Portal::start() {
    return server_->start();
}

Awaitable<void> Portal::shutdown(std::chrono::milliseconds drain_time_max) {
    const auto server = server_;
    co_await asio::co_spawn(server->strand(), server->shutdown(drain_time_max),
                            asio::use_awaitable);
}

std::vector<SessionSnapshot> Portal::sessions() const {
    return server_->sessions();
}

}  // namespace tapeloft::vtl::net
