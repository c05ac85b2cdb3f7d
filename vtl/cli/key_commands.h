// The commands on key files. They need no daemon; one that runs does not notice.
#pragma once

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] ExitStatus key_backup(const Arguments& arguments);
[[nodiscard]] ExitStatus key_change_passphrase(const Arguments& arguments);

}  // namespace tapeloft::vtl::cli
