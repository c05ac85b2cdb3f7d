// Content-defined cuts that can be searched for bit by bit. README.md, "Content-defined cuts".
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "media/chunk/chunker.h"

namespace tapeloft::media {

/// One 64-bit value for each byte: outputs 0 to 255 of SplitMix64 from state 0. Changing one makes
/// every library store everything anew.
[[nodiscard]] const std::array<std::uint64_t, 256>& gear_table() noexcept;

/// The search for the end of one chunk. Each byte is looked at once, however often scan() is
/// called.
class CutScan {
  public:
    /// Bytes that the hash at a place depends on.
    static constexpr std::uint32_t kWindow = 64;

    /// lengths: kWindow <= min < average / 2 < max <= kChunkLengthMax, average a power of two.
    explicit CutScan(const ChunkLengths& lengths) noexcept;

    /// bytes: the chunk from its start on, as far as it is there: what the last call had, and more.
    /// Where it ends; nothing: not yet decided (bytes.size() < max).
    [[nodiscard]] std::optional<std::size_t> scan(ByteView bytes) noexcept;
    /// The next scan() is of another chunk.
    void restart() noexcept;

  private:
    ChunkLengths lengths_;
    std::uint64_t hard_;  ///< a hash below ends a chunk before half of `average`
    std::uint64_t easy_;  ///< ... and behind it
    std::size_t position_;
    std::uint64_t hash_ = 0;
};

}  // namespace tapeloft::media
