// What is on one tape: labels, catalogs, and each tape file, as far as a catalog does not tell.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/tape/content.h"
#include "media/pbs/tape/media_catalog.h"
#include "media/pbs/tape/split_medium.h"
#include "media/pbs/tape/tape_file.h"

namespace tapeloft::media {

/// Something a person should know. It names tape, tape file and, where there is one, block.
struct TapeFinding {
    bool is_damage = false;  ///< else only unusual: what PBS itself leaves behind
    std::string what;
    bool made_good = false;  ///< damage that costs time, and nothing that was backed up
};

struct ScannedFile {
    std::uint64_t number = 0;
    TapeFileExtent extent;
    ContentKind kind;
    PbsUuid content{};                       ///< UUID of the tape file
    std::int64_t time_s = 0;                 ///< 0: from a catalog, which does not tell
    std::optional<TapeFile::Ending> ending;  ///< nothing: from a catalog, not looked at
    std::string json;                        ///< of its header; empty: as above
    PbsMagic magic{};                        ///< likewise
    bool counts = false;                     ///< what is in it is to be used
    std::vector<PbsDigest> digests;          ///< of a chunk archive, in order
    std::optional<PbsDigest> cut_off;        ///< the chunk that the end of the medium cut
};

struct ScannedTape {
    std::string barcode;
    std::optional<MediaLabel> label;            ///< nothing: nothing of PBS was found
    std::optional<MediaSetLabel> media_set;     ///< nothing: in none
    std::vector<TapeFileExtent> extents;        ///< of all tape files
    std::uint64_t first_archive = 0;            ///< the tape file behind the labels
    std::vector<MediaCatalog> catalogs;         ///< found on it, of this and of other media
    std::vector<std::uint64_t> catalog_places;  ///< the tape files they are in
    std::vector<ScannedFile> files;
    /// The media-set label is damaged or missing, or both are, and what is above is what catalogs
    /// say: the content UUID of the first archive behind them that can be read.
    std::optional<PbsUuid> lost_labels;
    bool by_catalog = false;  ///< one told of the files, at least of the first ones
    std::vector<TapeFinding> findings;
};

/// Labels, and the catalog archives where PBS puts them: at the front, and last on the tape. What
/// is damaged becomes a finding; where a filemark was lost the medium is told. Errors: those of the
/// medium that are not of the tape.
[[nodiscard]] Awaitable<Result<ScannedTape>> scan_labels(SplitMedium& medium);

/// Fills in the files. catalog: of this tape, or null; what it does not list is looked at. Costs a
/// block or two for a file, one for each chunk of a chunk archive, and all of a snapshot archive.
/// Errors: as above.
[[nodiscard]] Awaitable<Result<void>> scan_files(SplitMedium& medium, const MediaCatalog* catalog,
                                                 ScannedTape& tape);

/// Looks at the files that a catalog told of; where one is another, it takes that place, and a
/// finding tells. True: so it was. Costs a block for each. Errors: as above.
[[nodiscard]] Awaitable<Result<bool>> check_cataloged_files(SplitMedium& medium, ScannedTape& tape);

}  // namespace tapeloft::media
