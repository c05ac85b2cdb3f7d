// Files of segments of one cartridge that were cut off or have left the spool, kept to be written
// over: their pages are in memory and their blocks on the disk already. media/README.md, "Spare
// files", says why that is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>

#include "media/cartridge/archive_port.h"
#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

/// Of a tape that is open; blocks. A spare keeps its name. No row of the catalog says that its
/// number is in the spool, and none will: where it is left behind, recover_spool() takes it for
/// what it is and removes it. Spares do not count into the budget.
class SpareFiles {
  public:
    static constexpr std::size_t kMax = 16;

    SpareFiles(const SpoolContext& context, CartridgeId cartridge, const SpoolFiles& files)
        : context_(context), cartridge_(cartridge), files_(files) {}

    /// Takes over the file of `length` bytes of a segment whose row is gone. False: it is too small
    /// to be of use, or there are enough; the caller keeps it.
    bool keep(std::uint64_t number, std::uint64_t length);
    /// Where there is none, one that the archive kept: of a segment that is_stored() from now on.
    void fetch();
    /// One, or else one of the pool, which from now on is the caller's.
    std::optional<std::filesystem::path> take();
    /// Gives them to the pool, for any cartridge; the archive keeps none until the next fetch().
    void pass_on();
    /// Removes them all, the pool's too, as pass_on(). False: there was none.
    bool drop();
    [[nodiscard]] bool holds(std::uint64_t number) const noexcept;
    /// There is nothing for pass_on() to do.
    [[nodiscard]] bool empty() const noexcept { return spares_.empty() && !asked_; }

  private:
    void remove(const SpareFile& spare);

    const SpoolContext& context_;
    CartridgeId cartridge_;
    const SpoolFiles& files_;
    std::deque<SpareFile> spares_;  ///< the longest kept first
    bool asked_ = false;            ///< the archive keeps some
};

}  // namespace tapeloft::media
