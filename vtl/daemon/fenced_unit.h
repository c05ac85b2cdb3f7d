// A logical unit that is served only as long as this daemon has the library.
#pragma once

#include <functional>
#include <utility>

#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::daemon {

/// Once fenced() is true the unit says who it is and how it is: INQUIRY, REPORT LUNS and REQUEST
/// SENSE answer, all else is NOT READY, MANUAL INTERVENTION REQUIRED (02/04/03). What is under way
/// ends as it would. The unit behind it outlives this one.
class FencedUnit final : public scsi::LogicalUnit {
  public:
    /// fenced: any thread, never waits.
    FencedUnit(scsi::LogicalUnit& unit, std::function<bool()> fenced)
        : unit_(unit), fenced_(std::move(fenced)) {}

    [[nodiscard]] Executor executor() const override { return unit_.executor(); }
    Awaitable<scsi::Completion> execute(scsi::Task task) override;
    Awaitable<bool> abort_task(scsi::ItNexusId nexus, scsi::TaskTag tag) override {
        return unit_.abort_task(nexus, tag);
    }
    Awaitable<void> abort_task_set(scsi::ItNexusId nexus) override {
        return unit_.abort_task_set(nexus);
    }
    Awaitable<void> clear_task_set(scsi::ItNexusId cause) override {
        return unit_.clear_task_set(cause);
    }
    Awaitable<void> reset() override { return unit_.reset(); }
    void nexus_established(const scsi::ItNexus& nexus) override { unit_.nexus_established(nexus); }
    void nexus_lost(scsi::ItNexusId nexus) override { unit_.nexus_lost(nexus); }

  private:
    static Awaitable<scsi::Completion> refuse();

    scsi::LogicalUnit& unit_;
    const std::function<bool()> fenced_;
};

}  // namespace tapeloft::vtl::daemon
