// What the transport sees of a logical unit (SAM-5, clause 4): it submits tasks and task management
// functions and never knows what device is behind.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/awaitable.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

class LogicalUnit {
  public:
    LogicalUnit() = default;
    LogicalUnit(const LogicalUnit&) = delete;
    LogicalUnit& operator=(const LogicalUnit&) = delete;
    virtual ~LogicalUnit() = default;

    /// The strand on which every call below must be made (and every coroutine be spawned).
    [[nodiscard]] virtual Executor executor() const = 0;

    /// Carries out one task. Tasks run one at a time in the order of the calls (the head of the
    /// queue attribute goes first), except rows that say they may pass (LOG SENSE, INQUIRY, ...).
    /// Status task_aborted: the task was aborted by a task management function; the transport sends
    /// no response for it to the nexus that asked for the abort (SAM-5, 5.3.1).
    virtual Awaitable<Completion> execute(Task task) = 0;

    // Task management (SAM-5, clause 7). Each returns when every task it names has ended: one that
    // has not begun ends at once, the running one when its handler is done (it is not torn in the
    // middle).
    /// False: no such task (the transport decides what to answer, RFC 7143, 11.6.1).
    virtual Awaitable<bool> abort_task(ItNexusId nexus, TaskTag tag) = 0;
    virtual Awaitable<void> abort_task_set(ItNexusId nexus) = 0;
    /// CLEAR TASK SET: aborts the tasks of every nexus; all but `cause` that lose one find
    /// 06/2F/00.
    virtual Awaitable<void> clear_task_set(ItNexusId cause) = 0;
    /// LOGICAL UNIT RESET: aborts all tasks, drops RESERVE/RELEASE reservations and PREVENT, resets
    /// mode parameters, establishes 06/29/03 for every nexus. The cartridge stays loaded.
    virtual Awaitable<void> reset() = 0;

    /// A session began. The first contact of an initiator port since the daemon started establishes
    /// unit attention 06/29/00, each later one 06/29/07.
    virtual void nexus_established(const ItNexus& nexus) = 0;
    /// A session ended. The transport has already aborted its tasks by abort_task_set().
    /// Reservations (RESERVE) and PREVENT of this nexus end; position and cartridge stay.
    virtual void nexus_lost(ItNexusId nexus) = 0;
};

/// The logical units of one target. They must outlive every session.
struct LogicalUnitMap {
    std::vector<LogicalUnit*>
        units;  ///< index = LUN (single level, peripheral addressing); none is null
    /// Answers for every LUN that does not exist: INQUIRY with qualifier 011b, REPORT LUNS, else
    /// 05/25/00.
    LogicalUnit* missing = nullptr;
};

}  // namespace tapeloft::vtl::scsi
