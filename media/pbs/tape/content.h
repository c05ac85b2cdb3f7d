// What the first bytes of a tape file say: the content header, and the JSON behind it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "media/pbs/identifiers.h"
#include "media/pbs/tape/tape_file.h"

namespace tapeloft::media {

/// File 0: who the cartridge is.
struct MediaLabel {
    PbsUuid uuid{};
    std::string label_text;  ///< barcode
    std::int64_t time_s = 0;
    std::optional<std::string> pool;
    friend bool operator==(const MediaLabel&, const MediaLabel&) = default;
};

/// File 1: the media set it is in.
struct MediaSetLabel {
    std::string pool;
    PbsUuid uuid{};  ///< zeros: only reserved for the pool
    std::uint64_t sequence = 0;
    std::int64_t time_s = 0;
    std::optional<std::string> key_fingerprint;  ///< of the drive encryption of files from 2 on

    [[nodiscard]] bool is_reserved_only() const noexcept { return uuid == PbsUuid{}; }
    friend bool operator==(const MediaSetLabel&, const MediaSetLabel&) = default;
};

struct ChunkArchiveHeader {
    std::string store;  ///< empty: its head is damaged
    friend bool operator==(const ChunkArchiveHeader&, const ChunkArchiveHeader&) = default;
};

struct SnapshotArchiveHeader {
    std::string store;
    SnapshotName snapshot;
    friend bool operator==(const SnapshotArchiveHeader&, const SnapshotArchiveHeader&) = default;
};

struct CatalogArchiveHeader {
    PbsUuid uuid{};  ///< of the medium it describes
    PbsUuid media_set{};
    std::uint64_t sequence = 0;
    friend bool operator==(const CatalogArchiveHeader&, const CatalogArchiveHeader&) = default;
};

struct UnknownContent {
    std::string why;  ///< of a version that was never released, of another program, or damaged
    friend bool operator==(const UnknownContent&, const UnknownContent&) = default;
};

using ContentKind = std::variant<UnknownContent, MediaLabel, MediaSetLabel, ChunkArchiveHeader,
                                 SnapshotArchiveHeader, CatalogArchiveHeader>;
/// "chunk-archive" and so on.
[[nodiscard]] std::string_view name_of(const ContentKind& kind) noexcept;

struct Content {
    ContentKind kind;
    PbsMagic magic{};
    PbsUuid uuid{};  ///< of the tape file
    std::int64_t time_s = 0;
    std::string json;               ///< as it stands on the tape, 1 MiB at most
    std::uint64_t data_offset = 0;  ///< in the stream: behind the JSON
};

/// Reads the head of a tape file. What is sound but unknown comes as UnknownContent. Errors:
/// corrupt (no stream of PBS, or its head is damaged), those of TapeFile::read.
[[nodiscard]] Awaitable<Result<Content>> read_content(TapeFile& file);

}  // namespace tapeloft::media
