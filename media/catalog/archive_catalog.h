// What the catalog knows of the repository: which segments are stored, of which chunks, in which
// packs, and what of the cartridges' history has still to be logged. All of it can be made anew
// from the store (recovery). Threads, durability and errors: as Catalog.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/chunk/chunk.h"
#include "media/log/log_entries.h"
#include "media/log/log_object.h"

namespace tapeloft::media {

/// A change of a cartridge that its log does not have yet; kept in the order it happened, in the
/// same transaction as the change itself. One that a later one makes of no account goes then (an
/// older state; truncations behind a newer one; all of the tape before a format; everything before
/// a removal), so an id may be gone when it is committed.
struct PendingChange {
    enum class Kind : std::uint8_t { state, format, truncate, removed };
    std::int64_t id = 0;  ///< grows; never used twice
    Kind kind = Kind::state;
    std::uint32_t partition = 0;            ///< truncate
    std::uint64_t object = 0;               ///< truncate
    std::vector<std::uint64_t> capacities;  ///< format
};

/// What there is to archive of one cartridge, read in one transaction: first the changes, then the
/// segments. What happens later comes behind both.
struct ArchiveWork {
    CartridgeRecord record;  ///< id only where it was removed
    StreamId stream{};
    StreamHead head;
    std::vector<PendingChange> changes;
    std::vector<SegmentRecord> segments;  ///< complete or sealed, not stored, in order of tape
    /// The last of `segments` is sealed, and nothing follows it in its partition for now. False
    /// where there is none.
    bool at_end = false;
    std::vector<NamedValue> values;  ///< where a change of state is pending
};

/// What a library's log is to say.
struct LibraryWork {
    LibraryState state;
    std::uint64_t version = 0;  ///< grows with each change of it
};

/// A segment that the log has now.
struct StoredSegment {
    std::uint64_t number = 0;
    Bytes map;                       ///< SegmentMap::encode()
    std::vector<ChunkRef> chunks;    ///< of the map
    std::uint64_t map_sequence = 0;  ///< log object that holds it
};

/// What the log of a library's index has; all of it outlives the call it is given to.
struct IndexedPacks {
    std::string library;
    std::span<const PackContents> packs;
    StreamId index{};
    StreamHead head;  ///< of the index
};

/// What a cartridge's log has now; all of it outlives the call it is given to.
struct LoggedCommit {
    std::span<const std::int64_t> changes_done;
    std::span<const StoredSegment> segments;
    StreamHead head;                      ///< of the cartridge's log
    const IndexedPacks* packs = nullptr;  ///< that the index has since; null: none
};

struct EndedStream {
    StreamId stream{};
    std::uint64_t sequence = 0;  ///< of its last object; 0: it has none
};

struct PackRecord {
    PackId id{};
    std::uint64_t size = 0;        ///< bytes of the object
    std::uint64_t live_bytes = 0;  ///< stored bytes of chunks that something refers to
    std::optional<std::int64_t> condemned_unix_s;
    bool distrusted = false;  ///< missing or damaged
};

/// What stored segments take in the store. Of a chunk that several references share each has an
/// equal part; so the parts of all cartridges are what the store holds.
struct StorageShare {
    double plain = 0;         ///< bytes that the maps refer to
    double plain_share = 0;   ///< ... each divided by the number of references to its chunk
    double stored_share = 0;  ///< the same of the bytes in packs

