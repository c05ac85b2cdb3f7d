// Stands behind every LUN that does not exist (SPC-5; SAM-5).
#pragma once

#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::scsi {

/// INQUIRY says qualifier 011b, type 1Fh; REPORT LUNS and REQUEST SENSE answer; all else is
/// 05/25/00. Holds no task and knows no nexus.
class MissingLogicalUnit final : public LogicalUnit {
  public:
    /// logical_unit_count: LUNs of the target, for REPORT LUNS.
    MissingLogicalUnit(Executor executor, std::uint16_t logical_unit_count);

    [[nodiscard]] Executor executor() const override { return executor_; }
    Awaitable<Completion> execute(Task task) override;
    Awaitable<bool> abort_task(ItNexusId nexus, TaskTag tag) override;
    Awaitable<void> abort_task_set(ItNexusId nexus) override;
    Awaitable<void> clear_task_set(ItNexusId cause) override;
    Awaitable<void> reset() override;
    void nexus_established(const ItNexus& /*nexus*/) override {}
    void nexus_lost(ItNexusId /*nexus*/) override {}

  private:
    const Executor executor_;
    const std::uint16_t logical_unit_count_;
};

}  // namespace tapeloft::vtl::scsi
