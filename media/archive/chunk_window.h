// The chunks a reader holds: those read ahead, in the order of the tape, and those used last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <unordered_map>

#include "media/archive/chunk_fetcher.h"

namespace tapeloft::media {

/// A chunk of a segment: its number, and the index in its map.
struct ChunkPlace {
    std::uint64_t segment = 0;
    std::size_t chunk = 0;

    friend bool operator==(const ChunkPlace&, const ChunkPlace&) = default;
};

/// A chunk that several places of the tape refer to has one slot. On one strand.
class ChunkWindow {
  public:
    /// However small the chunks are.
    static constexpr std::size_t kAheadChunksMax = 4096;
    static constexpr std::size_t kRecentChunksMax = 64;

    ChunkWindow(std::uint64_t ahead_max, std::uint64_t recent_max)
        : ahead_max_(ahead_max), recent_max_(recent_max) {}

    /// The slot of the chunk, unless it failed; else nothing.
    [[nodiscard]] std::shared_ptr<ChunkSlot> find(const Fingerprint& fingerprint) const;
    /// A new slot for the chunk, which find() then finds as long as somebody holds it.
    [[nodiscard]] std::shared_ptr<ChunkSlot> make(const Fingerprint& fingerprint);

    /// The reader is at this chunk: what was read ahead before it is dropped, and all of it, if the
    /// chunk is not among it (the position moved).
    void move_to(const ChunkPlace& place);
    /// Whether the chunk is read ahead already.
    [[nodiscard]] bool holds(const ChunkPlace& place) const noexcept;
    [[nodiscard]] bool has_room(std::uint64_t plain_length) const noexcept;
    /// Behind all that is read ahead; has_room(plain_length).
    void append(const ChunkPlace& place, std::uint32_t plain_length,
                std::shared_ptr<ChunkSlot> slot);
    [[nodiscard]] bool empty() const noexcept { return ahead_.empty(); }
    [[nodiscard]] const ChunkPlace& back() const { return ahead_.back().place; }
    [[nodiscard]] std::uint64_t bytes() const noexcept { return ahead_bytes_; }

    /// It was just used.
    void keep(std::uint32_t plain_length, std::shared_ptr<ChunkSlot> slot);
    void clear();

  private:
    struct Held {
        ChunkPlace place;
        std::uint32_t plain_length = 0;
        std::shared_ptr<ChunkSlot> slot;
    };
    struct FingerprintHash {  // it is a MAC: any bytes of it are as good
        std::size_t operator()(const Fingerprint& fingerprint) const noexcept {
            std::size_t hash = 0;
            std::memcpy(&hash, fingerprint.data(), sizeof hash);
            return hash;
        }
    };

    void drop_front();

    const std::uint64_t ahead_max_;
    const std::uint64_t recent_max_;
    std::deque<Held> ahead_;
    std::uint64_t ahead_bytes_ = 0;
    std::deque<Held> recent_;  ///< used last: at the end
    std::uint64_t recent_bytes_ = 0;
    std::unordered_map<Fingerprint, std::weak_ptr<ChunkSlot>, FingerprintHash> slots_;
};

}  // namespace tapeloft::media
