// ArchiveCatalog on the tables of the catalog: archive_catalog.cc (work, segments, libraries),
// archive_catalog_chunks.cc (chunks, packs, garbage) and archive_catalog_restore.cc (recovery).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "media/catalog/archive_catalog.h"
#include "media/catalog/sqlite.h"
#include "media/catalog/turn_mutex.h"

namespace tapeloft::media {

/// What a transaction changes in the sums of packs, by their numbers.
class PackSums {
  public:
    /// The chunk is found in the pack now (sign 1), or no more (-1).
    void place(std::int64_t pack, const PackedChunk& chunk, std::int64_t refs, std::int64_t sign);
    /// What refers to it was `before` times, and is `after` times now.
    void refer(std::int64_t pack, const PackedChunk& chunk, std::int64_t before,
               std::int64_t after);
    Result<void> apply(Database& database) const;

  private:
    struct Change {
        std::int64_t chunks = 0;
        std::int64_t live_plain_bytes = 0;
        std::int64_t live_bytes = 0;
        std::int64_t referred_bytes = 0;
    };
    std::map<std::int64_t, Change> changes_;
};

/// How many more maps, or times in a map, refer to each chunk.
class References {
  public:
    void add(const Fingerprint& chunk, std::int64_t count) { counts_[chunk] += count; }
    /// 0: nothing more refers to it, and it is not in counts().
    [[nodiscard]] std::int64_t of(const Fingerprint& chunk) const;
    void forget(const Fingerprint& chunk) { counts_.erase(chunk); }

    struct Hash {  // it is a MAC: any bytes of it are as good
        std::size_t operator()(const Fingerprint& chunk) const noexcept {
            return load_little_endian<sizeof(std::size_t)>(chunk);
        }
    };
    using Counts = std::unordered_map<Fingerprint, std::int64_t, Hash>;
    [[nodiscard]] const Counts& counts() const noexcept { return counts_; }

  private:
    Counts counts_;
};

/// database, mutex: of the catalog, which outlives this. Every public call takes the mutex; those
/// that a host waits for come first.
class SqliteArchive final : public ArchiveCatalog {
  public:
    SqliteArchive(Database& database, TurnMutex& mutex)
        : database_(database), first_(mutex), mutex_(mutex) {}

    Result<std::vector<CartridgeId>> cartridges_with_work(const std::string& library) override;
    Result<ArchiveWork> work(CartridgeId id, std::size_t segments_max) override;
    Result<StreamId> stream_of(CartridgeId id) override;
    Result<StreamHead> head(const StreamId& stream) override;

    Result<std::optional<LibraryWork>> library_work(const std::string& library) override;
    Result<LibraryWork> library_state(const std::string& library) override;
    Result<void> commit_library(const std::string& library, std::uint64_t version,
                                const StreamId& stream, const StreamHead& head) override;

    Result<std::vector<std::optional<ChunkLocation>>> find_chunks(
        std::span<const Fingerprint> fingerprints) override;
    Result<std::vector<std::optional<ChunkLocation>>> locate_chunks(
        std::span<const Fingerprint> fingerprints) override;
    Result<void> set_distrusted(const PackId& pack, bool on) override;
    Result<void> add_packs(const IndexedPacks& packs) override;

    Result<void> commit_segments(CartridgeId id, const LoggedCommit& commit) override;
    Result<Bytes> segment_map(CartridgeId id, std::uint64_t number) override;
    Result<std::vector<std::uint64_t>> leave_spool(CartridgeId id,
                                                   std::span<const std::uint64_t> numbers) override;
    Result<std::vector<std::uint64_t>> stored_and_spooled(CartridgeId id) override;
    Result<CheckpointFacts> checkpoint_facts(CartridgeId id) override;
    Result<void> note_head(const StreamId& stream, const StreamHead& head) override;
    Result<std::uint64_t> mapped_log_objects(CartridgeId id) override;

    Result<std::size_t> drop_dead_maps(const std::string& library, std::size_t maps_max) override;
    Result<std::vector<PackRecord>> packs(const std::string& library) override;
    Result<std::vector<PackedChunk>> live_chunks(const PackId& pack) override;
    Result<void> condemn(const PackId& pack, std::int64_t now_unix_s) override;
    Result<bool> begin_removal(const PackId& pack) override;
    Result<std::vector<PackId>> removals(const std::string& library) override;
    Result<void> end_removal(const PackId& pack) override;
    Result<std::vector<EndedStream>> ended_streams(const std::string& library) override;
    Result<void> forget_stream(const StreamId& stream) override;
    Result<void> note_pack_removed(const StreamId& index, const StreamHead& head) override;
    Result<std::uint64_t> packs_removed(const StreamId& index) override;

    Result<void> restore_library(const LibraryState& state, const StreamId& stream,
                                 const StreamHead& head) override;
    Result<CartridgeId> restore_cartridge(const RestoredCartridge& restored,
                                          const MapOfSegment& map_of) override;

    Result<CartridgeStorage> storage(CartridgeId id) override;
    Result<std::vector<std::uint64_t>> some_stored(CartridgeId id, std::size_t most) override;
    Result<StorageShare> share(CartridgeId id, std::uint64_t number) override;
    Result<std::uint64_t> end_of_data(CartridgeId id, std::uint32_t partition) override;
    Result<RepositoryTotals> totals(const std::string& library) override;

  private:
    struct Stream {
        StreamId id{};
        StreamHead head;
    };
    struct PackRow {
        std::int64_t number = 0;
        bool condemned = false;
        bool removing = false;
        std::uint64_t live_bytes = 0;
    };

    Result<void> keep_large_map(CartridgeId id, const StoredSegment& segment);

    // All of these belong into a transaction.
    Result<std::optional<Stream>> stream_row(CartridgeId id);
    Result<Stream> stream_made(CartridgeId id);
    Result<void> note_begun(const StreamId& stream);
    Result<void> set_head(const StreamId& stream, const StreamHead& head);
    Result<std::vector<LoggedSegment>> logged_segments(CartridgeId id);
    Result<std::vector<NamedValue>> values_of(CartridgeId id);
    Result<bool> is_end(CartridgeId id, const std::vector<SegmentRecord>& segments);
    Result<std::vector<PendingChange>> pending_changes(CartridgeId id);
    Result<std::vector<std::uint64_t>> capacities(CartridgeId id);
    Result<LibraryWork> state_of(const std::string& library);
    Result<std::vector<KnownCartridge>> known_cartridges(const std::string& library);
    Result<void> check_unstored(CartridgeId id, std::uint64_t number);
    /// Without its references.
    Result<void> store_segment(CartridgeId id, const StoredSegment& segment);
    Result<void> add_references(const References& references, PackSums& sums);
    /// References to chunks that were not known go with them, and are taken out of what is given.
    Result<void> add_packs(const IndexedPacks& packs, References& references, PackSums& sums);
    Result<void> add_pack(const std::string& library, const PackContents& pack,
                          References& references, PackSums& sums);
    Result<void> place_chunk(std::int64_t pack, const PackedChunk& chunk, References& references,
                             PackSums& sums);
    Result<void> drop_map(CartridgeId id, std::uint64_t number, PackSums& sums);
    Result<void> check_unknown(const CartridgeRecord& record);
    Result<PackRow> pack_row(const PackId& pack);
    Result<Bytes> contents(std::int64_t pack);

    Database& database_;
    TurnMutex& first_;
    TurnMutex::Patient mutex_;
};

}  // namespace tapeloft::media
