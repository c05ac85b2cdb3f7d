// What the sans-IO core asks of the world around it.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "vtl/iscsi/login.h"
#include "vtl/iscsi/pdu.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::iscsi {

using TaskHandle = std::uint64_t;        ///< names a task of one connection; never used twice
using ManagementHandle = std::uint64_t;  ///< names a task management function of one connection

/// Hand the task to the logical unit at `lun`; answer with Connection::on_task_done().
struct Execute {
    TaskHandle handle = 0;
    std::uint64_t lun = 0;  ///< the LUN field; see logical_unit_at()
    scsi::Task task;
};

/// Carry out the function on the logical units it names; answer with
/// Connection::on_task_management_done().
struct ManageTasks {
    ManagementHandle handle = 0;
    TaskManagementFunction function = TaskManagementFunction::abort_task;
    std::uint64_t lun = 0;
    scsi::TaskTag referenced_task_tag = 0;  ///< abort_task only
};

/// Login went well up to here; answer with Connection::on_session_admitted() or refused().
struct AdmitSession {
    LoginIdentity identity;
};

/// The initiator logs out: end its tasks and its nexus at every logical unit, then call
/// Connection::on_session_ended(). Its answer waits for that.
struct EndSession {};

/// Something worth a line in the log; the connection lives on.
struct Notice {
    std::string text;
};

/// The connection is over: everything that should be sent has been taken by next_pdu(). Close it.
struct Close {
    bool fault = false;  ///< the peer broke the protocol, vanished, or was refused
    std::string reason;
};

using Action = std::variant<Execute, ManageTasks, AdmitSession, EndSession, Notice, Close>;

}  // namespace tapeloft::vtl::iscsi
