// Gives back what nobody refers to any more: two phases with a grace time between them, and partly
// dead packs rewritten where that pays. media/FORMAT.md, "Invariants", has the order of steps.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/archive/archive_parts.h"
#include "media/archive/archiver.h"
#include "media/archive/metadata_log.h"
#include "media/pack/pack_writer.h"

namespace tapeloft::media {

struct CollectOptions {
    /// Only says what would be done; nothing but references that are void go.
    bool dry_run = false;
    std::chrono::seconds grace{86'400};  ///< between condemned and removed
    /// A pack of which less than this share (per cent) is alive is rewritten.
    unsigned rewrite_below = 50;
};

struct CollectReport {
    std::uint64_t packs = 0;  ///< before
    std::uint64_t pack_bytes = 0;
    std::uint64_t condemned = 0;  ///< packs nothing refers to, that wait for their grace time
    std::uint64_t condemned_bytes = 0;
    std::uint64_t rewritten = 0;        ///< packs whose living chunks went into new ones
    std::uint64_t rewritten_bytes = 0;  ///< of those chunks
    std::uint64_t removed = 0;
    std::uint64_t removed_bytes = 0;
    std::uint64_t retained = 0;  ///< packs that the store refuses to remove yet; nothing is lost
    std::uint64_t retained_bytes = 0;
    std::optional<std::int64_t> retained_until_unix_s;  ///< when the first of these can go
    /// Packs that the store does not let go for a reason without a date (a legal hold, keys that
    /// may not delete, a delete marker), and the last of these reasons. Each run tries again.
    std::uint64_t refused = 0;
    std::string refusal;
    std::uint64_t unreadable = 0;  ///< packs that were to be rewritten and are damaged or missing
};

/// What runs of one process tell each other.
struct PacksThatStay {
    std::set<PackId> logged;   ///< as removed, and the store has not let them go
    std::set<PackId> refused;  ///< by the store, and somebody was told
};

/// On the archive's strand. Each step waits for a moment in which nothing is archived; a crash at
/// any point leaves what the next run goes on with.
class Collector {
  public:
    Collector(ArchiveParts parts, Archiver& archiver, std::string library, PacksThatStay& staying)
        : parts_(std::move(parts)),
          archiver_(archiver),
          library_(std::move(library)),
          log_(parts_, library_),
          staying_(staying) {}

    /// now_unix_s: any clock that does not run backwards by more than the grace time. Errors: as
    /// StoreAccess::until_done(); those of the catalog.
    Awaitable<Result<CollectReport>> run(CollectOptions options, std::int64_t now_unix_s);

  private:
    Awaitable<Result<void>> drop_dead_maps();
    Awaitable<Result<void>> judge(const PackRecord& pack, const CollectOptions& options,
                                  std::int64_t now, CollectReport& report);
    Awaitable<Result<bool>> rewrite(PackId pack, CollectReport& report);
    Awaitable<Result<void>> copy_living(PackId pack, CollectReport& report, bool& rewritten);
    Awaitable<Result<void>> copy_chunks(PackId pack, const std::vector<PackedChunk>& chunks,
                                        std::optional<PackWriter::Pack>& made);
    [[nodiscard]] Result<PackWriter::Pack> reseal(const PackId& pack,
                                                  const std::vector<PackedChunk>& chunks,
                                                  ByteView object) const;
    Awaitable<Result<bool>> begin_removal(PackId pack);
    Awaitable<Result<void>> decide_removal(PackId pack, bool& begun);
    Awaitable<Result<bool>> is_retained(PackId pack, CollectReport& report);
    Awaitable<Result<bool>> remove(PackId pack, CollectReport& report);
    void note_refused(PackId pack, const Error& why, CollectReport& report);
    Awaitable<Result<void>> finish_removals(CollectReport& report);
    Awaitable<Result<void>> remove_ended_streams();

    ArchiveParts parts_;
    Archiver& archiver_;
    std::string library_;
    MetadataLog log_;
    PacksThatStay& staying_;
};

}  // namespace tapeloft::media
