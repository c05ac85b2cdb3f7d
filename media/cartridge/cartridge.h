// A cartridge on the spool as a Tape.
#pragma once

#include <memory>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/cartridge/spool.h"
#include "media/segment/object_runs.h"  // kFilemarkCost

namespace tapeloft::media {

/// Opens a cartridge at BOP, for reading, and for writing unless record.write_protected. At most
/// one Tape for each cartridge at any time (the caller's inventory sees to it). All calls of the
/// Tape come from one strand, which need not be the one that opened it. End it with Tape::close():
/// what was written but not synced is lost otherwise, and the next open has to scan the tail.
/// Errors: io, no_space, invalid_argument (medium serial). corrupt: the catalog's
/// rows do not fit together. Other damage is reported when it is read.
[[nodiscard]] Awaitable<Result<std::unique_ptr<Tape>>> open_cartridge(CartridgeRecord record,
                                                                      SpoolContext context);

}  // namespace tapeloft::media
