// The entries of a chunk archive, one after the other; their blobs are read only by whoever wants
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/identifiers.h"
#include "media/pbs/tape/content.h"
#include "media/pbs/tape/tape_file.h"

namespace tapeloft::media {

struct ChunkEntry {
    PbsDigest digest{};
    std::uint64_t offset = 0;  ///< in the stream: of the blob
    std::uint32_t size = 0;    ///< bytes of the blob
};

/// header: 48 bytes at `offset` of the stream; nothing: no entry begins there.
[[nodiscard]] std::optional<ChunkEntry> parse_chunk_entry(ByteView header, std::uint64_t offset);

struct ChunkArchiveHead {
    std::uint64_t entries = 0;  ///< where they begin; a damaged one before that may be passed over
    std::string damage;         ///< empty: none
};
/// content, store: what the tape file should be. A head that is damaged takes no chunk with it:
/// each has its digest. Errors: corrupt (it is something else), those of the medium that are not of
/// the tape; unsupported (encrypted by a drive).
[[nodiscard]] Awaitable<Result<ChunkArchiveHead>> read_chunk_archive_head(TapeFile& file,
                                                                          const PbsUuid& content,
                                                                          const std::string& store);

class ChunkArchiveWalk {
  public:
    /// file outlives this. offset: of an entry, in the stream; stream_size: as
    /// TapeFile::ending() told.
    ChunkArchiveWalk(TapeFile& file, std::uint64_t offset, std::uint64_t stream_size)
        : file_(file), offset_(offset), stream_size_(stream_size) {}

    /// The next entry whose blob is there as a whole; nothing: the end. Where an entry is damaged
    /// the walk goes on at the next one that can be found, and notes what lies between: such an
    /// entry may be one that a chunk contains, so only the digest of the data proves it. Errors:
    /// those of the medium that are not of the tape (transient, cancelled, ...).
    Awaitable<Result<std::optional<ChunkEntry>>> next();

    struct Gap {
        std::uint64_t begin = 0;  ///< in the stream
        std::uint64_t end = 0;
        std::string why;
    };
    /// What was passed over; grows.
    [[nodiscard]] const std::vector<Gap>& gaps() const noexcept { return gaps_; }
    /// The digest of the last chunk, if the end of the medium cut it.
    [[nodiscard]] const std::optional<ChunkEntry>& cut_off() const noexcept { return cut_off_; }

  private:
    Awaitable<Result<bool>> resynchronise(std::uint64_t from, std::string why);
    Awaitable<Result<std::optional<std::uint64_t>>> find_entry(std::uint64_t block,
                                                               std::uint64_t from);

    TapeFile& file_;
    std::uint64_t offset_;
    const std::uint64_t stream_size_;
    std::vector<Gap> gaps_;
    std::optional<ChunkEntry> cut_off_;
};

}  // namespace tapeloft::media
