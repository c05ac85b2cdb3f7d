// An archive of a snapshot as bytes by position, out of its chunks.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "media/pbs/byte_source.h"
#include "media/pbs/store/chunk_index.h"
#include "media/pbs/store/chunk_reader.h"

namespace tapeloft::media {

/// Keeps the chunks used last: kCacheSize bytes, or the one in use. Where the reader has a pool and
/// reading goes on from chunk to chunk, as many again as it has passed are on their way, or all
/// that follow (will_read_all()), ChunkReader::kAhead bytes at most.
class ArchiveSource final : public ByteSource {
  public:
    static constexpr std::size_t kCacheSize = 64UL * 1024 * 1024;

    /// encrypted: what the manifest says of the archive. reader outlives this.
    ArchiveSource(ChunkIndex index, bool encrypted, ChunkReader& reader)
        : index_(std::move(index)), encrypted_(encrypted), reader_(reader) {}

    /// All of it will be read, from its beginning on: nothing that is read ahead is too much.
    /// Before the first read.
    void will_read_all() noexcept { head_start_ = index_.count(); }

    [[nodiscard]] std::uint64_t size() const override { return index_.size(); }
    Awaitable<Result<void>> read(std::uint64_t offset, MutableByteView bytes) override;
    Awaitable<Result<ByteView>> view(std::uint64_t offset, std::size_t size) override;

  private:
    struct Cached {
        PbsDigest digest{};
        Buffer data;
    };

    Awaitable<Result<ByteView>> chunk(std::size_t number);
    Awaitable<Result<std::shared_ptr<ComingChunk>>> coming(std::size_t number);
    Awaitable<void> read_ahead(std::size_t number);
    [[nodiscard]] WantedChunk wanted(std::size_t number) const;

    const ChunkIndex index_;
    const bool encrypted_;
    ChunkReader& reader_;
    std::list<Cached> used_;  ///< the last used one first
    std::map<PbsDigest, std::list<Cached>::iterator> cached_;
    std::size_t cached_size_ = 0;
    std::deque<std::pair<std::size_t, std::shared_ptr<ComingChunk>>> ahead_;  ///< by number
    std::uint64_t ahead_size_ = 0;
    std::size_t last_ = std::numeric_limits<std::size_t>::max() - 1;  ///< the chunk read last
    std::size_t passed_ = 0;      ///< chunks read one behind the other before it
    std::size_t head_start_ = 0;  ///< what counts as passed at the first chunk
};

}  // namespace tapeloft::media
