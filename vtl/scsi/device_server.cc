#include "vtl/scsi/device_server.h"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

namespace tapeloft::vtl::scsi {
namespace {

Completion with_status(Status status) {
    Completion completion;
    completion.status = status;
    return completion;
}

bool matches(std::optional<ItNexusId> wanted_nexus, std::optional<TaskTag> wanted_tag,
             std::optional<ItNexusId> nexus, TaskTag tag) noexcept {
    return nexus && (!wanted_nexus || *wanted_nexus == *nexus) &&
           (!wanted_tag || *wanted_tag == tag);
}

// What was kept and cannot be read any more is as if it had never been.
PersistentReservations kept_reservations(const ValueStore* memory) {
    PersistentReservations reservations(memory != nullptr);
    if (memory != nullptr) {
        if (const auto kept = memory->get(kPersistentReservationsValue)) {
            static_cast<void>(reservations.decode(*kept));
        }
    }
    return reservations;
}

}  // namespace

/// The task is known to task management while this lives.
class DeviceServer::Presence {
  public:
    Presence(DeviceServer& server, QueuedTask& queued) : server_(server), queued_(queued) {
        server_.tasks_.push_back(&queued_);
    }
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence() {
        server_.tasks_.erase(std::find(server_.tasks_.begin(), server_.tasks_.end(), &queued_));
        if (server_.abort_waiters_ != 0) {
            server_.task_ended_.cancel();
        }
    }

