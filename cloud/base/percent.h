// RFC 3986 §2.1: a byte as "%" and two hexadecimal digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tapeloft {

/// The byte that `text` begins with in that form; unset: it begins otherwise.
[[nodiscard]] constexpr std::optional<std::uint8_t> percent_byte(std::string_view text) noexcept {
    constexpr auto value = [](char c) -> int {
        const bool lower = c >= 'a' && c <= 'f';
        const bool upper = c >= 'A' && c <= 'F';
        return c >= '0' && c <= '9' ? c - '0' : lower ? c - 'a' + 10 : upper ? c - 'A' + 10 : -1;
    };
    if (text.size() < 3 || text[0] != '%' || value(text[1]) < 0 || value(text[2]) < 0) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(value(text[1]) * 16 + value(text[2]));
}

}  // namespace tapeloft
