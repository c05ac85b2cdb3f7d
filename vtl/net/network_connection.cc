#include "vtl/net/network_connection.h"

#include <array>
#include <utility>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/rand.h>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::net {
namespace {

namespace asio = boost::asio;
using std::chrono::steady_clock;
using ErrorCode = boost::system::error_code;

constexpr auto kLingerMax =
    std::chrono::seconds(5);  // to send what a closing connection still says
constexpr auto kTickMax = std::chrono::milliseconds(1000);
constexpr int kReceiveWindow = 1024 * 1024;
constexpr std::size_t kLowWaterMarkMax = std::size_t{64} * 1024;
constexpr int kReadsInARow = 64;  // then others on this strand get their turn

std::int64_t now_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               steady_clock::now().time_since_epoch())
        .count();
}

std::int64_t unix_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

void fill_random(MutableByteView bytes) {
    // Predictable challenges would let anybody in.
    TL_ASSERT(RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1);
}

iscsi::ConnectionOptions core_options(const ConnectionContext& context,
                                      const NetworkConnection::Socket& socket) {
    ErrorCode error;
    iscsi::ConnectionOptions options;
    options.login = &context.login;
    options.targets = context.targets;
    options.portal_address = to_text(socket.local_endpoint(error));
    options.random = fill_random;
    options.memory_budget = context.options.session_memory_budget;
    options.login_timeout_ms = context.options.login_timeout.count();
    options.keep_alive_interval_ms = context.options.keep_alive_interval.count();
    return options;
}

Awaitable<void> establish(scsi::LogicalUnit* unit, scsi::ItNexus nexus) {
    unit->nexus_established(nexus);
    co_return;
}

Awaitable<void> lose(scsi::LogicalUnit* unit, scsi::ItNexusId nexus) {
    unit->nexus_lost(nexus);
    co_return;
}

Awaitable<void> abort_one(scsi::LogicalUnit* unit, scsi::ItNexusId nexus, scsi::TaskTag tag) {
    // Whether the task was still there makes no difference: its Completion tells its end.
    static_cast<void>(co_await unit->abort_task(nexus, tag));
}

}  // namespace

NetworkConnection::NetworkConnection(std::shared_ptr<ConnectionContext> context, Strand strand,
                                     Socket socket)
    : context_(std::move(context)),
      strand_(std::move(strand)),
      socket_(std::move(socket)),
      core_(core_options(*context_, socket_), now_ms()),
      wakeup_(strand_),
      ticker_(strand_),
      finished_(strand_) {
    ErrorCode error;
    initiator_address_ = to_text(socket_.remote_endpoint(error));
    socket_.set_option(asio::ip::tcp::no_delay(true), error);
    socket_.non_blocking(true, error);
    finished_.expires_at(steady_clock::time_point::max());
}

// ---- Life ---------------------------------------------------------------------------------------

Awaitable<void> NetworkConnection::run() {
    asio::co_spawn(strand_, tick(shared_from_this()), asio::detached);
    co_await read_until_closed();
    co_await finish();
}

Awaitable<void> NetworkConnection::read_until_closed() {
    int reads = 0;
    for (;;) {
        pump();
        if (close_) {
            co_return;
        }
        if (std::exchange(logging_out_, false)) {
            co_await end_session();
            core_.on_session_ended();
            continue;
        }
        const auto buffer = core_.receive_buffer();
        if (buffer.empty()) {
            wakeup_.expires_at(steady_clock::time_point::max());
            co_await wakeup_.async_wait(kAsTuple);
            continue;
        }
        ErrorCode error;
        const auto n = socket_.read_some(asio::buffer(buffer.data(), buffer.size()), error);
        if (error == asio::error::would_block || error == asio::error::try_again) {
            reads = 0;
            wait_for_bytes(buffer.size());
            reading_ = true;
            co_await socket_.async_wait(Socket::wait_read, kAsTuple);
            reading_ = false;
            continue;
        }
        if (error) {
            fail(error == asio::error::eof ? "closed by the initiator" : error.message());
            continue;
        }
        counters_->bytes_received.fetch_add(n, std::memory_order_relaxed);
        core_.on_received(n);
        if (++reads >= kReadsInARow) {
            reads = 0;
            pump();
            co_await asio::post(strand_, asio::use_awaitable);
        }
    }
}

