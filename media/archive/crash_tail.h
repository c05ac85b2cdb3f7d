// What a crash can leave in a log behind the end that the catalog knows. Anything else there was
// written by another daemon, or from a newer state of this very catalog, which then is an old copy:
// to go on from it would cut off what was archived since. Pure. Errors: precondition, which says
// which of the two; corrupt (an entry that cannot be read).
#pragma once

#include <span>
#include <vector>

#include "cloud/base/result.h"

#include "media/catalog/archive_catalog.h"
#include "media/log/log_entries.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {

[[nodiscard]] Result<void> check_writer(const StreamId& stream, const LogTail& tail,
                                        const WriterId& writer);

/// One object of any kind, and behind it restatements, which append nothing; `removed` only where
/// the catalog still has it to say.
[[nodiscard]] Result<void> check_cartridge_tail(const StreamId& stream, const LogTail& tail,
                                                bool removal_pending);
/// The first object is a commit of what the catalog has: it cuts only where the catalog still has
/// that to say, or something that makes it of no account, and it appends segments that the catalog
/// has, or cut off. unstored: asked before facts, so that what is cut off in between shows there.
[[nodiscard]] Result<void> check_commit(const StreamId& stream, const LogTail& tail,
                                        const CheckpointFacts& facts,
                                        std::span<const SegmentRecord> unstored);

/// One object, as the next one is stored when the catalog knows it. removals: what the catalog was
/// about to remove.
[[nodiscard]] Result<void> check_index_tail(const StreamId& stream, const LogTail& tail,
                                            std::span<const PackId> removals);

/// The cartridges that the objects of a library name; the catalog has heads of all of them.
[[nodiscard]] Result<std::vector<KnownCartridge>> named_in(const LogTail& tail);

/// An object that this catalog would know if it were not an old copy.
[[nodiscard]] Error old_copy(const StreamId& stream, std::uint64_t sequence);

}  // namespace tapeloft::media
