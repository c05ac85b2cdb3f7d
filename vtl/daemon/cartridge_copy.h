// A cartridge copied from one library to another, record by record.
#pragma once

#include <functional>
#include <string>

#include "vtl/daemon/served_library.h"

namespace tapeloft::vtl::daemon {

struct CopyRequest {
    const ServedLibrary* from = nullptr;
    const ServedLibrary* to = nullptr;
    std::string barcode;
    /// The cartridge is deleted once its copy is stored and was read back, if nobody has had it in
    /// a drive meanwhile.
    bool move = false;
    std::function<bool()> go_on;  ///< false: the daemon ends, and so does the copy
};

/// Every partition with its records, also those that a drive encrypted, and filemarks; barcode,
/// capacity, kind, write protection and memory (MAM). The copy has a medium serial of its own. It
/// is stored, read back and compared before it gets a place: the first free slot, or outside of the
/// library. Whatever fails before, nothing is left of it; a host that wants the cartridge in a
/// drive makes it fail. Where only the deletion of a move fails, both are there, and the error says
/// so. Memory: 1 MiB or a record, and what the tapes hold. Errors: not_found, precondition (it is
/// in a drive; it was in one, and is not deleted), already_exists (the barcode), cancelled, corrupt
/// (what was read back is something else), those of tapes, spool and store.
[[nodiscard]] Awaitable<Result<media::CartridgeRecord>> copy_cartridge(CopyRequest request);

}  // namespace tapeloft::vtl::daemon