/// The socket becomes readable when about n bytes are there, so that a long data segment does not
/// wake this thread for every piece of it (SO_RCVLOWAT, socket(7)).
void NetworkConnection::wait_for_bytes(std::size_t n) {
    const auto mark = static_cast<int>(std::min(n, kLowWaterMarkMax));
    if (mark != low_water_mark_) {
        ErrorCode error;
        socket_.set_option(Socket::receive_low_watermark(mark), error);
        low_water_mark_ = mark;
    }
}

/// Linux makes the receive buffer twice as long as the low water mark, and goes on tuning it
/// (unlike SO_RCVBUF): a whole block then fits from the beginning.
void NetworkConnection::widen_receive_window() {
    ErrorCode error;
    socket_.set_option(Socket::receive_low_watermark(kReceiveWindow), error);
    low_water_mark_ = 0;  // set anew before the next wait
}

/// Everything that must be over before the connection may be forgotten.
Awaitable<void> NetworkConnection::finish() {
    const auto deadline = steady_clock::now() + kLingerMax;
    while (sending_ && !send_failed_ && steady_clock::now() < deadline) {
        wakeup_.expires_at(deadline);
        co_await wakeup_.async_wait(kAsTuple);
    }
    ErrorCode error;
    socket_.shutdown(Socket::shutdown_send, error);
    socket_.close(error);
    ticker_.cancel();
    while (admitting_) {
        wakeup_.expires_at(steady_clock::time_point::max());
        co_await wakeup_.async_wait(kAsTuple);
    }
    co_await end_session();
    if (tsih_ != 0) {
        context_->registry.leave(tsih_);
    }
    over_ = true;
    finished_.cancel();
}

Awaitable<void> NetworkConnection::end_session() {
    if (nexus_established_) {
        for (auto* unit : target_->units.units) {
            co_await asio::co_spawn(unit->executor(), unit->abort_task_set(it_nexus_),
                                    asio::use_awaitable);
        }
        auto* missing = target_->units.missing;
        co_await asio::co_spawn(missing->executor(), missing->abort_task_set(it_nexus_),
                                asio::use_awaitable);
    }
    while (pending_ != 0) {
        wakeup_.expires_at(steady_clock::time_point::max());
        co_await wakeup_.async_wait(kAsTuple);
    }
    if (nexus_established_) {
        for (auto* unit : target_->units.units) {
            co_await asio::co_spawn(unit->executor(), lose(unit, it_nexus_), asio::use_awaitable);
        }
        nexus_established_ = false;
    }
}

void NetworkConnection::begin_drain() {
    core_.shut_down();
    pump();
    wake();
}

void NetworkConnection::abandon(std::string reason) {
    core_.abandon(std::move(reason));
    send_failed_ = true;
    pump();
    wake();
}

Awaitable<bool> NetworkConnection::wait_finished(steady_clock::duration patience) {
    const auto keep = shared_from_this();
    if (over_) {
        co_return true;
    }
    asio::steady_timer deadline(strand_);
    if (patience == steady_clock::duration::max()) {
        co_await finished_.async_wait(kAsTuple);
        co_return over_;
    }
    deadline.expires_after(patience);
    auto cancel_wait = [keep](const ErrorCode& error) {
        if (!error) {
            keep->finished_.cancel();
        }
    };
    deadline.async_wait(asio::bind_executor(strand_, std::move(cancel_wait)));
    co_await finished_.async_wait(kAsTuple);
    co_return over_;
}

Awaitable<void> NetworkConnection::end(std::string reason) {
    const auto keep = shared_from_this();
    abandon(std::move(reason));
    while (!over_) {
        co_await finished_.async_wait(kAsTuple);
    }
}

