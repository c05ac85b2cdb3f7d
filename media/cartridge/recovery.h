// Brings the segments of one cartridge that no row calls sealed into a sealed, gapless state.
// Blocks.
#pragma once

#include <cstdint>

#include "cloud/base/result.h"

#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"
#include "media/catalog/catalog.h"

namespace tapeloft::media {

struct CartridgeRecovery {
    bool cut = false;                ///< something torn was cut off
    std::uint64_t bytes_before = 0;  ///< of the files it touched
    std::uint64_t bytes_after = 0;
};

/// Loads no row of a sealed segment, and does nothing where every one is sealed; afterwards all
/// are. README.md, "Recovery", says how and why. Errors: io, no_space; those of the catalog.
[[nodiscard]] Result<CartridgeRecovery> recover_cartridge(const SpoolContext& context,
                                                          const CartridgeRecord& cartridge,
                                                          SpoolFiles& files);

}  // namespace tapeloft::media
