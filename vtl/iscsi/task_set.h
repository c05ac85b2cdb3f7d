// The tasks of one session: from the SCSI Command PDU over their data to the response, and the task
// management functions on them (RFC 7143, 4.2.2, 4.2.5, 11.3 to 11.8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/action.h"
#include "vtl/iscsi/command_window.h"
#include "vtl/iscsi/data_transfer.h"
#include "vtl/iscsi/memory_budget.h"
#include "vtl/iscsi/negotiation.h"
#include "vtl/iscsi/pdu.h"
#include "vtl/iscsi/pdu_writer.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::iscsi {

/// What becomes of the data segment of a PDU whose header was just read, and of the PDU.
struct Placement {
    enum class Kind : std::uint8_t {
        place,    ///< the data goes to `destination`
        discard,  ///< the data is of no use; the PDU counts all the same
        ignore,   ///< the PDU is as if it had never come
        reject,   ///< Reject with `reason`; the PDU is ignored, the connection lives on
        fatal,    ///< Reject with `reason`, then the connection ends
    };
    Kind kind = Kind::discard;
    MutableByteView destination;
    TaskHandle task = 0;  ///< the task of a command
    RejectReason reason = RejectReason::protocol_error;
    std::string_view why;
};

/// Tasks for one logical unit are handed over in the order of delivery; those for different ones do
/// not wait for each other. Invariant: buffers follow MemoryBudget. Sends through `writer`, asks
/// through `actions`; both, and `parameters`, outlive it.
class TaskSet {
  public:
    TaskSet(const NegotiatedParameters& parameters, scsi::ItNexusId it_nexus,
            std::size_t units_count, std::size_t memory_budget, PduWriter& writer,
            std::deque<Action>& actions);

    [[nodiscard]] std::uint32_t open_commands_max() const { return budget_.open_commands_max(); }

    // A SCSI Command: begin at its header, end when its data segment of n bytes is there, deliver
    // when it is its turn (CmdSN). in_order: it will be delivered at once.
    [[nodiscard]] Placement begin_command(const ScsiCommand& command, ByteView additional_header,
                                          std::uint32_t n, bool in_order);
    void end_command(TaskHandle handle, std::uint32_t n, bool data_digest_error);
    void deliver(TaskHandle handle);

    // A Data-Out PDU: begin at its header, end when its data segment is there.
    [[nodiscard]] Placement begin_data_out(const DataOut& pdu, std::uint32_t n);
    void end_data_out(const DataOut& pdu, std::uint32_t n, bool data_digest_error);

    void on_task_done(TaskHandle handle, scsi::Completion completion);

    void manage(const TaskManagementRequest& request, CommandWindow& window);
    void on_management_done(ManagementHandle handle);
    /// Another session asked for the end of the tasks of `lun` (empty: of every unit): those that
    /// its logical unit does not have yet end without answer.
    void abort_waiting(std::optional<std::uint64_t> lun);

    /// Sends the R2Ts and hands over the tasks that are due. Call after any of the above.
    void advance();

    /// One PDU of data-in; the writer's queue goes before it.
    struct Part {
        BasicHeader header{};
        StatSnUse use = StatSnUse::none;
        Buffer data;
    };
    [[nodiscard]] std::optional<Part> next_part();

    /// Delivered, non-immediate tasks that have not ended.
    [[nodiscard]] std::uint32_t open() const noexcept { return open_; }
    /// No task and no task management function is open.
    [[nodiscard]] bool idle() const noexcept { return tasks_.empty() && managements_.empty(); }
    [[nodiscard]] std::size_t memory_used() const noexcept { return budget_.used(); }

    /// Immediate commands that may be open at once.
    static constexpr std::uint32_t kImmediateCommandsMax = 8;
    /// Task management functions that may be open at once.
    static constexpr std::size_t kManagementsMax = 16;

  private:
    enum class State : std::uint8_t { collecting, ready, executing, responding };

    struct Entry {
        TaskHandle handle = 0;
        ScsiCommand command;
        State state = State::collecting;
        bool delivered = false;
        bool aborted = false;
        ManagementHandle management = 0;  ///< that waits for the end of this task
        DataOutTransfer out;
        Buffer buffer;  ///< of data-out; may be shorter than it must be, see grow_buffer()
        std::size_t first_burst_reserved = 0;
        std::size_t transfer_reserved = 0;
        std::optional<scsi::Completion> failure;  ///< decided here; the logical unit never sees it
        scsi::Completion completion;              ///< while responding
        DataInTransfer in;
        Residual residual;
    };
    using Entries = std::list<Entry>;

    struct Management {
        ManagementHandle handle = 0;
        std::uint32_t initiator_task_tag = 0;
        bool done = false;
    };

    [[nodiscard]] std::uint64_t unit_key(std::uint64_t lun) const;
    [[nodiscard]] Entries::iterator find_handle(TaskHandle handle);
    [[nodiscard]] Entries::iterator find_tag(std::uint32_t initiator_task_tag);
    Entries::iterator erase(Entries::iterator entry);
    void release_memory(Entry& entry);

    [[nodiscard]] std::optional<Placement> refuse_command(const ScsiCommand& command,
                                                          std::uint32_t n) const;
    [[nodiscard]] std::optional<scsi::Completion> refuse_task(const ScsiCommand& command,
                                                              std::uint32_t n,
                                                              bool additional_header) const;
    [[nodiscard]] Placement first_data_place(Entry& entry, std::uint32_t n, bool in_order);
    [[nodiscard]] MutableByteView receive_into(Entry& entry, std::size_t offset, std::uint32_t n);
    void received();
    void fail(Entry& entry, scsi::Completion completion);
    void allocate_first_buffer(Entry& entry, bool in_order);
    [[nodiscard]] bool grow_buffer(Entry& entry, bool memory_is_short);
    [[nodiscard]] bool somebody_waits_for_memory() const;

    [[nodiscard]] bool collect(Entry& entry, bool memory_is_short);
    [[nodiscard]] bool execute(Entry& entry, bool memory_is_short);
    void respond(Entries::iterator entry, scsi::Completion completion);
    void send_response(const Entry& entry, std::uint32_t exp_data_sn);

    void abort_entry(Entries::iterator entry, ManagementHandle management);
    void abort_task(const TaskManagementRequest& request, CommandWindow& window);
    void answer_management(std::uint32_t initiator_task_tag, TaskManagementResult result);
    void finish_management(ManagementHandle handle);

    const NegotiatedParameters& parameters_;
    scsi::ItNexusId it_nexus_;
    std::size_t units_count_;
    MemoryBudget budget_;
    PduWriter& writer_;
    std::deque<Action>& actions_;

    Entries tasks_;  ///< delivered ones in the order of delivery
    std::deque<TaskHandle> sending_;
    std::list<Management> managements_;
    std::deque<std::uint32_t> absorbed_;  ///< tags of aborted tasks whose Data-Out may still come
    TaskHandle receiving_ = 0;  ///< whose buffer the data segment at hand goes to; 0: nobody's
    Buffer receiving_buffer_;   ///< keeps that buffer, whatever becomes of the task
    std::uint32_t open_ = 0;
    std::uint64_t last_handle_ = 0;
    std::uint32_t last_transfer_tag_ = 0;
};

}  // namespace tapeloft::vtl::iscsi