/// Lets whatever waits on this strand look again.
void NetworkConnection::wake() {
    wakeup_.cancel();
    if (close_ && reading_) {
        ErrorCode error;
        socket_.cancel(error);
    }
}

Awaitable<void> NetworkConnection::tick(Self self) {
    const auto& options = self->context_->options;
    const auto interval =
        std::min({kTickMax, options.login_timeout / 4, options.keep_alive_interval / 4});
    while (!self->close_) {
        self->ticker_.expires_after(std::max(interval, std::chrono::milliseconds(1)));
        co_await self->ticker_.async_wait(kAsTuple);
        if (self->close_) {
            break;
        }
        if (self->reading_) {  // below the low water mark: a slow initiator is not a silent one
            ErrorCode error;
            self->socket_.cancel(error);
        }
        self->core_.on_tick(now_ms());
        self->pump();
        self->wake();
    }
}

// ---- Bytes out and actions ----------------------------------------------------------------------

/// Sends and does what the core wants, until it wants nothing. A logical unit may answer inside of
/// this call; what follows from that is done by the outermost pump().
void NetworkConnection::pump() {
    if (pumping_) {
        return;
    }
    pumping_ = true;
    for (;;) {
        flush();
        auto action = core_.next_action();
        if (!action) {
            break;
        }
        perform(std::move(*action));
    }
    pumping_ = false;
}

void NetworkConnection::flush() {
    while (!send_blocked_ && !send_failed_) {
        if (!sending_) {
            sending_ = core_.next_pdu();
            sent_ = 0;
        }
        if (!sending_ || !send_some()) {
            return;
        }
    }
    if (send_failed_) {  // nobody listens: let the core come to its end
        sending_.reset();
        while (core_.next_pdu()) {
        }
    }
}

/// One gathering write of what is left of the PDU. False: no more now.
bool NetworkConnection::send_some() {
    const auto& pdu = *sending_;
    const auto data = pdu.data.view();
    std::array<asio::const_buffer, 3> parts = {asio::buffer(pdu.head.data(), pdu.head_length),
                                               asio::buffer(data.data(), data.size()),
                                               asio::buffer(pdu.tail.data(), pdu.tail_length)};
    auto skip = sent_;
    for (auto& part : parts) {
        const auto here = std::min(skip, part.size());
        part += here;
        skip -= here;
    }
    ErrorCode error;
    const auto n = socket_.write_some(parts, error);
    if (error == asio::error::would_block || error == asio::error::try_again) {
        send_blocked_ = true;
        asio::co_spawn(strand_, wait_writable(shared_from_this()), asio::detached);
        return false;
    }
    if (error) {
        fail(error.message());
        return false;
    }
    counters_->bytes_sent.fetch_add(n, std::memory_order_relaxed);
    sent_ += n;
    if (sent_ == pdu.length()) {
        sending_.reset();
    }
    return true;
}

Awaitable<void> NetworkConnection::wait_writable(Self self) {
    co_await self->socket_.async_wait(Socket::wait_write, kAsTuple);
    self->send_blocked_ = false;
    self->pump();
    self->wake();
}

void NetworkConnection::fail(std::string reason) {
    send_failed_ = true;
    core_.abandon(std::move(reason));
}

void NetworkConnection::perform(iscsi::Action action) {
    std::visit([this](auto&& one) { perform_one(std::forward<decltype(one)>(one)); },
               std::move(action));
}

std::optional<std::string> NetworkConnection::log_line(std::string text) const {
    return context_->log_budget.line(now_ms(), std::move(text));
}

/// The reader does it: nothing is read until the session has ended.
void NetworkConnection::perform_one(iscsi::EndSession /*action*/) {
    logging_out_ = true;
    wake();
}

void NetworkConnection::perform_one(const iscsi::Notice& action) {
    if (auto line = log_line(action.text)) {
        context_->events.warning("iscsi", std::move(*line), {{"initiator", initiator_address_}});
    }
}

