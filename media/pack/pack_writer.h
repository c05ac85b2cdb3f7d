// Chunks into one pack. media/FORMAT.md, "Pack".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// A chunk ready to be sealed: raw bytes, or a zstd frame that is shorter than they are.
struct EncodedChunk {
    Fingerprint fingerprint{};
    std::uint32_t plain_length = 0;
    ChunkEncoding encoding = ChunkEncoding::raw;
    Buffer body;
};

/// level 0: always raw; 1 to 19: zstd. A sample that does not shrink (random data, already
/// compressed) is stored raw without compressing all of it. Any thread.
[[nodiscard]] EncodedChunk encode_chunk(const Fingerprint& fingerprint, Buffer plain, int level);

/// One thread. A pack is full where the space is that it is put into; it is at most that and one
/// chunk long, and then filled up to a multiple of `step` (StoreCapabilities::object_step; 1:
/// never) with chunks that nobody refers to.
class PackWriter {
  public:
    /// keys outlives the writer; space: nobody else's, a multiple of step long, and at least the
    /// pack's header. Errors: io (no random bytes).
    [[nodiscard]] static Result<PackWriter> begin(const KeyRing& keys, Buffer space,
                                                  std::size_t step = 1);

    [[nodiscard]] const PackId& id() const noexcept { return contents_.id; }
    [[nodiscard]] bool empty() const noexcept { return contents_.chunks.empty(); }
    /// Bytes so far, without the index.
    [[nodiscard]] std::size_t size() const noexcept { return used_; }
    /// Another chunk of `body_size` bytes would pass the space, or leave too little to be
    /// filled.
    [[nodiscard]] bool is_full(std::size_t body_size) const noexcept;

    /// Seals the chunk into the pack's buffer.
    void add(const EncodedChunk& chunk);

    struct Pack {
        PackContents contents;
        Buffer object;
    };
    /// The last call.
    [[nodiscard]] Pack finish() &&;

  private:
    PackWriter(const KeyRing& keys, const PackId& id, Buffer space, std::size_t step);
    void fill_up();
    void add_filler(std::size_t plain_length);
    void reserve(std::size_t bytes);

    const KeyRing* keys_;
    SecretKey key_;
    std::size_t capacity_;
    std::size_t step_;
    PackContents contents_;
    Buffer object_;
    std::size_t used_ = 0;
};

inline constexpr std::string_view kPackPrefix = "packs/";
/// "packs/HH/ID"
[[nodiscard]] std::string pack_name(const PackId& id);
/// The id in a pack's name; nothing: it is not one.
[[nodiscard]] std::optional<PackId> pack_of_name(std::string_view name);

}  // namespace tapeloft::media
