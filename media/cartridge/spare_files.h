// Files of segments that were cut off, kept to be written over: their pages are in memory and their
// blocks on the disk already. media/README.md, "Spare files", says why that is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

/// Of one cartridge; blocks. A spare keeps its name. No row of the catalog has its number any more,
/// and none will: where it is left behind, recover_spool() takes it for what it is and removes it.
/// Spares do not count into the budget.
class SpareFiles {
  public:
    static constexpr std::size_t kMax = 16;

    SpareFiles(const SpoolContext& context, const SpoolFiles& files)
        : context_(context), files_(files) {}

    /// Takes over the file of `length` bytes of a segment whose row is gone. False: it is too small
    /// to be of use, or there are enough; the caller keeps it.
    bool keep(std::uint64_t number, std::uint64_t length);
    /// The number of one, which from now on is the caller's.
    std::optional<std::uint64_t> take();
    /// Removes them all. False: there was none.
    bool drop();
    [[nodiscard]] bool empty() const noexcept { return spares_.empty(); }

  private:
    struct Spare {
        std::uint64_t number = 0;
        std::uint64_t length = 0;
    };

    const SpoolContext& context_;
    const SpoolFiles& files_;
    std::deque<Spare> spares_;  ///< the longest kept first
};

}  // namespace tapeloft::media
