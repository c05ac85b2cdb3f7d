// The part of the catalog that reading asks: maps and places of chunks. Any thread.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "media/catalog/archive_catalog.h"

namespace tapeloft::media {

class FakeArchiveCatalog final : public ArchiveCatalog {
  public:
    Result<std::vector<std::optional<ChunkLocation>>> locate_chunks(
        std::span<const Fingerprint> fingerprints) override {
        const std::lock_guard lock(mutex);
        if (failing) {
            return Error{Errc::io, "the catalog cannot be read"};
        }
        std::vector<std::optional<ChunkLocation>> found;
        for (const auto& fingerprint : fingerprints) {
            const auto entry = chunks.find(fingerprint);
            found.push_back(entry == chunks.end() ? std::nullopt : std::optional(entry->second));
        }
        return found;
    }
    Result<Bytes> segment_map(CartridgeId id, std::uint64_t number) override {
        const std::lock_guard lock(mutex);
        ++maps_loaded;
        if (failing) {
            return Error{Errc::io, "the catalog cannot be read"};
        }
        const auto found = maps.find({id, number});
        if (found == maps.end()) {
            return Error{Errc::not_found, "it is not stored"};
        }
        return found->second;
    }

    // What reading never asks.
    Result<std::vector<std::optional<ChunkLocation>>> find_chunks(
        std::span<const Fingerprint>) override {
        return never();
    }
    Result<void> set_distrusted(const PackId&, bool) override { return never(); }
    Result<std::vector<CartridgeId>> cartridges_with_work(const std::string&) override {
        return never();
    }
    Result<ArchiveWork> work(CartridgeId, std::size_t) override { return never(); }
    Result<StreamId> stream_of(CartridgeId) override { return never(); }
    Result<StreamHead> head(const StreamId&) override { return never(); }
    Result<std::optional<LibraryWork>> library_work(const std::string&) override { return never(); }
    Result<LibraryWork> library_state(const std::string&) override { return never(); }
    Result<void> commit_library(const std::string&, std::uint64_t, const StreamId&,
                                const StreamHead&) override {
        return never();
    }
    Result<void> add_packs(const IndexedPacks&) override { return never(); }
    Result<void> commit_segments(CartridgeId, const LoggedCommit&) override { return never(); }
    Result<std::vector<std::uint64_t>> leave_spool(CartridgeId,
                                                   std::span<const std::uint64_t>) override {
        return never();
    }
    Result<std::vector<std::uint64_t>> stored_and_spooled(CartridgeId) override { return never(); }
    Result<CheckpointFacts> checkpoint_facts(CartridgeId) override { return never(); }
    Result<void> note_head(const StreamId&, const StreamHead&) override { return never(); }
    Result<std::uint64_t> mapped_log_objects(CartridgeId) override { return never(); }
    Result<std::size_t> drop_dead_maps(const std::string&, std::size_t) override { return never(); }
    Result<std::vector<PackRecord>> packs(const std::string&) override { return never(); }
    Result<std::vector<PackedChunk>> live_chunks(const PackId&) override { return never(); }
    Result<void> condemn(const PackId&, std::int64_t) override { return never(); }
    Result<bool> begin_removal(const PackId&) override { return never(); }
    Result<std::vector<PackId>> removals(const std::string&) override { return never(); }
    Result<void> end_removal(const PackId&) override { return never(); }
    Result<std::vector<EndedStream>> ended_streams(const std::string&) override { return never(); }
    Result<void> forget_stream(const StreamId&) override { return never(); }
    Result<void> note_pack_removed(const StreamId&, const StreamHead&) override { return never(); }
    Result<std::uint64_t> packs_removed(const StreamId&) override { return never(); }
    Result<void> restore_library(const LibraryState&, const StreamId&, const StreamHead&) override {
        return never();
    }
    Result<CartridgeId> restore_cartridge(const RestoredCartridge&, const MapOfSegment&) override {
        return never();
    }
    Result<CartridgeStorage> storage(CartridgeId) override { return never(); }
    Result<std::vector<std::uint64_t>> some_stored(CartridgeId, std::size_t) override {
        return never();
    }
    Result<StorageShare> share(CartridgeId, std::uint64_t) override { return never(); }
    Result<std::uint64_t> end_of_data(CartridgeId, std::uint32_t) override { return never(); }
    Result<RepositoryTotals> totals(const std::string&) override { return never(); }

    std::mutex mutex;
    std::map<std::pair<CartridgeId, std::uint64_t>, Bytes> maps;
    std::map<Fingerprint, ChunkLocation> chunks;
    std::size_t maps_loaded = 0;
    bool failing = false;

  private:
    static Error never() { return {Errc::unsupported, "not part of this fake"}; }
};

}  // namespace tapeloft::media
