// The records of one cartridge out of the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/signal.h"

#include "media/archive/chunk_window.h"
#include "media/archive/known_damage.h"
#include "media/archive/recall.h"
#include "media/cartridge/stored_reader.h"
#include "media/chunk/segment_map.h"

namespace tapeloft::media {

/// On the strand of the tape, which never waits for the disk, the catalog or a lock held there.
class StoredTapeReader final : public StoredReader {
  public:
    /// Maps that are kept, those of segments read ahead among them.
    static constexpr std::size_t kMapsMax = 8;

    StoredTapeReader(RecallContext context, std::shared_ptr<ChunkFetcher> fetcher,
                     std::shared_ptr<KnownDamage> damage, CartridgeId cartridge);

    Awaitable<Result<std::shared_ptr<const ObjectRuns>>> runs(std::uint64_t segment) override;
    Awaitable<Result<StoredRecord>> read(std::uint64_t segment, std::uint64_t object,
                                         std::vector<std::uint64_t> following) override;
    Awaitable<void> expect(std::uint64_t segment, std::uint64_t object, std::uint64_t records,
                           std::vector<std::uint64_t> following) override;
    Awaitable<Result<std::vector<RecordCut>>> cuts(std::uint64_t segment) override;
    void forget() override;

  private:
    struct LoadedMap {
        SegmentMap map;
        SegmentPlan plan;  ///< of map
    };
    using Map = std::shared_ptr<const LoadedMap>;
    struct MapSlot {
        Signal done;
        Result<Map> map = Error{Errc::cancelled, "not loaded"};  ///< constant after done
    };
    /// A part of a chunk that a record needs.
    struct Part {
        ChunkSlice slice;
        std::shared_ptr<ChunkSlot> slot;
    };
    using Parts = std::vector<Part>;
    using RecordPlace = std::pair<std::uint64_t, std::uint32_t>;  ///< segment, record in it

    static Result<Map> load_map(ArchiveCatalog& catalog, CartridgeId cartridge,
                                std::uint64_t segment);
    std::shared_ptr<MapSlot> begin_map(std::uint64_t segment);
    Awaitable<Result<Map>> map_of(std::uint64_t segment);

    Awaitable<Result<StoredRecord>> read_record(std::uint64_t segment, std::uint64_t object,
                                                std::vector<std::uint64_t> following);
    Result<void> check_known_damage(const LoadedMap& map, const std::vector<ChunkSlice>& slices,
                                    RecordPlace reading);
    void note_damage(const LoadedMap& map, const Parts& parts, RecordPlace reading);
    bool reads_on(std::uint64_t segment, std::uint32_t record) noexcept;
    /// Slots for all of them; those that are not on their way are fetched, now.
    Parts begin_parts(const LoadedMap& map, const std::vector<ChunkSlice>& slices);
    static Awaitable<Result<void>> wait_for(const Parts& parts);
    void read_ahead(ChunkPlace from, std::vector<std::uint64_t> order);
    bool append(ChunkPlace place, const ChunkRef& ref, std::vector<ChunkRequest>& requests);
    bool next_place(ChunkPlace& place, const std::vector<std::uint64_t>& order, Map& map);
    static Result<StoredRecord> put_together(const RecordSource& source, const Parts& parts);

    const RecallContext context_;
    const std::shared_ptr<ChunkFetcher> fetcher_;
    const std::shared_ptr<KnownDamage> damage_;
    const CartridgeId cartridge_;
    std::list<std::pair<std::uint64_t, std::shared_ptr<MapSlot>>> maps_;  ///< used last: first
    ChunkWindow window_;
    RecordPlace next_{};          ///< behind the last one
    std::uint64_t expected_ = 0;  ///< records still to come that are on their way already
};

}  // namespace tapeloft::media
