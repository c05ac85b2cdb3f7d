// What Proxmox Backup Server does to a library, done and judged by its rules.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vtl/doctor/pbs_changer.h"
#include "vtl/doctor/pbs_drive.h"
#include "vtl/doctor/site.h"

namespace tapeloft::vtl::doctor {

struct Order {
    /// Barcodes of cartridges whose contents may be destroyed: none (then nothing is moved or
    /// written), one, or two (the second for a backup that goes over the end of the first).
    std::vector<std::string> scratch;
    std::string cleaning;  ///< barcode of a cleaning cartridge that may be used once; empty: none
    std::uint64_t backup_bytes = 4ULL << 30U;  ///< of the backup; 1 MiB or more
};

struct Finding {
    enum class Verdict : std::uint8_t { passed, failed, not_done };
    std::string check;  ///< in plain words: what PBS does
    Verdict verdict = Verdict::passed;
    std::string words;  ///< why it failed or was not done
};

/// Does all checks of the table, in its order. One that builds on a check which failed is not done.
/// No cartridge but those of the order is moved or written. A scratch cartridge goes back to where
/// it was, where the library still can. tell: called after each check, on this thread.
[[nodiscard]] std::vector<Finding> examine(Site& site, const Order& order,
                                           const std::function<void(const Finding&)>& tell);

}  // namespace tapeloft::vtl::doctor
