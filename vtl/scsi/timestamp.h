// The timestamp of a device (SPC-5, 5.3; 6.40, 6.48): milliseconds since 1970, in 48 bits.
#pragma once

#include <cstdint>
#include <functional>

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

/// Milliseconds since 1970-01-01 UTC.
using WallClock = std::function<std::uint64_t()>;
[[nodiscard]] WallClock system_wall_clock();

/// Follows the clock of the machine until a host sets it; goes on with it from there. Resets leave
/// it alone.
class Timestamp {
  public:
    explicit Timestamp(WallClock clock) : clock_(std::move(clock)) {}

    [[nodiscard]] Completion report(const Task& task) const;
    /// If the status is not GOOD, nothing has changed.
    [[nodiscard]] Completion set(const Task& task);

  private:
    WallClock clock_;
    std::uint64_t ahead_ = 0;  ///< of the clock, modulo 2^64
    bool set_by_host_ = false;
};

}  // namespace tapeloft::vtl::scsi
