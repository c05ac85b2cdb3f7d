// Chunks that no catalog tells of, found by a look into the archives themselves.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "media/pbs/store/collection.h"
#include "media/pbs/tape/chunk_archive.h"

namespace tapeloft::media {

/// Memory: 48 bytes for each of them, three times that while an archive is gone through.
class HiddenChunks {
  public:
    struct Place {
        std::size_t tape = 0;  ///< of Collection::tapes()
        std::uint64_t file = 0;
        TapeFileExtent extent;
        std::string store;  ///< empty: the archive does not tell
        ChunkEntry entry;
        std::string listed_for;  ///< the datastore that a catalog names instead; empty: none
    };
    /// What looks like the chunk in an archive of the media set for which nothing lists it as one
    /// of the datastore that the archive itself names, aborted archives among them; its digest
    /// proves it. The first time for a media set, its archives are
    /// read, a block for each chunk. Errors: those of a medium that is out of reach.
    Awaitable<Result<std::vector<Place>>> find(const Collection& collection, std::size_t set,
                                               const std::string& store, const PbsDigest& digest);

    /// The place proved right.
    void note_found(const Collection& collection, const Place& place);
    /// Of what was proved right, the first kFindingsMax, and how many more.
    [[nodiscard]] std::vector<TapeFinding> findings() const;
    static constexpr std::size_t kFindingsMax = 20;

  private:
    struct Chunk {
        ChunkEntry entry;
        std::uint32_t archive = 0;
    };
    Awaitable<Result<void>> look_into(const Collection& collection, std::size_t set,
                                      std::vector<Chunk>& chunks);
    Awaitable<Result<void>> look_into(const Collection& collection, std::size_t tape,
                                      const ScannedFile& file, std::vector<Chunk>& chunks);

    std::vector<Place> archives_;                       ///< all but the entry
    std::map<std::size_t, std::vector<Chunk>> chunks_;  ///< by set; in the order of digests
    std::set<PbsDigest> proved_;
    std::vector<TapeFinding> findings_;
};

}  // namespace tapeloft::media
