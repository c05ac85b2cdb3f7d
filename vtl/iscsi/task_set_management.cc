// TaskSet: the task management functions (RFC 7143, 11.5 and 11.6).
#include <algorithm>
#include <utility>

#include "cloud/base/contract.h"

#include "vtl/iscsi/target.h"
#include "vtl/iscsi/task_set.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::size_t kAbsorbedTagsMax = 64;

}  // namespace

void TaskSet::answer_management(std::uint32_t initiator_task_tag, TaskManagementResult result) {
    TaskManagementResponse response;
    response.initiator_task_tag = initiator_task_tag;
    response.response = result;
    writer_.queue(encode(response), StatSnUse::counted);
}

void TaskSet::manage(const TaskManagementRequest& request, CommandWindow& window) {
    using Function = TaskManagementFunction;
    const auto function = static_cast<Function>(request.function);
    const auto tag = request.initiator_task_tag;
    if (managements_.size() >= kManagementsMax) {
        return answer_management(tag, TaskManagementResult::function_rejected);
    }
    const bool whole_target =
        function == Function::target_warm_reset || function == Function::target_cold_reset;
    switch (function) {
        case Function::abort_task:
            return abort_task(request, window);
        case Function::task_reassign:
            return answer_management(
                tag, TaskManagementResult::task_allegiance_reassignment_not_supported);
        case Function::abort_task_set:
        case Function::clear_task_set:
        case Function::logical_unit_reset:
        case Function::target_warm_reset:
        case Function::target_cold_reset:
            break;
        case Function::clear_aca:
        default:
            return answer_management(tag, TaskManagementResult::function_not_supported);
    }
    if (!whole_target && !unit_number(request.lun, units_count_)) {
        return answer_management(tag, TaskManagementResult::lun_does_not_exist);
    }
    const auto handle = ++last_handle_;
    managements_.push_back({handle, tag, false});
    for (auto entry = tasks_.begin(); entry != tasks_.end();) {
        const auto current = entry++;
        const bool older = current->command.immediate ||
                           serial_before(current->command.numbers.cmd_sn, request.numbers.cmd_sn);
        if (older && (whole_target || unit_key(current->command.lun) == unit_key(request.lun))) {
            abort_entry(current, handle);
        }
    }
    actions_.emplace_back(ManageTasks{handle, function, request.lun, 0});
}

/// RFC 7143, 11.6.1: what to answer when the task is not (or no longer) there.
void TaskSet::abort_task(const TaskManagementRequest& request, CommandWindow& window) {
    const auto entry = find_tag(request.referenced_task_tag);
    const bool exists = entry != tasks_.end() && !entry->aborted &&
                        unit_key(entry->command.lun) == unit_key(request.lun);
    if (!exists) {
        const bool never_came = serial_before(request.ref_cmd_sn, request.numbers.cmd_sn) &&
                                window.skip(request.ref_cmd_sn);
        return answer_management(request.initiator_task_tag,
                                 never_came ? TaskManagementResult::function_complete
                                            : TaskManagementResult::task_does_not_exist);
    }
    const auto handle = ++last_handle_;
    const bool executing = entry->state == State::executing;
    managements_.push_back({handle, request.initiator_task_tag, !executing});
    abort_entry(entry, handle);
    if (executing) {
        actions_.emplace_back(ManageTasks{handle, TaskManagementFunction::abort_task, request.lun,
                                          request.referenced_task_tag});
    } else {
        finish_management(handle);
    }
}

/// The task will never be answered. One that its logical unit has goes when that has ended it.
void TaskSet::abort_entry(Entries::iterator entry, ManagementHandle management) {
    if (entry->out.data_expected()) {
        absorbed_.push_back(entry->command.initiator_task_tag);
        if (absorbed_.size() > kAbsorbedTagsMax) {
            absorbed_.pop_front();
        }
    }
    if (entry->state == State::executing) {
        entry->aborted = true;
        if (entry->management == 0) {
            entry->management = management;
        }
        return;
    }
    std::erase(sending_, entry->handle);
    erase(entry);
}

void TaskSet::abort_waiting(std::optional<std::uint64_t> lun) {
    for (auto entry = tasks_.begin(); entry != tasks_.end();) {
        const auto current = entry++;
        const bool waits = current->delivered &&
                           (current->state == State::collecting || current->state == State::ready);
        if (waits && (!lun || unit_key(current->command.lun) == unit_key(*lun))) {
            abort_entry(current, 0);
        }
    }
}

void TaskSet::on_management_done(ManagementHandle handle) {
    const auto management =
        std::find_if(managements_.begin(), managements_.end(),
                     [handle](const Management& one) { return one.handle == handle; });
    TL_ASSERT(management != managements_.end());
    management->done = true;
    finish_management(handle);
}

/// Answers the function if it is done and its tasks are gone.
void TaskSet::finish_management(ManagementHandle handle) {
    const auto management =
        std::find_if(managements_.begin(), managements_.end(),
                     [handle](const Management& one) { return one.handle == handle; });
    const bool waits_for_tasks =
        std::any_of(tasks_.begin(), tasks_.end(),
                    [handle](const Entry& entry) { return entry.management == handle; });
    if (management == managements_.end() || !management->done || waits_for_tasks) {
        return;
    }
    answer_management(management->initiator_task_tag, TaskManagementResult::function_complete);
    managements_.erase(management);
}

}  // namespace tapeloft::vtl::iscsi
