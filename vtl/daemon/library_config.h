// One [[library]] of the configuration.
#pragma once

#include "vtl/daemon/config.h"
#include "vtl/daemon/config_value.h"

namespace tapeloft::vtl::daemon {

/// element: the table's place in the file, for messages. Errors: invalid_argument.
[[nodiscard]] Result<LibraryConfig> read_library(const ConfigField& element,
                                                 const toml::table& table);

}  // namespace tapeloft::vtl::daemon