void NetworkConnection::perform_one(iscsi::Close action) {
    if (action.fault) {
        if (auto line = log_line("connection closed: " + action.reason)) {
            context_->events.warning("iscsi", std::move(*line),
                                     {{"initiator", initiator_address_}});
        }
    } else if (target_ != nullptr && core_.in_full_feature_phase()) {
        if (auto line = log_line("session ended: " + action.reason)) {
            context_->events.info("iscsi", std::move(*line),
                                  {{"initiator", core_.identity().initiator_name},
                                   {"address", initiator_address_},
                                   {"target", core_.identity().target_name}});
        }
    }
    close_ = std::move(action);
    wake();
}

// ---- Tasks --------------------------------------------------------------------------------------

void NetworkConnection::perform_one(iscsi::Execute action) {
    counters_->commands.fetch_add(1, std::memory_order_relaxed);
    auto& unit = iscsi::logical_unit_at(target_->units, action.lun);
    ++pending_;
    asio::co_spawn(unit.executor(),
                   execute(shared_from_this(), &unit, action.handle, std::move(action.task)),
                   asio::detached);
}

Awaitable<void> NetworkConnection::execute(Self self, scsi::LogicalUnit* unit,
                                           iscsi::TaskHandle handle, scsi::Task task) {
    auto completion = co_await unit->execute(std::move(task));
    auto& strand = self->strand_;
    auto deliver = [self = std::move(self), handle, completion = std::move(completion)]() mutable {
        self->on_task_done(handle, std::move(completion));
    };
    asio::dispatch(strand, std::move(deliver));
}

void NetworkConnection::on_task_done(iscsi::TaskHandle handle, scsi::Completion completion) {
    --pending_;
    core_.on_task_done(handle, std::move(completion));
    pump();
    wake();
}

void NetworkConnection::perform_one(iscsi::ManageTasks action) {
    ++pending_;
    asio::co_spawn(strand_, manage(shared_from_this(), action), asio::detached);
}

Awaitable<void> NetworkConnection::manage(Self self, iscsi::ManageTasks action) {
    co_await self->manage_one(action);
    --self->pending_;
    self->core_.on_task_management_done(action.handle);
    self->pump();
    if (action.function == iscsi::TaskManagementFunction::target_cold_reset) {
        for (const auto& other : self->context_->registry.connections(self->target_->name)) {
            asio::dispatch(other->strand(), [other] { other->begin_drain(); });
        }
    }
    self->wake();
}

Awaitable<void> NetworkConnection::abort_waiting_tasks(std::optional<std::uint64_t> lun) {
    const auto keep = shared_from_this();
    core_.abort_waiting_tasks(lun);
    pump();
    wake();
    co_return;
}

/// What other sessions have sent but no logical unit has seen yet.
Awaitable<void> NetworkConnection::abort_waiting_elsewhere(std::optional<std::uint64_t> lun) {
    const auto others = context_->registry.connections(target_->name);
    for (const auto& other : others) {
        if (other.get() != this) {
            co_await asio::co_spawn(other->strand(), other->abort_waiting_tasks(lun),
                                    asio::use_awaitable);
        }
    }
}

