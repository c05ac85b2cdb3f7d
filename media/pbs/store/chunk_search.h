// Finds chunks in one chunk archive. A catalog tells their order, not their places. The medium may
// know where entries can begin; else a place is guessed from those that are known. What stands
// there tells where to go on.
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
    /// medium outlives this.
    ChunkSearch(TapeMedium& medium, const ScannedFile& scanned, std::string store);

    /// Entries that have the digest; mostly one or none, more where a search behind damage took
    /// something for an entry. Costs the entry where the medium knows of it, else a few blocks for
    /// a chunk that stands where it should, the rest of the archive for one that does not. Errors:
    /// corrupt (it is not the chunk archive of that store that was scanned, or where the chunk
    /// should stand the tape cannot be read: block, and why), those of the medium that are not of
    /// the tape.
    Awaitable<Result<std::vector<ChunkEntry>>> find(const PbsDigest& digest);

    [[nodiscard]] TapeFile& file() noexcept { return file_; }

  private:
    Awaitable<Result<void>> look_for(const PbsDigest& digest);
    Awaitable<Result<void>> ask_for_cuts();
    Awaitable<Result<bool>> search_cuts(std::size_t ordinal);
    Awaitable<Result<std::optional<std::size_t>>> look_at_cut(std::size_t cut, bool is_wanted);
    Awaitable<Result<void>> look_at_head();
    Awaitable<Result<bool>> search(std::size_t ordinal);
    Awaitable<Result<bool>> walk(std::uint64_t from, std::size_t ordinal);
    Awaitable<Result<bool>> probe(std::uint64_t guess, std::size_t below);
    Awaitable<Result<void>> walk_through();
    std::optional<std::size_t> note(const ChunkEntry& entry);
    [[nodiscard]] std::vector<ChunkEntry> known(const PbsDigest& digest) const;
    [[nodiscard]] const ChunkArchiveWalk::Gap* gap_at(std::size_t ordinal) const;

    TapeMedium& medium_;
    TapeFile file_;
    const std::string store_;
    const PbsUuid content_;
    const std::size_t count_;                         ///< chunks, as scanned
    std::optional<std::vector<std::uint64_t>> cuts_;  ///< offsets where entries can begin
    std::map<std::size_t, std::size_t> cut_of_;       ///< by ordinal; both ends
    std::uint64_t stream_size_ = 0;                   ///< 0: its head was not looked at
    std::string head_damage_;                         ///< likewise; empty: none
    std::multimap<PbsDigest, std::size_t> order_;     ///< ordinals as scanned
    std::map<std::size_t, std::uint64_t> places_;     ///< offset of the entry by ordinal; both ends
    std::multimap<PbsDigest, ChunkEntry> entries_;    ///< seen so far
    bool walked_through_ = false;
    std::vector<ChunkArchiveWalk::Gap> gaps_;  ///< of the walk through
};

}  // namespace tapeloft::media
