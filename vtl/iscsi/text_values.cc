#include "vtl/iscsi/text_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::string_view kHexadecimalDigits = "0123456789abcdef";
constexpr std::string_view kBase64Alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum class BinaryForm : std::uint8_t { hexadecimal, base64 };

struct PrefixedValue {
    BinaryForm form;
    std::string_view digits;
};

std::optional<PrefixedValue> split_prefix(std::string_view value) noexcept {
    if (value.size() < 2 || value[0] != '0') {
        return std::nullopt;
    }
    switch (value[1]) {
        case 'x':
        case 'X':
            return PrefixedValue{BinaryForm::hexadecimal, value.substr(2)};
        case 'b':
        case 'B':
            return PrefixedValue{BinaryForm::base64, value.substr(2)};
        default:
            return std::nullopt;
    }
}

std::optional<std::uint8_t> hexadecimal_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return static_cast<std::uint8_t>(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return static_cast<std::uint8_t>(c - 'a' + 10);
    }
    if (c >= 'A' && c <= 'F') {
        return static_cast<std::uint8_t>(c - 'A' + 10);
    }
    return std::nullopt;
}

std::optional<std::uint8_t> base64_digit(char c) noexcept {
    const auto value = kBase64Alphabet.find(c);
    if (value == std::string_view::npos) {
        return std::nullopt;
    }
    return static_cast<std::uint8_t>(value);
}

std::optional<Bytes> decode_hexadecimal(std::string_view digits) {
    if (digits.size() % 2 != 0) {
        return std::nullopt;
    }
    Bytes bytes;
    bytes.reserve(digits.size() / 2);
    for (std::size_t i = 0; i < digits.size(); i += 2) {
        const auto high = hexadecimal_digit(digits[i]);
        const auto low = hexadecimal_digit(digits[i + 1]);
        if (!high || !low) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<std::uint8_t>((*high << 4U) | *low));
    }
    return bytes;
}

// RFC 4648, 4, with padding.
std::optional<Bytes> decode_base64(std::string_view digits) {
    if (digits.empty() || digits.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding < 2 && digits.ends_with('=')) {
        digits.remove_suffix(1);
        ++padding;
    }
    Bytes bytes;
    bytes.reserve(digits.size() * 3 / 4);
    std::uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char c : digits) {
        const auto digit = base64_digit(c);
        if (!digit) {
            return std::nullopt;
        }
        bits = ((bits << 6U) | *digit) & 0xFFFFU;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes.push_back(static_cast<std::uint8_t>((bits >> bit_count) & 0xFFU));
        }
    }
    const bool leftover_bits = (bits & ((1U << bit_count) - 1U)) != 0;
    return leftover_bits ? std::nullopt : std::optional(std::move(bytes));
}

/// One row for each length of a UTF-8 sequence (RFC 3629, 4).
struct Utf8Form {
    std::uint8_t lead_mask;
    std::uint8_t lead;
    std::size_t length;
    std::uint32_t smallest;  ///< code point; a smaller one has a shorter form
};

constexpr std::array<Utf8Form, 4> kUtf8Forms = {
    {{0x80, 0x00, 1, 0}, {0xE0, 0xC0, 2, 0x80}, {0xF0, 0xE0, 3, 0x800}, {0xF8, 0xF0, 4, 0x10000}}};

bool is_display_code_point(std::uint32_t code_point) noexcept {
    const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
    const bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
    return !surrogate && !control && code_point <= 0x10FFFF;
}

/// The length of the character at the start of text; 0 if it is malformed or not for display.
std::size_t display_character_length(std::string_view text) noexcept {
    const auto lead = static_cast<std::uint8_t>(text.front());
    const auto* const form =
        std::find_if(kUtf8Forms.begin(), kUtf8Forms.end(),
                     [lead](const Utf8Form& row) { return (lead & row.lead_mask) == row.lead; });
    if (form == kUtf8Forms.end() || text.size() < form->length) {
        return 0;
    }
    std::uint32_t code_point = lead & static_cast<std::uint8_t>(~form->lead_mask);
    for (const char c : text.substr(1, form->length - 1)) {
        const auto byte = static_cast<std::uint8_t>(c);
        if ((byte & 0xC0U) != 0x80U) {
            return 0;
        }
        code_point = (code_point << 6U) | (byte & 0x3FU);
    }
    return code_point >= form->smallest && is_display_code_point(code_point) ? form->length : 0;
}

}  // namespace

Result<bool> parse_boolean(std::string_view value) {
    if (value == "Yes") {
        return true;
    }
    if (value == "No") {
        return false;
    }
    return Error{Errc::invalid_argument, "neither Yes nor No"};
}

Result<std::uint32_t> parse_number(std::string_view value) {
    const auto prefixed = split_prefix(value);
    const bool hexadecimal = prefixed && prefixed->form == BinaryForm::hexadecimal;
    const auto digits = hexadecimal ? prefixed->digits : value;
    const bool leading_zero = !hexadecimal && digits.size() > 1 && digits.front() == '0';
    std::uint32_t number = 0;
    const auto* end = digits.data() + digits.size();
    const auto parsed = std::from_chars(digits.data(), end, number, hexadecimal ? 16 : 10);
    if (leading_zero || parsed.ec != std::errc{} || parsed.ptr != end) {
        return Error{Errc::invalid_argument, "not a number below 2^32"};
    }
    return number;
}

Result<Bytes> parse_binary(std::string_view value, std::size_t length_max) {
    const auto prefixed = split_prefix(value);
    if (!prefixed) {
        return Error{Errc::invalid_argument, "neither 0x nor 0b in front of a binary value"};
    }
    auto bytes = prefixed->form == BinaryForm::hexadecimal ? decode_hexadecimal(prefixed->digits)
                                                           : decode_base64(prefixed->digits);
    if (!bytes || bytes->empty() || bytes->size() > length_max) {
        return Error{Errc::invalid_argument, "malformed binary value, or not 1 to " +
                                                 std::to_string(length_max) + " bytes"};
    }
    return *std::move(bytes);
}

std::string format_binary(ByteView bytes) {
    std::string text = "0x";
    for (const auto byte : bytes) {
        text.push_back(kHexadecimalDigits[byte >> 4U]);
        text.push_back(kHexadecimalDigits[byte & 0xFU]);
    }
    return text;
}

std::vector<std::string_view> split_list(std::string_view value) {
    std::vector<std::string_view> elements;
    for (;;) {
        const auto comma = value.find(',');
        elements.push_back(value.substr(0, comma));
        if (comma == std::string_view::npos) {
            return elements;
        }
        value.remove_prefix(comma + 1);
    }
}

bool is_display_text(std::string_view text) noexcept {
    while (!text.empty()) {
        const auto length = display_character_length(text);
        if (length == 0) {
            return false;
        }
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace tapeloft::vtl::iscsi