    StorageShare& operator+=(const StorageShare& other) noexcept {
        plain += other.plain;
        plain_share += other.plain_share;
        stored_share += other.stored_share;
        return *this;
    }
};

struct CartridgeStorage {               // in bytes
    std::uint64_t spooled_only = 0;     ///< record bytes not in the store yet
    std::uint64_t stored = 0;           ///< record bytes in the store
    std::uint64_t pending_changes = 0;  ///< count
    std::uint64_t log_objects = 0;      ///< at most: those that a checkpoint made obsolete count
};

struct RepositoryTotals {
    std::uint64_t packs = 0;
    std::uint64_t pack_bytes = 0;
    std::uint64_t live_bytes = 0;        ///< stored bytes referred to
    std::uint64_t live_plain_bytes = 0;  ///< plain bytes of the same chunks, each once
    std::uint64_t referred_bytes = 0;    ///< as often as something refers to them
    std::uint64_t chunks = 0;
    std::uint64_t log_objects = 0;  ///< of cartridges, at most: obsolete ones count
};

/// A stored segment, and the log object that has its map.
struct LoggedSegment {
    SegmentRecord segment;
    std::uint64_t map_sequence = 0;
};

/// All of a cartridge that its log is to have.
struct CheckpointFacts {
    CartridgeRecord record;
    std::vector<NamedValue> values;
    std::vector<std::uint64_t> capacities;  ///< of the partitions; none: one, of the cartridge's
    std::vector<LoggedSegment> segments;    ///< in order of partition, then first object
    std::vector<PendingChange> changes;     ///< pending ones, which are in all of this
    std::uint64_t numbers_end = 0;          ///< no segment ever had a number from here on
};

class ArchiveCatalog {
  public:
    ArchiveCatalog() = default;
    ArchiveCatalog(const ArchiveCatalog&) = delete;
    ArchiveCatalog& operator=(const ArchiveCatalog&) = delete;
    virtual ~ArchiveCatalog() = default;

    // Work

    /// Cartridges of a library that have changes or segments to archive; removed ones too.
    virtual Result<std::vector<CartridgeId>> cartridges_with_work(const std::string& library) = 0;
    /// At most `segments_max` segments. not_found: no such cartridge, nor changes of it.
    virtual Result<ArchiveWork> work(CartridgeId id, std::size_t segments_max) = 0;
    /// A cartridge gets a stream id when it is first asked for.
    virtual Result<StreamId> stream_of(CartridgeId id) = 0;
    /// Of a stream nothing was noted of: that of an empty one.
    virtual Result<StreamHead> head(const StreamId& stream) = 0;

    /// Nothing: the log has the library's state as it is. Each cartridge then has a stream id.
    virtual Result<std::optional<LibraryWork>> library_work(const std::string& library) = 0;
    /// The state, also where the log has it: for a checkpoint.
    virtual Result<LibraryWork> library_state(const std::string& library) = 0;
    /// The library's log has this version now.
    virtual Result<void> commit_library(const std::string& library, std::uint64_t version,
                                        const StreamId& stream, const StreamHead& head) = 0;

    // Chunks

    /// For whoever would refer to them: where each is; nothing for those that are unknown, in a
    /// pack that is being removed, or in one that is distrusted. A pack that something is found in
    /// is condemned no more.
    virtual Result<std::vector<std::optional<ChunkLocation>>> find_chunks(
        std::span<const Fingerprint> fingerprints) = 0;
    /// For readers: where each is, in a distrusted pack too. Changes nothing.
    virtual Result<std::vector<std::optional<ChunkLocation>>> locate_chunks(
        std::span<const Fingerprint> fingerprints) = 0;
    /// The pack is missing or damaged (or sound again): what would be found in it is to be stored
    /// anew, and is found there from then on, by all that refer to it. Errors: not_found.
    virtual Result<void> set_distrusted(const PackId& pack, bool on) = 0;
    /// The index log has these packs now (its head is `head`): their chunks can be found. A chunk
    /// that is already known is from now on found here. A pack that is known is left as it is.
    virtual Result<void> add_packs(const IndexedPacks& packs) = 0;

    // Segments

    /// The cartridge's log has these changes and segments now, and the index these packs. Segments
    /// whose rows are gone or shorter meanwhile are kept as their rows say; the map of one that is
    /// gone is a dead one, as the log still has it. One transaction: add_packs(), changes
    /// forgotten, rows stored (and thus sealed), maps and references added, head noted. Errors:
    /// corrupt (a chunk is not in the index), precondition (a segment is stored already), not_found
    /// (there never was such a cartridge).
    virtual Result<void> commit_segments(CartridgeId id, const LoggedCommit& commit) = 0;
    /// The encoded map. Errors: not_found (it is not stored).
    virtual Result<Bytes> segment_map(CartridgeId id, std::uint64_t number) = 0;
    /// These segments are to be read from the store from now on; the caller then removes the files.
    /// Those that are not stored are left out; the result are the others.
    virtual Result<std::vector<std::uint64_t>> leave_spool(
        CartridgeId id, std::span<const std::uint64_t> numbers) = 0;
    /// Those that are stored and still in the spool, too.
    virtual Result<std::vector<std::uint64_t>> stored_and_spooled(CartridgeId id) = 0;

