// RFC 4648 §4.
#pragma once

#include <string>

#include "cloud/base/bytes.h"

namespace tapeloft {

/// With padding, in one line.
[[nodiscard]] std::string to_base64(ByteView bytes);

}  // namespace tapeloft
