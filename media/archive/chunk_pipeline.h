// Chunks on their way into packs: fingerprint, dedup lookup, zstd, AES-256-GCM, upload; several at
// once on all processors, the packs in parallel. Of one cartridge; belongs to one strand.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/base/sha256.h"
#include "cloud/store/object_store.h"

#include "media/archive/archive_parts.h"
#include "media/archive/tape_stream.h"
#include "media/archive/task_group.h"
#include "media/catalog/archive_catalog.h"
#include "media/pack/pack_writer.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// Memory: the groups under way (kGroupsMax, each about as long as the caller makes it, twice while
/// it is compressed), the open pack, and the packs being uploaded (as many as the store takes at
/// once, each of its best object size; three more where it wants their SHA-256).
class ChunkPipeline {
  public:
    static constexpr std::size_t kGroupsMax = 3;

    ChunkPipeline(ArchiveParts parts, CartridgeId cartridge)
        : parts_(std::move(parts)),
          cartridge_(cartridge),
          groups_(parts_.strand),
          uploads_(parts_.strand),
          changed_(parts_.strand, boost::asio::steady_timer::time_point::max()) {}

    /// Takes chunks, numbered without a gap from call to call. Waits while too much is under way.
    Awaitable<void> add(std::vector<StreamChunk> chunks);
    /// The open pack is not filled any further: what was added so far needs no more to be stored.
    /// Not beside add().
    Awaitable<void> seal();

    /// Returns when what was added is in packs, and the next one that is full could go to the store
    /// at once. Not beside add().
    Awaitable<void> wait_for_room();

    /// Returns when every chunk below this number is known, or in a pack that is stored; where the
    /// open pack has some of them, it waits for seal(), or for as much as fills the pack. Gives the
    /// packs that were stored since the last call and that are in no index yet: they are to be
    /// there before the next call. One call at a time, beside add() and seal(). After an error
    /// nothing of this pipeline may be used. Errors: as StoreAccess::until_done(); those of the
    /// catalog.
    Awaitable<Result<std::vector<PackContents>>> settle(std::uint64_t below);

    /// For good, beside nothing else: begins nothing more, and returns the packs that are stored
    /// when nothing is under way. Nothing of this pipeline may be used afterwards.
    Awaitable<std::vector<PackContents>> abandon();

    /// So many were filled up.
    [[nodiscard]] std::uint64_t packs() const noexcept { return sealed_; }
    /// Of a chunk that is settled.
    [[nodiscard]] const Fingerprint& fingerprint(std::uint64_t chunk) const;
    /// Those below are not asked for any more.
    void forget_below(std::uint64_t chunk);

  private:
    struct Group {
        std::vector<StreamChunk> chunks;
        std::vector<Fingerprint> fingerprints;
        std::vector<std::size_t> fresh;     ///< indexes of those that are nowhere yet
        std::vector<EncodedChunk> encoded;  ///< of fresh
    };

    struct SealedPack {
        std::uint64_t number = 0;
        PackWriter::Pack pack;
        std::optional<Sha256Digest> sha256 = {};
    };

    Awaitable<void> process(Group group);
    /// The next number that nobody has yet; nothing: there are no more.
    using Numbers = std::function<std::optional<std::size_t>()>;
    using Share = std::function<void(const Numbers&)>;
    Awaitable<void> on_all_processors(std::size_t count, Share work);
    Awaitable<void> take_fingerprints(Group& group);
    Awaitable<Result<void>> find_fresh(Group& group);
    Awaitable<void> encode_fresh(Group& group);
    Awaitable<Result<void>> pack(Group& group);
    Awaitable<void> begin_upload();
    [[nodiscard]] std::size_t uploads_max() const;
    Awaitable<void> begin_uploads(std::vector<SealedPack> packs);
    Awaitable<void> upload_together(std::vector<SealedPack> packs);
    Awaitable<void> upload(SealedPack pack);
    Awaitable<void> wait_for_groups(std::uint64_t below);
    Awaitable<void> wait_for_change();
    void note_change() { changed_.cancel(); }
    void fail(Error error);

    ArchiveParts parts_;
    const CartridgeId cartridge_;
    TaskGroup groups_;
    TaskGroup uploads_;
    std::uint64_t first_ = 0;  ///< number of fingerprints_.front()
    std::deque<Fingerprint> fingerprints_;
    std::set<std::uint64_t> processing_;  ///< the groups under way, by their first chunks
    std::set<Fingerprint> under_way_;     ///< new, and not known to be in the index
    std::optional<PackWriter> writer_;    ///< of the open pack
    std::uint64_t sealed_ = 0;            ///< packs; they are numbered
    std::set<std::uint64_t> storing_;     ///< those of them that are not stored yet
    std::vector<SealedPack> waiting_;     ///< to be hashed with the next ones, in step
    bool packing_ = false;
    SampleTrend trend_;
    boost::asio::steady_timer changed_;  ///< an event: a group or an upload ended, or packing
    std::vector<PackContents> stored_;
    std::vector<Fingerprint> given_;  ///< of the packs that settle() gave last
    std::optional<Error> failure_;
};

}  // namespace tapeloft::media
