// Bytes as lower-case hexadecimal digits, two a byte, most significant first.
#pragma once

#include <string>
#include <string_view>

#include "cloud/base/bytes.h"

namespace tapeloft {

[[nodiscard]] std::string to_hex(ByteView bytes);
/// Fills `into` from exactly twice as many digits; false: `digits` is something else (upper case
/// too), and `into` holds nothing of use.
[[nodiscard]] bool from_hex(std::string_view digits, MutableByteView into) noexcept;

}  // namespace tapeloft
