// SipHash-2-4 (Aumasson and Bernstein, 2012): what goodbye tables are sorted by.
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

[[nodiscard]] std::uint64_t sip_hash_2_4(std::uint64_t key0, std::uint64_t key1,
                                         ByteView message) noexcept;

}  // namespace tapeloft::media
