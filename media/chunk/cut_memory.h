// Where chunks ended that were searched for their end before, so that what comes again is compared
// instead of searched: a checksum takes less than a third of the time. README.md, "Content-defined
// cuts".
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

/// A table of the last cuts, about kEntriesDefault of them: one that comes in the place of another
/// replaces it. Of one ChunkLengths only. No locks.
class CutMemory {
  public:
    /// Bytes from a chunk's start on that it is found by. No chunk that is remembered is shorter.
    static constexpr std::size_t kStart = 1024;
    /// With chunks of 64 KiB they are of 64 GiB; 12 MiB of memory from the first one on.
    static constexpr std::size_t kEntriesDefault = 1024UL * 1024;

    /// entries: a power of two.
    explicit CutMemory(std::size_t entries = kEntriesDefault);

    struct Expected {
        std::uint32_t length = 0;
        std::uint32_t crc = 0;  ///< CRC32C of so many bytes
    };
    /// start: kStart bytes. How a chunk that began with them ended.
    [[nodiscard]] std::optional<Expected> find(ByteView start) const;
    /// A chunk whose end was searched for. Shorter ones than kStart are not kept.
    void remember(ByteView chunk);

  private:
    struct Entry {
        std::uint32_t start_crc = 0;
        Expected expected;  ///< length 0: there is none
    };
    [[nodiscard]] std::size_t place_of(std::uint32_t start_crc) const noexcept {
        return start_crc & (count_ - 1);
    }

    std::size_t count_;
    std::vector<Entry> entries_;  ///< count_ of them, or none yet
};

}  // namespace tapeloft::media
