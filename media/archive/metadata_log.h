// The log streams of a library as the archive writes them; the catalog learns of each object as
// soon as it is stored. Belongs to one strand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/archive_parts.h"
#include "media/catalog/archive_catalog.h"
#include "media/log/checkpoint.h"
#include "media/log/log_object.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {

/// A segment whose chunks are all in the index.
struct ReadySegment {
    SegmentRecord row;
    StoredSegment stored;  ///< its map_sequence is set when it is committed
};

/// Errors of every call: as StoreAccess::until_done(); precondition (another daemon writes to the
/// store, or the catalog is an old copy: nothing was written then); those of the catalog.
class MetadataLog {
  public:
    MetadataLog(ArchiveParts parts, std::string library)
        : parts_(std::move(parts)), library_(std::move(library)) {}

    /// To be called before anything is committed to the cartridge's log. The first time since the
    /// start it looks for objects that a crash kept from the catalog. True: there were some, and
    /// what the catalog knows stands behind them now; ask the catalog for work anew.
    Awaitable<Result<bool>> adopt(const ArchiveWork& work);

    /// The packs are stored; from now on their chunks can be found.
    Awaitable<Result<void>> add_packs(std::vector<PackContents> packs);
    /// begin_removal() was true of it; the pack itself may go afterwards.
    Awaitable<Result<void>> remove_pack(PackId pack);
    /// All objects of a stream that is ended (ArchiveCatalog::ended_streams()) go; where they
    /// cannot now, they stay for the next call.
    Awaitable<Result<void>> remove_stream(EndedStream ended);
    /// Packs go into the index where there are some; then work.changes, then the segments. After
    /// an error the packs' chunks can be found all the same, unless the catalog is in the way.
    Awaitable<Result<void>> commit(const ArchiveWork& work, std::vector<ReadySegment> segments,
                                   std::vector<PackContents> packs);
    /// The state of the library, where it changed since it was last stored.
    Awaitable<Result<void>> store_library_state();

    /// Every call above begins with it; so does whatever removes something. Errors: precondition
    /// (another daemon has taken the library over).
    Awaitable<Result<void>> check_lease();

    /// Somebody else may have written to the index; its end is looked for anew.
    void forget_index_end() { adopted_.erase(parts_.keys.index_stream()); }

  private:
    Awaitable<Result<LogTail>> tail_of(StreamId stream, StreamHead known);
    Awaitable<Result<void>> look_behind(StreamId stream, StreamHead known, LogTail& tail);
    Result<void> checked(const StreamId& stream, Result<void> done);
    Awaitable<Result<void>> note_removed(const ArchiveWork& work, StreamHead head);
    Awaitable<Result<void>> restate(const ArchiveWork& work, const LogTail& tail);
    [[nodiscard]] Result<void> check_names(const StreamId& stream, const LogTail& tail);
    [[nodiscard]] Result<std::optional<LibraryWork>> named_state();
    Awaitable<Result<void>> remove_objects(StreamId stream, std::vector<std::uint64_t> sequences);
    Awaitable<void> compact(StreamId stream, StreamHead head, std::optional<CartridgeId> cartridge);
    Awaitable<Result<void>> try_to_compact(StreamId stream, StreamHead head,
                                           std::optional<CartridgeId> cartridge);
    [[nodiscard]] bool worth_a_look(const StreamId& stream, const StreamHead& head);
    Awaitable<Result<LogUse>> use_at_the_worst(StreamId stream, StreamHead head,
                                               std::optional<CartridgeId> cartridge);
    Awaitable<Result<std::size_t>> retained_by(StreamId stream, std::uint64_t checkpoint);
    Awaitable<Result<StreamHead>> head_of(StreamId stream);
    Awaitable<Result<void>> note_head(StreamId stream, StreamHead head);
    Awaitable<Result<StreamHead>> adopted_index();
    Awaitable<Result<StreamHead>> append(StreamId stream, StreamHead head, LogKind kind,
                                         std::vector<LogEntry> entries);
    /// packs outlives what is returned.
    Awaitable<Result<IndexedPacks>> index(std::span<const PackContents> packs);
    Awaitable<Result<void>> note_packs(IndexedPacks packs);
    Awaitable<Result<StreamHead>> log_and_note(const ArchiveWork& work,
                                               std::vector<ReadySegment> segments,
                                               const IndexedPacks* packs);
    Awaitable<Result<StreamHead>> append_to_index(std::vector<LogEntry> entries);

    ArchiveParts parts_;
    std::string library_;
    std::set<StreamId> adopted_;
    std::map<StreamId, std::uint64_t> looked_;  ///< at which sequence compact() had a look
};

}  // namespace tapeloft::media
