#include "cloud/base/hex.h"

namespace tapeloft {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

std::string to_hex(ByteView bytes) {
    std::string digits;
    digits.reserve(2 * bytes.size());
    for (const std::uint8_t byte : bytes) {
        digits += kDigits[byte >> 4U];
        digits += kDigits[byte & 0x0FU];
    }
    return digits;
}

bool from_hex(std::string_view digits, MutableByteView into) noexcept {
    if (digits.size() != 2 * into.size()) {
        return false;
    }
    for (std::size_t i = 0; i < into.size(); ++i) {
        const auto high = kDigits.find(digits[2 * i]);
        const auto low = kDigits.find(digits[2 * i + 1]);
        if (high == std::string_view::npos || low == std::string_view::npos) {
            return false;
        }
        into[i] = static_cast<std::uint8_t>(high << 4U | low);
    }
    return true;
}

}  // namespace tapeloft