Awaitable<void> NetworkConnection::manage_one(iscsi::ManageTasks action) {
    using Function = iscsi::TaskManagementFunction;
    auto* unit = &iscsi::logical_unit_at(target_->units, action.lun);
    switch (action.function) {
        case Function::abort_task:
            co_await asio::co_spawn(unit->executor(),
                                    abort_one(unit, it_nexus_, action.referenced_task_tag),
                                    asio::use_awaitable);
            break;
        case Function::abort_task_set:
            co_await asio::co_spawn(unit->executor(), unit->abort_task_set(it_nexus_),
                                    asio::use_awaitable);
            break;
        case Function::clear_task_set:
            co_await abort_waiting_elsewhere(action.lun);
            co_await asio::co_spawn(unit->executor(), unit->clear_task_set(it_nexus_),
                                    asio::use_awaitable);
            break;
        case Function::logical_unit_reset:
            co_await abort_waiting_elsewhere(action.lun);
            co_await asio::co_spawn(unit->executor(), unit->reset(), asio::use_awaitable);
            break;
        case Function::target_warm_reset:
        case Function::target_cold_reset:
            co_await abort_waiting_elsewhere(std::nullopt);
            for (auto* each : target_->units.units) {
                co_await asio::co_spawn(each->executor(), each->reset(), asio::use_awaitable);
            }
            break;
        case Function::clear_aca:
        case Function::task_reassign:
            TL_ASSERT(false);  // the core answers these by itself
    }
}

// ---- Admission ----------------------------------------------------------------------------------

const iscsi::TargetConfiguration* NetworkConnection::target_named(const std::string& name) const {
    for (const auto& target : context_->targets) {
        if (target.name == name) {
            return &target;
        }
    }
    return nullptr;
}

void NetworkConnection::perform_one(iscsi::AdmitSession action) {
    ++pending_;
    admitting_ = true;
    logging_in_.store(false, std::memory_order_relaxed);
    asio::co_spawn(strand_, admit(shared_from_this(), std::move(action.identity)), asio::detached);
}

Awaitable<void> NetworkConnection::admit(Self self, iscsi::LoginIdentity identity) {
    auto& registry = self->context_->registry;
    auto refusal = iscsi::LoginStatus::out_of_resources;
    if (identity.tsih != 0) {  // MaxConnections is 1
        refusal = registry.contains(identity.tsih) ? iscsi::LoginStatus::too_many_connections
                                                   : iscsi::LoginStatus::session_does_not_exist;
    } else {
        auto admission = registry.enter(identity, self);
        self->tsih_ = admission.tsih;
        self->it_nexus_ = admission.it_nexus;
        if (const auto previous = std::move(admission.previous)) {
            co_await asio::co_spawn(previous->strand(),
                                    previous->end("the initiator logged in again"),
                                    asio::use_awaitable);
        }
    }
    self->target_ = self->target_named(identity.target_name);
    if (self->tsih_ != 0 && self->target_ != nullptr) {
        scsi::ItNexus nexus;
        nexus.id = self->it_nexus_;
        nexus.initiator_name = identity.initiator_name;
        nexus.isid = identity.isid;
        for (auto* unit : self->target_->units.units) {
            co_await asio::co_spawn(unit->executor(), establish(unit, nexus), asio::use_awaitable);
        }
        self->nexus_established_ = true;
    }
    if (self->tsih_ == 0) {
        self->core_.on_session_refused(refusal);
    } else {
        self->core_.on_session_admitted(self->it_nexus_, self->tsih_);
        self->publish(identity);
    }
    self->admitting_ = false;
    --self->pending_;
    self->pump();
    self->wake();
}

void NetworkConnection::publish(const iscsi::LoginIdentity& identity) {
    if (!core_.in_full_feature_phase()) {
        return;
    }
    SessionSnapshot facts;
    facts.tsih = tsih_;
    facts.initiator_name = identity.initiator_name;
    facts.initiator_alias = identity.initiator_alias;
    facts.initiator_address = initiator_address_;
    facts.target_name = identity.target_name;
    facts.user = identity.user;
    facts.header_digest = core_.parameters().header_digest;
    facts.data_digest = core_.parameters().data_digest;
    facts.established_unix_ms = unix_ms();
    context_->registry.publish(tsih_, std::move(facts), counters_);
    widen_receive_window();
    if (target_ == nullptr) {
        return;
    }
    if (auto line = log_line("session established")) {
        context_->events.info("iscsi", std::move(*line),
                              {{"initiator", identity.initiator_name},
                               {"address", initiator_address_},
                               {"target", identity.target_name}});
    }
}

}  // namespace tapeloft::vtl::net
