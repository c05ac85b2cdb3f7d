// Reads cartridges back without a drive, and says what of them cannot be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/archive_parts.h"
#include "media/archive/chunk_fetcher.h"
#include "media/archive/segment_check.h"
#include "media/cartridge/spool.h"
#include "media/chunk/segment_map.h"

namespace tapeloft::media {

struct VerifyOptions {
    unsigned sample = 100;  ///< per cent of the segments, drawn at random; at least one
};

/// Objects side by side that cannot be read for one reason.
struct VerifyFinding {
    std::uint32_t partition = 0;
    std::uint64_t first_object = 0;  ///< of the partition
    std::uint64_t objects = 0;
    std::optional<PackId> pack;  ///< the one that is to blame; none: the map, or the spool
    std::uint64_t offset = 0;    ///< of the chunk in it
    std::string what;
};

struct CartridgeVerdict {
    static constexpr std::size_t kFindingsMax = 100;

    std::string barcode;
    std::uint64_t segments = 0;  ///< that were checked
    std::uint64_t not_drawn = 0;
    std::uint64_t being_written = 0;  ///< segments that are not sealed yet: not checked
    std::uint64_t records = 0;        ///< sound ones
    std::uint64_t bytes = 0;          ///< of them
    std::vector<VerifyFinding> findings;
    std::uint64_t findings_left_out = 0;

    [[nodiscard]] bool is_damaged() const noexcept { return !findings.empty(); }
    /// Everything that is on it was read.
    [[nodiscard]] bool is_whole() const noexcept { return not_drawn == 0 && being_written == 0; }
};

struct VerifyReport {
    std::vector<CartridgeVerdict> cartridges;

    [[nodiscard]] bool is_damaged() const noexcept;
};

/// On the archive's strand; one cartridge at a time. Memory: chunks of two batches (each kBatch of
/// plain bytes, or one segment if that is more), and 112 bytes a segment of the cartridge.
class Verifier {
  public:
    static constexpr std::uint64_t kBatch = 64ULL * 1024 * 1024;

    Verifier(ArchiveParts parts, SpoolContext spool);

    /// What was there at the beginning; what is cut off or written meanwhile is of no account.
    /// Chunks are fetched past the cache. A pack with a damaged chunk is distrusted from then on.
    /// Marks the cartridge damaged in the catalog, or no longer so where all of it was found sound,
    /// and tells an event. Errors: precondition (the store does not hold the library: nothing can
    /// be said), cancelled (StoreAccess::stop()), those of the catalog and of the spool's disk.
    Awaitable<Result<CartridgeVerdict>> run(CartridgeRecord cartridge, VerifyOptions options);

  private:
    struct Stored {
        SegmentRecord row;
        std::unique_ptr<SegmentMap> map;  ///< none: `broken` says why
        std::optional<SegmentPlan> plan;  ///< of map
        std::string broken;
    };
    using Batch = std::vector<Stored>;
    using Chunks = std::map<Fingerprint, Result<Buffer>>;

    Result<std::vector<SegmentRecord>> draw(const CartridgeRecord& cartridge,
                                            const VerifyOptions& options,
                                            CartridgeVerdict& verdict);
    Awaitable<Result<void>> verify_segments(const CartridgeRecord& cartridge,
                                            const std::vector<SegmentRecord>& rows,
                                            CartridgeVerdict& verdict);
    Awaitable<Result<bool>> verify_in_spool(const CartridgeRecord& cartridge, SegmentRecord row,
                                            CartridgeVerdict& verdict);
    Result<std::optional<SegmentRecord>> spooled_row(CartridgeId id, std::uint64_t number);
    [[nodiscard]] Result<std::optional<Stored>> load(CartridgeId id, const SegmentRecord& row);
    Awaitable<Result<void>> verify_batch(CartridgeId id, Batch batch, CartridgeVerdict& verdict);
    Awaitable<Result<void>> fetch(const Batch& batch);
    Awaitable<Result<void>> fetch_missing(const std::vector<ChunkRef>& wanted);
    void check_fingerprints(const std::vector<ChunkRef>& fetched);
    [[nodiscard]] std::vector<SegmentVerdict> judge(const Batch& batch) const;
    Result<void> take(CartridgeId id, const Stored& segment, const SegmentVerdict& judged,
                      CartridgeVerdict& verdict);
    [[nodiscard]] Result<std::optional<ChunkLocation>> blame(const ChunkRef& chunk);
    Awaitable<Result<void>> conclude(const CartridgeRecord& cartridge,
                                     const CartridgeVerdict& verdict);

    ArchiveParts parts_;
    SpoolContext spool_;
    std::shared_ptr<ChunkFetcher> fetcher_;
    std::mt19937_64 random_{std::random_device{}()};
    Chunks chunks_;    ///< of the batch
    Chunks previous_;  ///< of the one before, which may share some
};

}  // namespace tapeloft::media
