// The commands on stores. They need no daemon; one that runs does not notice.
#pragma once

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] ExitStatus store_probe(const Arguments& arguments);

}  // namespace tapeloft::vtl::cli
