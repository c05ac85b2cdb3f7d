// A library made anew out of its store and its key.
#pragma once

#include "vtl/cli/commands.h"

namespace tapeloft::vtl::cli {

/// Takes the state directory for itself while it runs.
[[nodiscard]] ExitStatus library_recover(const Arguments& arguments);

}  // namespace tapeloft::vtl::cli
