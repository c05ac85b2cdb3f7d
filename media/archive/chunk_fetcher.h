// Chunks from the store: looked up, fetched in ranges, opened. For all readers of one library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/base/signal.h"
#include "cloud/store/object_store.h"

#include "media/archive/range_cache.h"
#include "media/archive/range_plan.h"
#include "media/catalog/archive_catalog.h"
#include "media/chunk/chunk.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// Where a chunk comes to. Errors: corrupt (damaged or missing; it names pack and offset), else
/// what the store or the catalog said.
struct ChunkSlot {
    Signal done;
    Result<Buffer> chunk = Error{Errc::cancelled, "not fetched"};  ///< constant after done
};

struct ChunkRequest {
    ChunkRef ref;
    std::weak_ptr<ChunkSlot> slot;  ///< once nobody holds it, it is not fetched any more
};

/// What is referred to outlives every request; executors run until there is none.
struct FetchContext {
    ObjectStore& store;
    ArchiveCatalog& catalog;
    const KeyRing& keys;
    Executor disk;                ///< for what blocks: catalog, cache
    Executor cpu;                 ///< opens chunks: as many at once as it has threads
    RangeCache* cache = nullptr;  ///< none, or of a store that is not local
};

enum class Urgency : std::uint8_t { ahead, now };

/// Any thread. At most StoreCapabilities::parallel requests at once, whatever the number of
/// readers.
class ChunkFetcher : public std::enable_shared_from_this<ChunkFetcher> {
  public:
    explicit ChunkFetcher(FetchContext context) : context_(std::move(context)) {}

    /// Begins; every slot that is still held is done some time. now: before all that waits.
    void fetch(std::vector<ChunkRequest> requests, Urgency urgency);

  private:
    struct JobChunk {
        PackedChunk chunk;
        std::weak_ptr<ChunkSlot> slot;
    };
    /// One range of a pack. offset and length cover the chunks.
    struct Job {
        PackId pack{};
        std::uint32_t offset = 0;
        std::uint32_t length = 0;
        std::vector<JobChunk> chunks;
    };

    void resolve(std::vector<ChunkRequest> requests, Urgency urgency);
    void enqueue(std::vector<Job> jobs, Urgency urgency);
    void start_jobs();
    void end_request();
    static Awaitable<void> serve(std::shared_ptr<ChunkFetcher> self, Job job);
    Awaitable<std::vector<JobChunk>> serve_from_cache(Job& job);
    Awaitable<void> serve_from_store(Job job);
    Awaitable<void> serve_from_another(std::string name, Job job);
    Awaitable<void> keep(const Job& job, Buffer sealed);
    std::vector<JobChunk> open_chunks(const Job& job, ByteView sealed, bool last_try);
    void fail(Job job, Error error);
    static Job job_of(const PackId& pack, std::vector<JobChunk> chunks);

    const FetchContext context_;

    std::mutex mutex_;  ///< never held while anything is awaited, called back or opened
    std::deque<Job> queue_;
    std::size_t requests_ = 0;  ///< under way
    std::size_t keeping_ = 0;   ///< ranges being written to the cache
};

}  // namespace tapeloft::media
