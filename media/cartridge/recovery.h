// Brings the segments of one cartridge that no row calls sealed into a sealed, gapless state.
// Blocks.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/result.h"

#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"
#include "media/catalog/catalog.h"

namespace tapeloft::media {

struct CartridgeRecovery {
    std::vector<SegmentRecord> rows;  ///< all of the cartridge, sealed
    bool cut = false;                 ///< something torn was cut off
    std::uint64_t bytes_before = 0;   ///< of the files it touched
    std::uint64_t bytes_after = 0;
};

/// Nothing is done where every row is sealed. README.md, "Recovery", says how and why. Errors: io,
/// no_space; those of the catalog.
[[nodiscard]] Result<CartridgeRecovery> recover_cartridge(const SpoolContext& context,
                                                          const CartridgeRecord& cartridge,
                                                          SpoolFiles& files);

}  // namespace tapeloft::media
