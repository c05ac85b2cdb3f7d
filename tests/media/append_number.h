#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

/// Little-endian, as PBS writes numbers.
inline void append_number(Bytes& out, std::uint64_t value, std::size_t size = 8) {
    for (std::size_t i = 0; i < size; ++i) {
        out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

}  // namespace tapeloft::media
