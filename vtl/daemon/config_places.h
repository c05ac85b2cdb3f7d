// Where the configuration puts things: stores, keys, the daemon's own state.
#pragma once

#include <string>

#include "cloud/base/result.h"

#include "vtl/daemon/config.h"
#include "vtl/daemon/config_value.h"

namespace tapeloft::vtl::daemon {

/// Each library needs stores and a key file of its own, neither around nor inside those of another,
/// nor in the way of what the daemon keeps in its state directory; and no key lies in a store. For
/// a config that is complete: a place may be one that the file leaves to the default. Errors:
/// invalid_argument, as parse_config().
[[nodiscard]] Result<void> check_places(const std::string& file, const toml::table& table,
                                        const Config& config);

}  // namespace tapeloft::vtl::daemon
