// The log pages of a changer as rows (SPC-5, SMC-3), and its TapeAlert flags.
#pragma once

#include <cstdint>
#include <vector>

#include "vtl/library/cartridge_mover.h"
#include "vtl/library/changer_statistics.h"
#include "vtl/scsi/alert_flags.h"
#include "vtl/scsi/log_pages.h"

namespace tapeloft::vtl::library {

/// The TapeAlert flags (SMC-3, annex A) that have a cause here; the others are never set.
enum class ChangerAlert : std::uint8_t {
    load_retry = 15,  ///< a drive did not take or give back its cartridge; until a move works again
    inventory = 24,   ///< the catalog could not be read or written; until it can again
};

/// Both must outlive the pages.
[[nodiscard]] std::vector<scsi::LogPage> changer_log_pages(scsi::AlertFlags& alerts,
                                                           const ChangerStatistics& statistics);

/// The flags that the outcome of a move is about.
void raise_or_clear(scsi::AlertFlags& alerts, const MoveOutcome& outcome);

}  // namespace tapeloft::vtl::library
