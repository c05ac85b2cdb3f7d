// The mode pages of a media changer (SMC-3, 7.3): what elements there are and what may move where.
#pragma once

#include <vector>

#include "vtl/library/element_address.h"
#include "vtl/scsi/mode_pages.h"

namespace tapeloft::vtl::library {

/// Element address assignment (1Dh), transport geometry (1Eh), device capabilities (1Fh); nothing
/// in them can be changed by a host.
[[nodiscard]] std::vector<scsi::ModePage> changer_mode_pages(const ElementCounts& counts);

}  // namespace tapeloft::vtl::library
