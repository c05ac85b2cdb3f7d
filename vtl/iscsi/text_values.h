// Values of text keys (RFC 7143, 6.1): booleans, numbers, lists, binary items. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::vtl::iscsi {

/// "Yes" or "No". Errors: invalid_argument.
[[nodiscard]] Result<bool> parse_boolean(std::string_view value);

/// Decimal without leading zeros, or 0x hexadecimal; below 2^32. Errors: invalid_argument.
[[nodiscard]] Result<std::uint32_t> parse_number(std::string_view value);

/// 0x hexadecimal (whole bytes) or 0b base64 (padded), 1 to length_max bytes decoded.
/// Errors: invalid_argument.
[[nodiscard]] Result<Bytes> parse_binary(std::string_view value, std::size_t length_max);

/// "0x" and lower-case hexadecimal digits.
[[nodiscard]] std::string format_binary(ByteView bytes);

/// The elements of a list, in order; views into value. An empty value is one empty element.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view value);

/// True for well-formed UTF-8 without control characters: what may be kept, logged and displayed.
[[nodiscard]] bool is_display_text(std::string_view text) noexcept;

}  // namespace tapeloft::vtl::iscsi
