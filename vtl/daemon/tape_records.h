// The records of one tape file, without a drive, put into memory of whoever asks.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/library/lent_cartridge.h"

#include "vtl/daemon/client_memory.h"
#include "vtl/daemon/tape_file_body.h"

namespace tapeloft::vtl::daemon {

/// Puts them there one behind the other, and returns their lengths: as many as are asked for, or
/// fewer (at least one) where the file ends, the next one cannot be read or has no room, or the
/// cartridge is wanted in a drive. Errors, all of the first record: not_found (no such partition,
/// file or record), unsupported (encrypted by a drive), invalid_argument (no room for it), those
/// of the Tape, of the cartridge, and of the room.
[[nodiscard]] Awaitable<Result<std::vector<std::uint64_t>>> read_records(
    media::LentCartridge& cartridge, TapeFile where, MemoryRoom room);

}  // namespace tapeloft::vtl::daemon
