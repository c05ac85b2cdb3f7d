// Checkpoints: what a stream amounts to, so that reading begins there and what no longer counts can
// be removed. Pure. A checkpoint is made from the stream as it was read, not from the catalog: it
// says nothing that the log did not say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cloud/base/result.h"

#include "media/log/log_entries.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {

/// Reading costs one request an object: fewer deltas than this are not worth a checkpoint.
inline constexpr std::size_t kCheckpointDeltasMin = 64;

/// How much of a stream still counts.
struct LogUse {
    std::size_t deltas = 0;   ///< since the newest checkpoint, or from the start
    std::size_t objects = 0;  ///< all that are read: retained, checkpoint, deltas
    std::size_t live = 0;     ///< of them: hold a map of a segment, or a pack, that is still there
};

/// True: at least kCheckpointDeltasMin deltas, and more than half of the objects are obsolete.
[[nodiscard]] bool checkpoint_due(const LogUse& use) noexcept;

struct Checkpoint {
    std::vector<LogEntry> entries;  ///< of the object, kind checkpoint
    /// Sequences of objects that may be removed once the checkpoint and its head are stored. A
    /// crash may leave some of them: they do no harm.
    std::vector<std::uint64_t> obsolete;
    LogUse use;  ///< of the stream before it
};

/// log: all of the stream, up to the object before the checkpoint. Errors: corrupt, as
/// replay_cartridge(); precondition (the cartridge was removed: nothing comes behind that).
[[nodiscard]] Result<Checkpoint> cartridge_checkpoint(const LogContents& log);
/// log: it may be trimmed by without_chunks(). Errors: corrupt, as replay_index().
[[nodiscard]] Result<Checkpoint> index_checkpoint(const LogContents& log);
/// A TrimLogObject of an index: packs without what is in them, 100 bytes a pack instead of 48 and
/// more a chunk.
void without_chunks(LogObject& object);
/// Each object of a library stream may be one: it retains nothing. head: before it.
[[nodiscard]] Checkpoint library_checkpoint(const StreamHead& head, const LibraryState& state);

}  // namespace tapeloft::media
