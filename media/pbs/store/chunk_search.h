// Finds chunks in one chunk archive. A catalog tells their order, not their places; so a place is
// guessed from those that are known, and what stands there tells where to go on.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media/pbs/tape/chunk_archive.h"
#include "media/pbs/tape/tape_scan.h"

namespace tapeloft::media {

/// Memory: 150 bytes for each chunk of the archive.
class ChunkSearch {
  public:
    /// Reads the head of the tape file. medium outlives this. Errors: corrupt (it is not the chunk
    /// archive of that store that was scanned), those of the medium.
    [[nodiscard]] static Awaitable<Result<std::unique_ptr<ChunkSearch>>> open(
        TapeMedium& medium, const ScannedFile& scanned, const std::string& store);

    /// Entries that have the digest; mostly one or none, more where a search behind damage took
    /// something for an entry. Costs a few blocks for a chunk that stands where it should, the rest
    /// of the archive for one that does not. Errors: those of the medium that are not of the tape.
    Awaitable<Result<std::vector<ChunkEntry>>> find(const PbsDigest& digest);

    [[nodiscard]] TapeFile& file() noexcept { return file_; }

  private:
    ChunkSearch(TapeMedium& medium, const ScannedFile& scanned);
    Awaitable<Result<bool>> search(std::size_t ordinal);
    Awaitable<Result<bool>> walk(std::uint64_t from, std::size_t ordinal);
    Awaitable<Result<bool>> probe(std::uint64_t guess, std::size_t below);
    Awaitable<Result<void>> walk_through();
    std::optional<std::size_t> note(const ChunkEntry& entry);
    [[nodiscard]] std::vector<ChunkEntry> known(const PbsDigest& digest) const;

    TapeFile file_;
    std::uint64_t stream_size_ = 0;
    std::multimap<PbsDigest, std::size_t> order_;   ///< ordinals as scanned
    std::map<std::size_t, std::uint64_t> places_;   ///< offset of the entry by ordinal; both ends
    std::multimap<PbsDigest, ChunkEntry> entries_;  ///< seen so far
    bool walked_through_ = false;
};

}  // namespace tapeloft::media
