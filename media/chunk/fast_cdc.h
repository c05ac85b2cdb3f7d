// Content-defined cuts that can be searched for bit by bit. README.md, "Content-defined cuts".
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "media/chunk/chunker.h"
#include "media/chunk/cut_memory.h"

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
    /// memory: of these lengths only, and outlives this; null: there is none.
    explicit CutScan(const ChunkLengths& lengths, CutMemory* memory = nullptr) noexcept;

    /// bytes: the chunk from its start on, as far as it is there: what the last call had, and more.
    /// all: nothing follows them. Where it ends; nothing: not yet decided (bytes.size() < max), or
    /// nowhere in all of them.
    [[nodiscard]] std::optional<std::size_t> scan(ByteView bytes, bool all = false);
    /// The next scan() is of another chunk.
    void restart() noexcept;

  private:
    [[nodiscard]] std::optional<std::size_t> search(ByteView bytes) noexcept;

    ChunkLengths lengths_;
    CutMemory* memory_;
    bool asked_ = false;
    std::optional<CutMemory::Expected> expected_;  ///< where the chunk ends if it is the same again
    std::uint64_t hard_;  ///< a hash below ends a chunk before half of `average`
    std::uint64_t easy_;  ///< ... and behind it
    std::size_t position_;
    std::uint64_t hash_ = 0;
};

}  // namespace tapeloft::media
