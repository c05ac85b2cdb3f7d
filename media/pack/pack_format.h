// What is in a pack: what writer and reader agree on. media/FORMAT.md, "Pack".
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cloud/base/bytes.h"

#include "media/chunk/chunk.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

namespace layout::pack_header {
inline constexpr std::size_t kSize = 32;
inline constexpr std::uint64_t kMagicValue = 0x3130'4B43'4150'4C54;  // "TLPACK01"
inline constexpr LittleEndian<std::uint64_t, 0> kMagic;
inline constexpr std::size_t kIdOffset = 8;
inline constexpr LittleEndian<std::uint64_t, 24> kReserved;
}  // namespace layout::pack_header

namespace layout::pack_entry {
inline constexpr std::size_t kSize = 48;
inline constexpr LittleEndian<std::uint32_t, 32> kOffset;
inline constexpr LittleEndian<std::uint32_t, 36> kStoredLength;
inline constexpr LittleEndian<std::uint32_t, 40> kPlainLength;
inline constexpr LittleEndian<std::uint8_t, 44> kEncoding;
inline constexpr LittleEndian<std::uint32_t, 45, 3> kReserved;
}  // namespace layout::pack_entry

namespace layout::pack_trailer {
inline constexpr std::size_t kSize = 8;
inline constexpr std::uint32_t kMagicValue = 0x45504C54;  // "TLPE"
inline constexpr LittleEndian<std::uint32_t, 0> kIndexLength;
inline constexpr LittleEndian<std::uint32_t, 4> kMagic;
}  // namespace layout::pack_trailer

/// Lengths that a writer can have made.
[[nodiscard]] inline bool is_possible(const PackedChunk& chunk) noexcept {
    if (chunk.plain_length < 1 || chunk.plain_length > kChunkLengthMax ||
        chunk.stored_length <= kSealTagSize) {
        return false;
    }
    const auto body = chunk.stored_length - kSealTagSize;
    switch (chunk.encoding) {
        case ChunkEncoding::raw:
            return body == chunk.plain_length;
        case ChunkEncoding::zstd:
            return body < chunk.plain_length;
    }
    return false;
}

/// As long as that of a chunk, but no chunk has encoding 'i'.
inline constexpr std::string_view kPackIndexAdditional = "index";

/// A place in a pack is used once, and so is a nonce under the pack's key.
[[nodiscard]] inline Nonce pack_nonce(std::uint64_t offset) noexcept {
    Nonce nonce{};
    store_little_endian<8>(nonce, offset);
    return nonce;
}

[[nodiscard]] inline std::array<std::uint8_t, 5> chunk_additional(
    ChunkEncoding encoding, std::uint32_t plain_length) noexcept {
    std::array<std::uint8_t, 5> bytes{};
    bytes[0] = static_cast<std::uint8_t>(encoding);
    store_little_endian<4>(MutableByteView(bytes).subspan(1), plain_length);
    return bytes;
}

}  // namespace tapeloft::media
