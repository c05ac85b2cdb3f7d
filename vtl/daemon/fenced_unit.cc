#include "vtl/daemon/fenced_unit.h"

#include <algorithm>
#include <array>

#include "vtl/scsi/opcode.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr scsi::AdditionalSense kManualInterventionRequired{0x0403};

}  // namespace

Awaitable<scsi::Completion> FencedUnit::execute(scsi::Task task) {
    constexpr std::array kAnswered = {scsi::opcode::kInquiry, scsi::opcode::kReportLuns,
                                      scsi::opcode::kRequestSense};
    const bool answered = std::ranges::find(kAnswered, task.cdb[0]) != kAnswered.end();
    if (fenced_() && !answered) {
        return refuse();
    }
    return unit_.execute(std::move(task));
}

Awaitable<scsi::Completion> FencedUnit::refuse() {
    co_return scsi::Completion::check_condition(scsi::SenseKey::not_ready,
                                                kManualInterventionRequired);
}

}  // namespace tapeloft::vtl::daemon
