// The catalog of a medium, as it stands in catalog archives: which chunks and snapshots are in
// which tape file, in the order of the tape.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "media/pbs/block_format.h"
#include "media/pbs/identifiers.h"

namespace tapeloft::media {

struct CatalogedChunks {
    std::uint64_t file = 0;
    PbsUuid content{};
    std::string store;
    std::vector<PbsDigest> digests;  ///< in the order of the archive
};

struct CatalogedSnapshot {
    std::uint64_t file = 0;
    PbsUuid content{};
    std::string store;
    SnapshotName name;
};

struct MediaCatalog {
    PbsUuid medium{};
    PbsUuid media_set{};  ///< zeros: it is in none
    std::uint64_t sequence = 0;
    std::vector<std::variant<CatalogedChunks, CatalogedSnapshot>> files;  ///< file numbers grow
};

/// All or nothing: a catalog that is torn is useless to tell what is missing. Errors: corrupt,
/// unsupported (of a version that was never released).
[[nodiscard]] Result<MediaCatalog> parse_media_catalog(ByteView bytes);

}  // namespace tapeloft::media
