// Whether a library does what Proxmox Backup Server asks of it. Needs no daemon of ours: it is a
// host.
#pragma once

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] ExitStatus doctor(const Arguments& arguments);

}  // namespace tapeloft::vtl::cli
