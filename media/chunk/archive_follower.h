// Follows a stream of Proxmox Backup Server and tells where its pieces end: content header with
// JSON, then, in a chunk archive, each entry with its blob. It trusts nothing: what does not parse
// loses the structure, and that is all. Memory: one header.
#pragma once

#include <array>
#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

class ArchiveFollower {
  public:
    /// Payload bytes that are not cut up by this: until then the stream has a structure.
    [[nodiscard]] bool is_following() const noexcept { return stage_ != Stage::lost; }

    /// A stream begins with the next byte.
    void begin() noexcept;
    void lose() noexcept { stage_ = Stage::lost; }

    struct Step {
        std::size_t taken = 0;
        bool ends_piece = false;         ///< the last byte taken is the last of its piece
        std::uint64_t piece_length = 0;  ///< of the piece that the bytes are of; 0: not known yet
    };
    /// Takes bytes, at most to the end of the piece; all of them unless it ends a piece or loses
    /// the structure.
    [[nodiscard]] Step take(ByteView bytes) noexcept;

  private:
    enum class Stage : std::uint8_t { lost, content_header, json, entry_header, blob };
    static constexpr std::size_t kHeaderSize = 48;  ///< of both kinds

    void parse_header() noexcept;

    Stage stage_ = Stage::lost;
    bool is_chunk_archive_ = false;
    std::array<std::uint8_t, kHeaderSize> header_{};
    std::size_t header_filled_ = 0;
    std::uint64_t body_size_ = 0;  ///< of JSON or blob
    std::uint64_t body_left_ = 0;
};

}  // namespace tapeloft::media