  private:
    DeviceServer& server_;
    QueuedTask& queued_;
};

DeviceServer::DeviceServer(DeviceServerOptions options)
    : executor_(std::move(options.executor)),
      identity_(std::move(options.identity)),
      commands_(options.commands),
      mode_pages_(std::move(options.mode_pages)),
      log_pages_(std::move(options.log_pages)),
      memory_(std::move(options.memory)),
      persistent_reservations_(kept_reservations(memory_.get())),
      timestamp_(std::move(options.clock)),
      task_ended_(executor_, boost::asio::steady_timer::time_point::max()) {
    if (memory_ != nullptr) {
        mode_pages_.allow_saving();
        if (const auto kept = memory_->get(kModePagesValue)) {
            mode_pages_.restore_saved(*kept);
        }
    }
    recall_identifying_information();
}

Awaitable<bool> DeviceServer::remember(std::string name, Bytes value) {
    if (memory_ == nullptr) {
        co_return true;
    }
    const auto kept = co_await memory_->put(std::move(name), std::move(value));
    co_return kept.has_value();
}

Completion DeviceServer::not_remembered() {
    return Completion::check_condition(SenseKey::hardware_error, asc::kInternalTargetFailure);
}

// --- The life of a task
// ---------------------------------------------------------------------------

Awaitable<Completion> DeviceServer::execute(Task task) {
    const Lookup found = find_command(commands_, task.cdb);
    if (found.row != nullptr && has(found.row->gates, Gate::concurrent)) {
        if (auto refused = check_before(found, task)) {
            co_return std::move(*refused);
        }
        co_return found.row->handler.plain(*this, task);
    }
    const auto going_on = operation_going_on();
    if (going_on && found.row != nullptr && has(found.row->gates, Gate::beside_operation)) {
        if (auto refused = check_but_gates(found, task)) {
            co_return std::move(*refused);
        }
        co_return Completion::check_condition(operation_condition(*going_on));
    }
    QueuedTask queued;
    queued.nexus = task.it_nexus;
    queued.tag = task.tag;
    queued.shared = found.row != nullptr && has(found.row->gates, Gate::shared);
    queued.beside_others = found.row != nullptr && has(found.row->gates, Gate::beside_others);
    const Presence presence(*this, queued);
    queued.passes = may_pass(queued);
    if (!queued.passes) {
        co_await take_turn(&queued, task.attribute);
    }
    if (queued.passes && !queued.aborted) {
        auto refused = check_before(found, task);
        co_return refused ? std::move(*refused) : found.row->handler.plain(*this, task);
    }
    if (!queued.has_turn) {
        co_return with_status(Status::task_aborted);
    }
    Turn turn(*this);
    if (!queued.aborted) {
        if (auto refused = check_before(found, task)) {
            co_return std::move(*refused);
        }
        const Handler& handler = found.row->handler;
        if (handler.kind == Handler::Kind::plain) {
            co_return handler.plain(*this, task);
        }
        const bool immediate = (task.cdb[1] & found.row->immediate) != 0;
        auto work = immediate ? begin_operation(*found.row, std::move(task), std::move(turn))
                              : handler.waiting(*this, std::move(task));
        Completion completion = co_await std::move(work);
        if (!queued.aborted) {
            co_return completion;
        }
    }
    co_return with_status(Status::task_aborted);
}

/// Tasks of several nexuses have no order among them (SAM-5, 8.6).
bool DeviceServer::may_pass(const QueuedTask& queued) const noexcept {
    const auto first_of_its_nexus = std::ranges::find(tasks_, queued.nexus, &QueuedTask::nexus);
    return queued.beside_others &&
           (upkeep_ || std::ranges::any_of(tasks_, &QueuedTask::has_turn)) &&
           *first_of_its_nexus == &queued;
}

// --- Commands with IMMED = 1 (SAM-5; SPC-5, 4.4.7)
// ------------------------------------------------

Awaitable<Completion> DeviceServer::begin_operation(const CommandRow& row, Task task, Turn turn) {
    const auto operation = std::make_shared<Operation>(executor_, row.opcode);
    operation_ = operation;
    auto work = carry_out(row, std::move(task), operation, std::move(turn));
    boost::asio::co_spawn(executor_, std::move(work), boost::asio::detached);
    while (!operation->status) {
        co_await operation->told.async_wait(kAsTuple);
    }
    co_return *operation->status;
}

/// The turn ends with the operation, not with the status of its command.
Awaitable<void> DeviceServer::carry_out(const CommandRow& row, Task task,
                                        std::shared_ptr<Operation> operation, Turn turn) {
    const Turn held(std::move(turn));
    const ItNexusId nexus = task.it_nexus;
    Completion completion = co_await row.handler.waiting(*this, std::move(task));
    if (!operation->status) {
        operation->status = std::move(completion);
        operation->told.cancel();
    } else if (completion.sense && unit_attentions_.initiator_port(nexus)) {
        completion.sense->deferred = true;
        deferred_errors_[nexus] = *completion.sense;
    }
    operation_.reset();
}

void DeviceServer::status_now() {
    if (status_is_due()) {
        operation_->status = Completion::good();
        operation_->told.cancel();
    }
}

bool DeviceServer::status_is_due() const noexcept {
    return operation_ != nullptr && !operation_->status;
}

std::optional<std::uint8_t> DeviceServer::operation_going_on() const noexcept {
    return operation_ != nullptr && operation_->status ? std::optional(operation_->opcode)
                                                       : std::nullopt;
}

std::optional<Sense> DeviceServer::tell_deferred_error(ItNexusId nexus, bool clear) {
    const auto found = deferred_errors_.find(nexus);
    if (found == deferred_errors_.end()) {
        return {};
    }
    const Sense sense = found->second;
    if (clear) {
        deferred_errors_.erase(found);
    }
    return sense;
}

/// Returns at once if nobody is in the way, else when it is its turn or it was aborted.
Awaitable<void> DeviceServer::take_turn(QueuedTask* queued, TaskAttribute attribute) {
    const bool beside_others = queued->shared && !running_alone_;
    if (running_ == 0 || (beside_others && queue_.empty())) {
        begin_turn(queued->shared);
        queued->has_turn = true;
        co_return;
    }
    boost::asio::steady_timer wake(executor_, boost::asio::steady_timer::time_point::max());
    queued->wake = &wake;
    queued->queue = &queue_;
    if (attribute == TaskAttribute::head_of_queue) {
        queue_.push_front(queued);
    } else {
        queue_.push_back(queued);
    }
    while (!queued->has_turn && !queued->passes && !queued->aborted) {
        co_await wake.async_wait(kAsTuple);
    }
    queued->wake = nullptr;
}

void DeviceServer::begin_turn(bool shared) noexcept {
    ++running_;
    running_alone_ = !shared;
}

void DeviceServer::end_turn() noexcept {
    --running_;
    upkeep_ = false;
    wake_next();
}

// A turn begins when it is given away, so that nobody can step in before its owner wakes.
void DeviceServer::wake_next() noexcept {
    while (!queue_.empty()) {
        QueuedTask* const next = queue_.front();
        if (running_ != 0 && (running_alone_ || !next->shared)) {
            break;
        }
        queue_.pop_front();
        begin_turn(next->shared);
        next->has_turn = true;
        next->wake->cancel();
    }
    let_pass();
}

/// What came while nothing was in its way but who has the turn now, which may be for long.
void DeviceServer::let_pass() noexcept {
    std::erase_if(queue_, [this](QueuedTask* waiting) {
        waiting->passes = may_pass(*waiting);
        if (waiting->passes) {
            waiting->wake->cancel();
        }
        return waiting->passes;
    });
}

Awaitable<DeviceServer::Turn> DeviceServer::turn(bool shared) {
    QueuedTask queued;
    queued.shared = shared;
    co_await take_turn(&queued, TaskAttribute::simple);
    co_return Turn(*this);
}

Awaitable<DeviceServer::Turn> DeviceServer::exclusive_turn() {
    return turn(false);
}

Awaitable<DeviceServer::Turn> DeviceServer::shared_turn() {
    return turn(true);
}

Awaitable<DeviceServer::Turn> DeviceServer::upkeep_turn() {
    auto taken = co_await turn(false);
    upkeep_ = true;
    let_pass();
    co_return taken;
}

DeviceServer::Turn::Turn(Turn&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}

DeviceServer::Turn::~Turn() {
    if (server_ != nullptr) {
        server_->end_turn();
    }
}

// --- What is checked before the handler
// -----------------------------------------------------------

std::optional<Completion> DeviceServer::check_before(const Lookup& found, const Task& task) {
    auto refused = check_but_gates(found, task);
    return refused ? refused : check_gates(found.row->gates);
}

// The order is that of SAM-5, 5.3.3: resets, then the reservation, then other unit attentions and
// deferred errors, then the CDB.
std::optional<Completion> DeviceServer::check_but_gates(const Lookup& found, const Task& task) {
    const bool past_attention = found.row != nullptr && has(found.row->gates, Gate::past_attention);
    const auto attention = unit_attentions_.pending(task.it_nexus);
    const bool overwrites = found.row != nullptr && has(found.row->gates, Gate::overwrites);
    const auto report_attention = [&]() -> Completion {
        if (!overwrites || !UnitAttentions::moves_medium(*attention)) {
            unit_attentions_.take(task.it_nexus);
        }
        return Completion::check_condition(SenseKey::unit_attention, *attention);
    };
    if (attention && !past_attention && attention->asc() == kPowerOnOrReset) {
        return report_attention();
    }
    if (conflicts_with_reservation(found.row, task)) {
        return with_status(Status::reservation_conflict);
    }
    if (attention && !past_attention) {
        return report_attention();
    }
    const auto error =
        past_attention ? std::nullopt : tell_deferred_error(task.it_nexus, !overwrites);
    if (error) {
        return Completion::check_condition(*error);
    }
    if (!found.opcode_known) {
        return illegal_request(asc::kInvalidCommandOperationCode);
    }
    if (found.row == nullptr) {
        return invalid_field_in_cdb(1, 4);
    }
    if (const auto unused = first_unused_bit_set(*found.row, task.cdb)) {
        return invalid_field_in_cdb(unused->byte, unused->bit);
    }
    return {};
}

bool DeviceServer::conflicts_with_reservation(const CommandRow* row, const Task& task) const {
    WhenReserved when = row == nullptr ? WhenReserved::conflict : row->when_reserved;
    if (when == WhenReserved::allowed_to_undo) {
        when = (task.cdb[4] & 0x03U) == 0 ? WhenReserved::allowed : WhenReserved::conflict;
    } else if (when == WhenReserved::allowed_of_current_data) {
        when = (task.cdb[6] & 0x02U) != 0 ? WhenReserved::allowed : WhenReserved::conflict;
    }
    return conflicts_with_reserve(when, task.it_nexus) ||
           conflicts_with_persistent_reservation(when, task.it_nexus);
}

// SPC-2, 5.5.1.
bool DeviceServer::conflicts_with_reserve(WhenReserved when, ItNexusId nexus) const {
    if (!reserved_by_) {
        return false;
    }
    if (when == WhenReserved::persistent_reserve) {
        return true;
    }
    return *reserved_by_ != nexus && when != WhenReserved::allowed && when != WhenReserved::release;
}

// SPC-5, 5.13.1; RESERVE and RELEASE: SPC-3, 5.6.3.
bool DeviceServer::conflicts_with_persistent_reservation(WhenReserved when, ItNexusId nexus) const {
    using Passage = PersistentReservations::Passage;
    using ReserveRelease = PersistentReservations::ReserveRelease;
    switch (when) {
        case WhenReserved::reserve:
        case WhenReserved::release:
            return persistent_reservations_.reserve_release(initiator_port(nexus)) ==
                   ReserveRelease::conflict;
        case WhenReserved::conflict:
            return persistent_reservations_.passage(initiator_port(nexus)) != Passage::everything;
        case WhenReserved::allowed_to_read:
            return persistent_reservations_.passage(initiator_port(nexus)) == Passage::nothing;
        default:
            return false;
    }
}

bool DeviceServer::holds_reservation(ItNexusId nexus) const {
    const auto port = unit_attentions_.initiator_port(nexus);
    return reserved_by_ == nexus || (port && persistent_reservations_.holds(*port));
}

InitiatorPort DeviceServer::initiator_port(ItNexusId nexus) const {
    return unit_attentions_.initiator_port(nexus).value_or(InitiatorPort{});
}

// --- Task management
// ------------------------------------------------------------------------------

bool DeviceServer::any_aborted(std::optional<ItNexusId> nexus,
                               std::optional<TaskTag> tag) const noexcept {
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const QueuedTask* queued) {
        return queued->aborted && matches(nexus, tag, queued->nexus, queued->tag);
    });
}

