// Commands on tapes of Proxmox Backup Server, which need no PBS.
#pragma once

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] ExitStatus pbs_scan(const Arguments& arguments);
[[nodiscard]] ExitStatus pbs_verify(const Arguments& arguments);
[[nodiscard]] ExitStatus pbs_list(const Arguments& arguments);
[[nodiscard]] ExitStatus pbs_find(const Arguments& arguments);
[[nodiscard]] ExitStatus pbs_restore(const Arguments& arguments);

}  // namespace tapeloft::vtl::cli
