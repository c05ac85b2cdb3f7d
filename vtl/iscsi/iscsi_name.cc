#include "vtl/iscsi/iscsi_name.h"

#include <algorithm>

#include "vtl/iscsi/text_values.h"

namespace tapeloft::vtl::iscsi {
namespace {

constexpr std::size_t kTypeLength = 4;     // "iqn.", "eui.", "naa."
constexpr std::size_t kIqnDateLength = 7;  // yyyy-mm

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

bool is_hexadecimal_digit(char c) noexcept {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

bool is_letter(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name_character(char c) noexcept {
    const bool above_ascii = (static_cast<unsigned char>(c) & 0x80U) != 0;
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == ':' || above_ascii;
}

bool starts_with_type(std::string_view name, std::string_view type) noexcept {
    return name.size() > type.size() &&
           std::equal(type.begin(), type.end(), name.begin(), [](char lower, char c) {
               return lower == c || (is_letter(c) && lower == static_cast<char>(c | 0x20));
           });
}

// yyyy-mm "." naming-authority [":" string], RFC 7143, 4.2.7.4
bool is_iqn_body(std::string_view body) noexcept {
    if (body.size() < kIqnDateLength + 2 || body[4] != '-' || body[kIqnDateLength] != '.') {
        return false;
    }
    const auto year = body.substr(0, 4);
    const bool digits =
        std::all_of(year.begin(), year.end(), is_digit) && is_digit(body[5]) && is_digit(body[6]);
    const int month = (body[5] - '0') * 10 + (body[6] - '0');
    const auto authority = body.substr(kIqnDateLength + 1);
    return digits && month >= 1 && month <= 12 && authority.front() != ':';
}

bool is_hexadecimal(std::string_view digits) noexcept {
    return std::all_of(digits.begin(), digits.end(), is_hexadecimal_digit);
}

}  // namespace

bool is_iscsi_name(std::string_view name) noexcept {
    if (name.size() <= kTypeLength || name.size() > kIscsiNameLengthMax ||
        !std::all_of(name.begin(), name.end(), is_name_character) || !is_display_text(name)) {
        return false;
    }
    const auto body = name.substr(kTypeLength);
    if (starts_with_type(name, "iqn.")) {
        return is_iqn_body(body);
    }
    if (starts_with_type(name, "eui.")) {  // 4.2.7.5
        return body.size() == 16 && is_hexadecimal(body);
    }
    if (starts_with_type(name, "naa.")) {  // 4.2.7.6
        return (body.size() == 16 || body.size() == 32) && is_hexadecimal(body);
    }
    return false;
}

std::string normalised_iscsi_name(std::string_view name) {
    std::string normalised(name);
    for (char& c : normalised) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c | 0x20);
        }
    }
    return normalised;
}

}  // namespace tapeloft::vtl::iscsi