Awaitable<bool> DeviceServer::abort_matching(std::optional<ItNexusId> nexus,
                                             std::optional<TaskTag> tag) {
    for (QueuedTask* const queued : tasks_) {
        if (!matches(nexus, tag, queued->nexus, queued->tag)) {
            continue;
        }
        queued->aborted = true;
        if (queued->wake != nullptr && !queued->has_turn) {
            queue_.remove(queued);
            queued->wake->cancel();
        }
    }
    wake_next();  // one that was shut out by a task that is gone
    const bool found = any_aborted(nexus, tag);
    ++abort_waiters_;
    while (any_aborted(nexus, tag)) {
        co_await task_ended_.async_wait(kAsTuple);
    }
    --abort_waiters_;
    co_return found;
}

bool DeviceServer::abort_waiting_of(const InitiatorPort& port) {
    bool any = false;
    for (QueuedTask* const queued : tasks_) {
        const bool waits = queued->wake != nullptr && !queued->has_turn && queued->nexus;
        if (waits && initiator_port(*queued->nexus) == port) {
            queued->aborted = true;
            queue_.remove(queued);
            queued->wake->cancel();
            any = true;
        }
    }
    return any;
}

Awaitable<bool> DeviceServer::abort_task(ItNexusId nexus, TaskTag tag) {
    co_return co_await abort_matching(nexus, tag);
}

