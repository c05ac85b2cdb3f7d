// An archive of a snapshot as bytes by position, out of its chunks.
#pragma once

#include <cstdint>
#include <list>
#include <map>

#include "media/pbs/byte_source.h"
#include "media/pbs/store/chunk_index.h"
#include "media/pbs/store/chunk_reader.h"

namespace tapeloft::media {

/// Keeps the chunks used last: kCacheSize bytes, or the one in use.
class ArchiveSource final : public ByteSource {
  public:
    static constexpr std::size_t kCacheSize = 64UL * 1024 * 1024;

    /// encrypted: what the manifest says of the archive. reader outlives this.
    ArchiveSource(ChunkIndex index, bool encrypted, ChunkReader& reader)
        : index_(std::move(index)), encrypted_(encrypted), reader_(reader) {}

    [[nodiscard]] std::uint64_t size() const override { return index_.size(); }
    Awaitable<Result<void>> read(std::uint64_t offset, MutableByteView bytes) override;

  private:
    struct Cached {
        PbsDigest digest{};
        Bytes data;
    };

    Awaitable<Result<const Bytes*>> chunk(std::size_t number);

    const ChunkIndex index_;
    const bool encrypted_;
    ChunkReader& reader_;
    std::list<Cached> used_;  ///< the last used one first
    std::map<PbsDigest, std::list<Cached>::iterator> cached_;
    std::size_t cached_size_ = 0;
};

}  // namespace tapeloft::media
