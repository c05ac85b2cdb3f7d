// The mode pages of a media changer (SMC-3, 7.3): what elements there are and what may move where.
#pragma once

#include <vector>

#include "vtl/library/element_address.h"
#include "vtl/scsi/mode_pages.h"

namespace tapeloft::vtl::library {

/// Disconnect-reconnect (02h), control (0Ah), informational exceptions (1Ch), element address
/// assignment (1Dh), transport geometry (1Eh), device capabilities (1Fh and 1Fh/41h); nothing in
/// them can be changed by a host.
[[nodiscard]] std::vector<scsi::ModePage> changer_mode_pages(const ElementCounts& counts);

}  // namespace tapeloft::vtl::library