Awaitable<void> DeviceServer::abort_task_set(ItNexusId nexus) {
    co_await abort_matching(nexus, std::nullopt);
}

Awaitable<void> DeviceServer::clear_task_set(ItNexusId cause) {
    std::set<ItNexusId> losers;
    for (const QueuedTask* const queued : tasks_) {
        if (queued->nexus && *queued->nexus != cause) {
            losers.insert(*queued->nexus);
        }
    }
    co_await abort_matching(std::nullopt, std::nullopt);
    for (const ItNexusId nexus : losers) {
        unit_attentions_.establish_for(initiator_port(nexus),
                                       asc::kCommandsClearedByAnotherInitiator);
    }
}

Awaitable<void> DeviceServer::reset() {
    co_await abort_matching(std::nullopt, std::nullopt);
    reserved_by_.reset();
    preventing_.clear();
    buffers_.clear();
    deferred_errors_.clear();
    mode_pages_.reset();
    on_reset();
    unit_attentions_.establish_for_all(asc::kBusDeviceResetFunctionOccurred);
}

void DeviceServer::nexus_established(const ItNexus& nexus) {
    unit_attentions_.nexus_established(nexus);
}

void DeviceServer::nexus_lost(ItNexusId nexus) {
    unit_attentions_.nexus_lost(nexus);
    preventing_.erase(nexus);
    buffers_.erase(nexus);
    deferred_errors_.erase(nexus);
    mode_pages_.forget(nexus);
    if (reserved_by_ == nexus) {
        reserved_by_.reset();
        on_reservation_change(false);
    }
    on_nexus_lost(nexus);
}

}  // namespace tapeloft::vtl::scsi
