// The device server of any device type (SAM-5): task queue, aborts, unit attentions,
// reservation, prevention of removal, then the row's gates and its handler; and the commands common
// to all types.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/value_store.h"

#include "vtl/scsi/command_table.h"
#include "vtl/scsi/identifying_information.h"
#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/log_pages.h"
#include "vtl/scsi/logical_unit.h"
#include "vtl/scsi/mode_pages.h"
#include "vtl/scsi/persistent_reservations.h"
#include "vtl/scsi/timestamp.h"
#include "vtl/scsi/unit_attention.h"

namespace tapeloft::vtl::scsi {

/// Names of what a ValueStore keeps.
inline constexpr std::string_view kPersistentReservationsValue = "persistent_reservations";
inline constexpr std::string_view kModePagesValue = "mode_pages";

struct DeviceServerOptions {
    Executor executor;  ///< a strand of its own
    Identity identity;
    std::span<const CommandRow> commands;  ///< must outlive the device server
    std::vector<ModePage> mode_pages;
    std::vector<LogPage> log_pages;
    std::shared_ptr<ValueStore> memory;  ///< what outlives a restart; null: nothing does
    WallClock clock = system_wall_clock();
};

/// Invariant: one task or exclusive turn is running, or any number of shared ones (and none that
/// waits was there before the newest of them); all state is touched on the strand only.
class DeviceServer : public LogicalUnit {
  public:
    explicit DeviceServer(DeviceServerOptions options);

    [[nodiscard]] Executor executor() const final { return executor_; }
    Awaitable<Completion> execute(Task task) final;
    Awaitable<bool> abort_task(ItNexusId nexus, TaskTag tag) final;
    Awaitable<void> abort_task_set(ItNexusId nexus) final;
    Awaitable<void> clear_task_set(ItNexusId cause) final;
    Awaitable<void> reset() final;
    void nexus_established(const ItNexus& nexus) final;
    void nexus_lost(ItNexusId nexus) final;

    [[nodiscard]] const Identity& identity() const noexcept { return identity_; }

  protected:
    // Hooks of the device type.
    /// Checks Gate::medium and Gate::writable; nothing: pass.
    [[nodiscard]] virtual std::optional<Completion> check_gates(Gate /*gates*/) { return {}; }
    /// What REQUEST SENSE reports when no unit attention waits; nothing: NO SENSE.
    [[nodiscard]] virtual std::optional<Sense> current_condition() const { return {}; }
    /// What commands with Gate::beside_operation are told while an operation goes on, for which the
    /// command of this operation code with IMMED = 1 had its status.
    [[nodiscard]] virtual Sense operation_condition(std::uint8_t /*opcode*/) const { return {}; }
    [[nodiscard]] virtual ModeParameterHeader mode_parameter_header() const { return {}; }
    [[nodiscard]] virtual std::optional<BlockDescriptor> block_descriptor() const { return {}; }
    /// Legal values of header and block descriptor; nothing: accept. Must change nothing.
    [[nodiscard]] virtual std::optional<Completion> check_mode_selection(const ModeSelection&) {
        return {};
    }
    /// Takes over header and block descriptor; true if something has changed.
    virtual bool apply_mode_selection(const ModeSelection&) { return false; }
    /// Somebody may hold no reservation any more, by PREEMPT or in another way.
    virtual void on_reservation_change(bool /*preempted*/) {}
    virtual void on_nexus_lost(ItNexusId) {}  ///< after its reservation has ended
    virtual void on_reset() {}                ///< LOGICAL UNIT RESET, beyond what is common

    // The common commands, for rows: handled_by<&MediaChanger::inquiry>() and so on.
    Completion inquiry(const Task& task);
    Completion report_luns(const Task& task);
    Completion request_sense(const Task& task);
    Completion test_unit_ready(const Task& task);  ///< GOOD; Gate::medium does the work
    Completion mode_sense(const Task& task);       ///< 6 and 10
    Awaitable<Completion> mode_select(Task task);  ///< 6 and 10
    Completion log_sense_command(const Task& task);
    Completion log_select(const Task& task);
    Completion reserve(const Task& task);                     ///< 6 and 10
    Completion release(const Task& task);                     ///< 6 and 10
    Completion persistent_reserve_in(const Task& task);       ///< every service action
    Awaitable<Completion> persistent_reserve_out(Task task);  ///< every service action
    Completion prevent_allow_medium_removal(const Task& task);
    Completion supported_operation_codes(const Task& task);
    Completion report_target_port_groups(const Task& task);
    Completion report_supported_task_management_functions(const Task& task);
    Completion report_identifying_information(const Task& task);
    Awaitable<Completion> set_identifying_information(Task task);
    Completion report_timestamp(const Task& task);
    Completion set_timestamp(const Task& task);
    Completion send_diagnostic(const Task& task);
    Completion receive_diagnostic_results(const Task& task);
    Completion write_buffer(const Task& task);
    Completion read_buffer(const Task& task);

