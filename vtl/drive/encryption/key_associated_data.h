// Key-associated data: what a host keeps beside an encrypted block to find its key again (SSC-5).
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::drive {

inline constexpr std::size_t kUnauthenticatedLengthMax = 32;  ///< bytes of a U-KAD
inline constexpr std::size_t kAuthenticatedLengthMax = 60;    ///< bytes of an A-KAD

enum class KadType : std::uint8_t {
    unauthenticated = 0x00,
    authenticated = 0x01,
    nonce = 0x02,
    metadata = 0x03,
};

/// What the bytes of a KAD are; of no meaning to the drive.
enum class KadFormat : std::uint8_t {
    unspecified = 0x00,
    binary_key_name = 0x01,
    ascii_key_name = 0x02,
};

struct KeyAssociatedData {
    KadFormat format = KadFormat::unspecified;
    Bytes unauthenticated;  ///< empty: none
    Bytes authenticated;    ///< empty: none

    friend bool operator==(const KeyAssociatedData&, const KeyAssociatedData&) = default;
};

}  // namespace tapeloft::vtl::drive
