#include "tests/fuzz/fuzz_target.h"

#include <algorithm>

namespace tapeloft::fuzz {

std::uint64_t Input::number(std::size_t width) {
    std::uint64_t value = 0;
    const auto field = bytes(width);
    for (auto i = field.size(); i-- > 0;) {
        value = (value << 8U) | field[i];
    }
    return value;
}

ByteView Input::bytes(std::uint64_t size) {
    const auto taken =
        rest_.first(static_cast<std::size_t>(std::min<std::uint64_t>(size, rest_.size())));
    rest_ = rest_.subspan(taken.size());
    return taken;
}

void append_number(Bytes& input, std::uint64_t value, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
        input.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

void append(Bytes& input, ByteView bytes) {
    input.insert(input.end(), bytes.begin(), bytes.end());
}

}  // namespace tapeloft::fuzz