    /// For handlers of rows with an IMMED bit, once the command is valid: if the bit is set, its
    /// GOOD status goes to the host now, and the rest of the handler is an operation that goes on.
    /// It keeps the turn, so that other commands wait for its end. If it fails, that is a deferred
    /// error for the nexus (SPC-5, 4.4.7). Else does nothing.
    void status_now();
    /// status_now() will send a status.
    [[nodiscard]] bool status_is_due() const noexcept;
    /// The operation code of the command whose operation goes on behind its status.
    [[nodiscard]] std::optional<std::uint8_t> operation_going_on() const noexcept;

    /// While an exclusive one lives no task runs, while a shared one lives no task but shared ones;
    /// those that arrive wait behind it.
    class [[nodiscard]] Turn {
      public:
        Turn(Turn&&) noexcept;
        Turn& operator=(Turn&&) = delete;
        ~Turn();

      private:
        friend class DeviceServer;
        explicit Turn(DeviceServer& server) : server_(&server) {}
        DeviceServer* server_;
    };
    /// Waits, behind the tasks already queued, until it is its turn. On the strand.
    Awaitable<Turn> exclusive_turn();
    /// The same, beside tasks with Gate::shared.
    Awaitable<Turn> shared_turn();
    /// Exclusive; rows with Gate::beside_others run beside it as beside a task of another nexus.
    Awaitable<Turn> upkeep_turn();
    /// No task runs and none waits.
    [[nodiscard]] bool idle() const noexcept { return running_ == 0 && queue_.empty(); }

    [[nodiscard]] bool removal_prevented() const noexcept { return !preventing_.empty(); }
    void allow_removal() noexcept { preventing_.clear(); }
    /// By RESERVE (SPC-2).
    [[nodiscard]] std::optional<ItNexusId> reserved_by() const noexcept { return reserved_by_; }
    /// By RESERVE or persistently.
    [[nodiscard]] bool reserved() const noexcept {
        return reserved_by_ || persistent_reservations_.reserved();
    }
    /// The same, by this nexus. False for one that is lost.
    [[nodiscard]] bool holds_reservation(ItNexusId nexus) const;
    /// What was remembered under the name; nothing: nothing, or there is no memory.
    [[nodiscard]] std::optional<Bytes> recall(std::string_view name) const {
        return memory_ == nullptr ? std::nullopt : memory_->get(name);
    }
    /// Durable when it returns. False: it failed, and the old value is still there. Without a
    /// memory nothing is kept, and nothing fails.
    Awaitable<bool> remember(std::string name, Bytes value);
    /// HARDWARE ERROR 44/00: what the command would have changed could not be made durable.
    [[nodiscard]] static Completion not_remembered();
    [[nodiscard]] UnitAttentions& unit_attentions() noexcept { return unit_attentions_; }
    [[nodiscard]] ModePages& mode_pages() noexcept { return mode_pages_; }
    [[nodiscard]] const ModePages& mode_pages() const noexcept { return mode_pages_; }

  private:
    /// A task, or a turn, that has arrived and not ended; lives in a coroutine's frame.
    struct QueuedTask {
        QueuedTask() = default;
        QueuedTask(const QueuedTask&) = delete;
        QueuedTask& operator=(const QueuedTask&) = delete;
        ~QueuedTask() {
            if (queue != nullptr) {
                queue->remove(this);  // the daemon ends while it waits
            }
        }

