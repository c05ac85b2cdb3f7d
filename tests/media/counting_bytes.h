#pragma once

#include <cstdint>
#include <numeric>

namespace tapeloft::media {

/// Bytes that count up from `first`.
template <typename Array>
Array counting(std::uint8_t first) {
    Array bytes{};
    std::iota(bytes.begin(), bytes.end(), first);
    return bytes;
}

}  // namespace tapeloft::media
