// The two ways to make a key out of something else. Any thread; both block the CPU only.
#pragma once

#include <cstdint>
#include <string_view>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

/// HKDF-SHA-256 (RFC 5869), extract and expand. into: 1 to 8160 bytes.
void derive_hkdf(ByteView key, ByteView salt, ByteView info, MutableByteView into);

/// RFC 7914. Memory while it runs: 128 * n * r bytes.
struct ScryptCost {
    std::uint64_t n = 1ULL << 17U;  ///< a power of two
    std::uint32_t r = 8;
    std::uint32_t p = 1;
};
/// False: the memory for it cannot be had, or the cost is none that RFC 7914 allows.
[[nodiscard]] bool derive_scrypt(std::string_view passphrase, ByteView salt, const ScryptCost& cost,
                                 MutableByteView into);

}  // namespace tapeloft::media
