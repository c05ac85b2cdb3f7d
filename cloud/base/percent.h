// RFC 3986 §2.1: a byte as "%" and two hexadecimal digits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

/// All but A-Z a-z 0-9 - . _ ~ (RFC 3986 §2.3) and the bytes of `kept` in that form, in capitals.
[[nodiscard]] inline std::string percent_encoded(std::string_view text,
                                                 std::string_view kept = "") {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    constexpr std::string_view kMarks = "-._~";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        const bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos ||
            kept.find(c) != std::string_view::npos) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<std::uint8_t>(c);
        encoded += {'%', kDigits[byte / 16], kDigits[byte % 16]};
    }
    return encoded;
}

}  // namespace tapeloft
