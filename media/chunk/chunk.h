// Chunks: the pieces that payload is cut into, deduplicated and stored. media/FORMAT.md.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

inline constexpr std::size_t kChunkLengthMax = 8UL * 1024 * 1024;  ///< plain bytes; at least 1
inline constexpr std::size_t kSealTagSize = 16;

using Fingerprint = std::array<std::uint8_t, 32>;  ///< HMAC-SHA-256 of the plain bytes
using PackId = std::array<std::uint8_t, 16>;
using StreamId = std::array<std::uint8_t, 16>;
using Sha256 = std::array<std::uint8_t, 32>;

enum class ChunkEncoding : std::uint8_t { raw = 0, zstd = 1 };

/// A chunk in a pack.
struct PackedChunk {
    Fingerprint fingerprint{};
    std::uint32_t offset = 0;         ///< in the pack
    std::uint32_t stored_length = 0;  ///< bytes there, tag included
    std::uint32_t plain_length = 0;
    ChunkEncoding encoding = ChunkEncoding::raw;

    friend bool operator==(const PackedChunk&, const PackedChunk&) = default;
};

struct PackContents {
    PackId id{};
    std::uint64_t size = 0;  ///< bytes of the object
    std::vector<PackedChunk> chunks;

    friend bool operator==(const PackContents&, const PackContents&) = default;
};

/// Where a chunk is.
struct ChunkLocation {
    PackId pack{};
    PackedChunk chunk;
};

/// A chunk as a segment map refers to it.
struct ChunkRef {
    Fingerprint fingerprint{};
    std::uint32_t plain_length = 0;

    friend bool operator==(const ChunkRef&, const ChunkRef&) = default;
};

}  // namespace tapeloft::media