    /// What a checkpoint of the cartridge's log is to say, read in one transaction.
    virtual Result<CheckpointFacts> checkpoint_facts(CartridgeId id) = 0;
    virtual Result<void> note_head(const StreamId& stream, const StreamHead& head) = 0;
    /// How many objects of the cartridge's log have the map of a segment.
    virtual Result<std::uint64_t> mapped_log_objects(CartridgeId id) = 0;

    // Garbage

    /// Drops references of maps whose segment is gone, for cartridges that have no pending change;
    /// at most `maps_max` maps a call; how many were dropped.
    virtual Result<std::size_t> drop_dead_maps(const std::string& library,
                                               std::size_t maps_max) = 0;
    virtual Result<std::vector<PackRecord>> packs(const std::string& library) = 0;
    /// Chunks of a pack that something refers to and that are found there (not in another pack).
    virtual Result<std::vector<PackedChunk>> live_chunks(const PackId& pack) = 0;
    /// Errors: not_found; precondition (something refers to a chunk in it).
    virtual Result<void> condemn(const PackId& pack, std::int64_t now_unix_s) = 0;
    /// False: something refers to a chunk in it again or found one; it is condemned no more. True:
    /// its chunks can be found no more, and nothing will refer to it. Whoever calls has waited
    /// until no lookup and no add_packs() from before condemn() is on its way to commit_segments().
    virtual Result<bool> begin_removal(const PackId& pack) = 0;
    /// Packs for which begin_removal() was true and end_removal() did not come.
    virtual Result<std::vector<PackId>> removals(const std::string& library) = 0;
    virtual Result<void> end_removal(const PackId& pack) = 0;
    /// Streams of removed cartridges whose objects may go: their log has ended, the library's log
    /// names them no more, and no map of theirs is left.
    virtual Result<std::vector<EndedStream>> ended_streams(const std::string& library) = 0;
    /// Its objects are gone.
    virtual Result<void> forget_stream(const StreamId& stream) = 0;
    /// The index log says of a pack that it is removed; its head is `head`.
    virtual Result<void> note_pack_removed(const StreamId& index, const StreamHead& head) = 0;
    /// How often it said so since its newest checkpoint, as far as this catalog knows.
    virtual Result<std::uint64_t> packs_removed(const StreamId& index) = 0;

    // Recovery: a catalog made anew out of the logs

    struct RestoredCartridge {
        CartridgeState state;        ///< record.library is set; at most one cartridge an element
        bool state_differs = false;  ///< from what its log says: then a change is pending
        StreamId stream{};
        StreamHead head;
        std::vector<std::uint64_t> capacities;  ///< of its partitions; none: one
        std::vector<LoggedSegment> segments;
    };
    /// The encoded map of restored.segments[i], asked for one by one, in order.
    using MapOfSegment = std::function<Result<Bytes>(std::size_t)>;
    /// Properties and values. The library's log is to be told anew what it is, as not all of the
    /// cartridges that it names need come back.
    virtual Result<void> restore_library(const LibraryState& state, const StreamId& stream,
                                         const StreamHead& head) = 0;
    /// A cartridge whose segments are in the store only, in one transaction, behind the packs
    /// (add_packs()) of its chunks. Errors: already_exists (barcode or
    /// serial number), corrupt (a map, or a chunk that no pack has), precondition (the element is
    /// taken), those of map_of: nothing of it was added.
    virtual Result<CartridgeId> restore_cartridge(const RestoredCartridge& restored,
                                                  const MapOfSegment& map_of) = 0;

    // What people ask

    virtual Result<CartridgeStorage> storage(CartridgeId id) = 0;
    /// Numbers of at most `most` (2 or more) stored segments, spread evenly; all, if there are no
    /// more.
    virtual Result<std::vector<std::uint64_t>> some_stored(CartridgeId id, std::size_t most) = 0;
    /// Of one segment; from kShareChunksMax of its chunks, where it has more. Nothing of one that
    /// is not stored.
    virtual Result<StorageShare> share(CartridgeId id, std::uint64_t number) = 0;
    static constexpr std::size_t kShareChunksMax = 512;
    /// Capacity used, in bytes, by what the catalog knows of a partition.
    virtual Result<std::uint64_t> end_of_data(CartridgeId id, std::uint32_t partition) = 0;
    virtual Result<RepositoryTotals> totals(const std::string& library) = 0;
};

}  // namespace tapeloft::media
