// Cartridges read back from the store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "media/archive/chunk_fetcher.h"
#include "media/archive/known_damage.h"
#include "media/archive/range_cache.h"
#include "media/cartridge/stored_reader.h"

namespace tapeloft::media {

struct RecallLimits {
    /// Plain bytes of chunks that are read ahead and that the host has not passed yet, of each
    /// cartridge.
    std::uint64_t ahead = 64ULL * 1024 * 1024;
    /// Plain bytes of chunks that were used last and may be used again, of each cartridge; the last
    /// one is kept whatever it says.
    std::uint64_t recent = 16ULL * 1024 * 1024;
};

/// A record cannot be read because what the store has is damaged or missing; what: in words. Comes
/// on the strand of the tape, before the read returns, each time.
using DamageHook = std::function<void(CartridgeId cartridge, std::uint64_t segment,
                                      std::uint64_t object, const std::string& what)>;

/// What a record of the cartridge is made of is archived. Comes like a DamageHook.
using ArchivedHook = std::function<void(CartridgeId cartridge)>;

/// All that is referred to outlives every reader and every call; the executors run until there is
/// none.
struct RecallContext {
    ObjectStore& store;
    ArchiveCatalog& catalog;
    const KeyRing& keys;
    Executor disk;                ///< blocking work: catalog, cache
    Executor cpu;                 ///< a thread pool: opens chunks
    RangeCache* cache = nullptr;  ///< not used where the store is local
    DamageHook on_damage = {};
    RecallLimits limits = {};
    ArchivedHook on_archived = {};
};

/// One for each library. Any thread.
class Recall {
  public:
    explicit Recall(RecallContext context);

    /// The reader of a cartridge; may outlive this.
    [[nodiscard]] std::unique_ptr<StoredReader> open(CartridgeId cartridge);

  private:
    const RecallContext context_;
    const std::shared_ptr<ChunkFetcher> fetcher_;
    const std::shared_ptr<KnownDamage> damage_;
};

}  // namespace tapeloft::media
