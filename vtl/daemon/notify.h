// Tells the service manager how the daemon is (sd_notify(3)), without libsystemd.
#pragma once

#include <string_view>

#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

/// Sends `state` ("READY=1", "STOPPING=1", newline-separated assignments) as one datagram to the
/// Unix socket that NOTIFY_SOCKET names; a leading '@' means the abstract namespace. Without that
/// variable it does nothing. Never blocks. Errors: invalid_argument (no usable address), io.
[[nodiscard]] Result<void> notify_service_manager(std::string_view state);

}  // namespace tapeloft::vtl::daemon
