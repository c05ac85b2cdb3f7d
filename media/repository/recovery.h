// A library out of its object store: bucket plus key give back the catalog. media/FORMAT.md,
// "Reading, recovery".
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/log/replay.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// A cartridge as its stream tells of it, for a target to take in one transaction. A view: it is
/// good until add_cartridge() returns.
class RecoveredCartridge {
  public:
    RecoveredCartridge(const LogContents& log, const CartridgeReplay& replay,
                       const CartridgeState& state)
        : log_(log), replay_(replay), state_(state) {}

    [[nodiscard]] const StreamId& stream() const noexcept { return log_.stream; }
    [[nodiscard]] const StreamHead& head() const noexcept { return log_.head; }
    /// record.library is set; at most one cartridge an element, but any number outside.
    [[nodiscard]] const CartridgeState& state() const noexcept { return state_; }
    /// False: its element was taken, so that it is in another one than its log says.
    [[nodiscard]] bool is_as_logged() const noexcept {
        return state_.record.element == replay_.state.record.element;
    }
    [[nodiscard]] const std::vector<std::uint64_t>& capacities() const noexcept {
        return replay_.capacities;
    }
    /// In order of partition, then first object; all sealed, file_length 0: none has a file.
    [[nodiscard]] const std::vector<ReplayedSegment>& segments() const noexcept {
        return replay_.segments;
    }
    /// SegmentMap::encode() of a segment, read when it is asked for.
    [[nodiscard]] Result<Bytes> map(const ReplayedSegment& segment) const {
        return map_of(log_, segment);
    }

  private:
    const LogContents& log_;
    const CartridgeReplay& replay_;
    const CartridgeState& state_;
};

/// Where a library is recovered to: a fresh catalog, in a file of its own until finish(). Calls
/// come one at a time, on the disk executor, in the order in which they stand here. An error ends
/// the recovery, except where it is said.
class RecoveryTarget {
  public:
    RecoveryTarget() = default;
    RecoveryTarget(const RecoveryTarget&) = delete;
    RecoveryTarget& operator=(const RecoveryTarget&) = delete;
    virtual ~RecoveryTarget() = default;

    /// Once.
    virtual Result<void> add_library(const LibraryState& state, const StreamId& stream,
                                     const StreamHead& head) = 0;
    /// Any number of times, in the order of the index, and once at least where there is an index: a
    /// chunk that is known already is from now on found in the later pack.
    virtual Result<void> add_packs(std::span<const PackContents> packs, const StreamId& index,
                                   const StreamHead& head) = 0;
    /// For each cartridge. Errors: corrupt (a map, or a chunk of it that no pack has),
    /// already_exists (barcode or serial number), precondition and invalid_argument (the target's
    /// own rules): then nothing of it was added, and it goes to RecoveryReport::unreadable.
    virtual Result<void> add_cartridge(const RecoveredCartridge& cartridge) = 0;
    /// Once, where all of the rest went well: makes it durable.
    virtual Result<void> finish() = 0;
};

struct UnreadableCartridge {
    KnownCartridge cartridge;
    Error error;
};

struct RecoveryReport {
    std::string library;
    std::size_t packs = 0;
    std::size_t cartridges = 0;  ///< recovered
    std::size_t segments = 0;    ///< of them
    std::vector<LogFinding> findings;
    /// Cartridges whose stream is damaged; all else was recovered. While there are some, garbage
    /// collection would take away what they refer to: no daemon may run on the catalog unless a
    /// person says that they are given up.
    std::vector<UnreadableCartridge> unreadable;
};

struct RecoveryProgress {
    std::size_t cartridges_done = 0;
    std::size_t cartridges = 0;  ///< that the library names
};

/// Reads the library, index and cartridge streams of the repository, never a pack, and writes the
/// target. Cartridges are read kRecoveredAtOnce at a time, each whole in memory, compressed by
/// nothing: about 36 bytes a chunk and 4 a record. disk: where the target may block. progress: on
/// the caller's executor, after each cartridge. All must live until it returns. Errors: those of
/// open_repository(); not_found (no library stream), corrupt, unsupported (the library or index
/// stream); those of the store and of the target.
inline constexpr std::size_t kRecoveredAtOnce = 4;
[[nodiscard]] Awaitable<Result<RecoveryReport>> recover_library(
    ObjectStore& store, const KeyRing& keys, RecoveryTarget& target, Executor disk,
    std::function<void(const RecoveryProgress&)> progress);

}  // namespace tapeloft::media
