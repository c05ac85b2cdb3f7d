// CRC-32 as in zlib and Ethernet (polynomial 0x04C11DB7, reflected).
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

[[nodiscard]] std::uint32_t crc32(ByteView bytes) noexcept;

}  // namespace tapeloft::media
