// What a stream amounts to: its entries, replayed in order. Pure; memory proportional to what is
// left, beside the stream itself. Errors are corrupt, and name the stream, the object and the
// entry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "cloud/base/result.h"

#include "media/log/log_entries.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {

/// Where an entry stands in a LogContents.
struct EntryPlace {
    std::uint64_t sequence = 0;  ///< of the object
    std::size_t entry = 0;       ///< of it, from 0

    friend bool operator==(const EntryPlace&, const EntryPlace&) = default;
};

/// place: one that a replay of `log` gave.
[[nodiscard]] const LogEntry& entry_at(const LogContents& log, const EntryPlace& place);

struct ReplayedSegment {
    SegmentRecord segment;
    EntryPlace append;  ///< the entry with its map
};

struct CartridgeReplay {
    CartridgeState state;
    std::vector<std::uint64_t> capacities;  ///< of the partitions; none: one, of the cartridge's
    std::vector<ReplayedSegment> segments;  ///< in order of partition, then first object
    bool removed = false;                   ///< deleted; then there are no segments
};

/// log: of a cartridge's stream. Of each partition the segments are gapless from object 0 on.
[[nodiscard]] Result<CartridgeReplay> replay_cartridge(const LogContents& log);

/// The encoded map of a segment.
[[nodiscard]] Result<Bytes> map_of(const LogContents& log, const ReplayedSegment& segment);

struct IndexReplay {
    /// `pack added` entries of the packs that were not removed, in order: a chunk that several have
    /// is found in the last of them.
    std::vector<EntryPlace> packs;
};

[[nodiscard]] Result<IndexReplay> replay_index(const LogContents& log);

/// place: one of IndexReplay::packs.
[[nodiscard]] Result<PackContents> pack_at(const LogContents& log, const EntryPlace& place);

/// Where each chunk is. 96 bytes and more a chunk.
[[nodiscard]] Result<std::map<Fingerprint, ChunkLocation>> locate_chunks(const LogContents& log,
                                                                         const IndexReplay& index);

/// The newest state.
[[nodiscard]] Result<LibraryState> replay_library(const LogContents& log);

}  // namespace tapeloft::media
