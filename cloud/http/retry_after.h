// How long a server wants to be left alone.
#pragma once

#include <chrono>

#include "cloud/http/http_message.h"

namespace tapeloft {

/// More is not believed.
inline constexpr std::chrono::seconds kRetryAfterMax{3600};

/// Retry-After (RFC 9110 §10.2.3), seconds or a time, which is counted from the answer's own Date
/// where it has one: the clocks may be apart. 0: it does not say, or not so that it can be read.
[[nodiscard]] std::chrono::seconds retry_after(const HttpResponse& response);

}  // namespace tapeloft