        std::optional<ItNexusId> nexus;  ///< none: a turn; it cannot be aborted
        TaskTag tag = 0;
        bool shared = false;
        bool beside_others = false;
        bool aborted = false;
        bool has_turn = false;
        bool passes = false;                        ///< runs without a turn
        boost::asio::steady_timer* wake = nullptr;  ///< set while it waits
        std::list<QueuedTask*>* queue = nullptr;    ///< where it waits or has waited
    };
    class Presence;
    /// A command with IMMED = 1, until its end.
    struct Operation {
        Operation(const Executor& executor, std::uint8_t code)
            : opcode(code), told(executor, boost::asio::steady_timer::time_point::max()) {}
        std::uint8_t opcode;
        std::optional<Completion> status;  ///< of the command
        boost::asio::steady_timer told;    ///< an event: cancelled when there is a status
    };

    /// Nothing is in its way but tasks of other nexuses, or upkeep.
    [[nodiscard]] bool may_pass(const QueuedTask& queued) const noexcept;
    void let_pass() noexcept;
    Awaitable<Completion> begin_operation(const CommandRow& row, Task task, Turn turn);
    Awaitable<void> carry_out(const CommandRow& row, Task task,
                              std::shared_ptr<Operation> operation, Turn turn);
    Awaitable<void> take_turn(QueuedTask* queued, TaskAttribute attribute);
    Awaitable<Turn> turn(bool shared);
    void begin_turn(bool shared) noexcept;
    void end_turn() noexcept;
    void wake_next() noexcept;
    [[nodiscard]] std::optional<Completion> check_before(const Lookup& found, const Task& task);
    [[nodiscard]] std::optional<Completion> check_but_gates(const Lookup& found, const Task& task);
    std::optional<Sense> tell_deferred_error(ItNexusId nexus, bool clear);
    [[nodiscard]] bool conflicts_with_reservation(const CommandRow* row, const Task& task) const;
    [[nodiscard]] bool conflicts_with_reserve(WhenReserved when, ItNexusId nexus) const;
    [[nodiscard]] bool conflicts_with_persistent_reservation(WhenReserved when,
                                                             ItNexusId nexus) const;
    [[nodiscard]] InitiatorPort initiator_port(ItNexusId nexus) const;
    /// Ends the tasks of the port that wait (the one that runs is the caller). False: there are
    /// none.
    bool abort_waiting_of(const InitiatorPort& port);
    void recall_identifying_information();
    /// Aborts the tasks of the nexus (none: of all) with the tag (none: any) and waits for their
    /// end. False: there are none.
    Awaitable<bool> abort_matching(std::optional<ItNexusId> nexus, std::optional<TaskTag> tag);
    [[nodiscard]] bool any_aborted(std::optional<ItNexusId> nexus,
                                   std::optional<TaskTag> tag) const noexcept;

    const Executor executor_;
    const Identity identity_;
    const std::span<const CommandRow> commands_;
    ModePages mode_pages_;
    const std::vector<LogPage> log_pages_;

    UnitAttentions unit_attentions_;
    std::optional<ItNexusId> reserved_by_;
    std::set<ItNexusId> preventing_;
    const std::shared_ptr<ValueStore> memory_;
    PersistentReservations persistent_reservations_;
    IdentifyingInformation identifying_information_;
    Timestamp timestamp_;
    Completion read_data_buffer(const Task& task);
    static constexpr std::size_t kBufferCapacity = 4096;  ///< bytes, of either buffer
    struct SessionBuffers {                               ///< what WRITE BUFFER has written
        std::optional<Bytes> echo;
        Bytes data;  ///< empty, which reads as zeros, or of kBufferCapacity
    };
    std::map<ItNexusId, SessionBuffers> buffers_;

    std::shared_ptr<Operation> operation_;        ///< of the task that runs, if it has IMMED = 1
    std::map<ItNexusId, Sense> deferred_errors_;  ///< not told yet; the newest of each nexus
    std::uint32_t running_ = 0;                   ///< how many have the turn
    bool running_alone_ = false;                  ///< the one that has it shares it with nobody
    bool upkeep_ = false;                         ///< and is an upkeep_turn()
    std::vector<QueuedTask*> tasks_;              ///< all that have not ended, running and waiting
    std::list<QueuedTask*> queue_;                ///< those of them that wait, next one first
    std::uint32_t abort_waiters_ = 0;       ///< calls of abort_matching() that wait for task_ended_
    boost::asio::steady_timer task_ended_;  ///< an event: cancelled when a task ends
};

}  // namespace tapeloft::vtl::scsi
