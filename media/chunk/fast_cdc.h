// Content-defined cuts that can be searched for bit by bit. README.md, "Content-defined cuts".
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "media/chunk/chunker.h"

namespace tapeloft::media {

/// The search for the end of one chunk. Each byte is looked at once, however often scan() is
/// called.
class CutScan {
  public:
    /// Bytes that the hash of a place depends on.
    static constexpr std::uint32_t kWindow = 64;

    /// lengths: kWindow <= min < average / 2 < max <= kChunkLengthMax, average a power of two, 512
    /// or more.
    explicit CutScan(const ChunkLengths& lengths) noexcept;

    /// bytes: the chunk from its start on, as far as it is there: what the last call had, and more.
    /// Where it ends; nothing: not yet decided (bytes.size() < max).
    [[nodiscard]] std::optional<std::size_t> scan(ByteView bytes) noexcept;
    /// The next scan() is of another chunk.
    void restart() noexcept { position_ = lengths_.min; }

  private:
    ChunkLengths lengths_;
    std::uint64_t hard_;    ///< a hash below ends a chunk before half of `average`
    std::uint64_t easy_;    ///< ... and behind it
    std::size_t position_;  ///< no place up to here ends the chunk
};

/// The first place in (from, end] that is marked and has a hash below `limit`, CutScan::kWindow <=
/// from; 0: none.
using FindCut = std::size_t (*)(const std::uint8_t* bytes, std::size_t from, std::size_t end,
                                std::uint64_t limit) noexcept;
/// Those that this processor can do, the fastest first, the one that any can do last. All find the
/// same.
[[nodiscard]] std::span<const FindCut> cut_finders() noexcept;

}  // namespace tapeloft::media
