// Chunks into one pack. media/FORMAT.md, "Pack".
#pragma once

#include <atomic>
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

/// How the samples of a stream's chunks turned out. Where many in a row had no string that comes
/// again, only some of the next are looked through for one: what is encrypted, or compressed
/// already, comes in long runs. Any thread.
class SampleTrend {
  public:
    static constexpr std::uint32_t kManyDull = 32;
    static constexpr std::uint32_t kOneIn = 8;  ///< of those after many

    [[nodiscard]] bool wants_sample() const noexcept {
        const auto dull = dull_.load(std::memory_order_relaxed);
        return dull < kManyDull || dull % kOneIn == 0;
    }
    void note(bool has_strings) noexcept {
        if (has_strings) {
            dull_.store(0, std::memory_order_relaxed);
        } else {
            dull_.fetch_add(1, std::memory_order_relaxed);
        }
    }

  private:
    std::atomic<std::uint32_t> dull_ = 0;  ///< in a row, those without a sample among them
};

/// level 0: always raw; 1 to 19: zstd. A sample that does not shrink (random data, already
/// compressed), or none where `trend` wants none, is stored raw without compressing all of it. Any
/// thread.
[[nodiscard]] EncodedChunk encode_chunk(const Fingerprint& fingerprint, Buffer plain, int level,
                                        SampleTrend& trend);

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
