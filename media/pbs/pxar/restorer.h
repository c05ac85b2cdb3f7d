// Files of a pxar archive into a directory, with all that they were.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/restore_report.h"
#include "media/pbs/pxar/restore_tree.h"
#include "media/pbs/pxar/selection_walk.h"

namespace tapeloft::media {

/// Once. Writes with blocking calls on the thread it runs on.
///
/// Nothing that is in the target is replaced: a file that is there is a failure of that entry.
/// Directories may be there. A directory gets its attributes when all that is in it has been
/// restored: if it was selected, or was made here; the target itself only if the archive's root is
/// selected. A file that cannot be read whole is taken away again. Not as root, what the system
/// refuses (owners, devices, ...) is in the report.
///
/// Memory: the directories above the present file, the report.
class Restorer {
  public:
    static constexpr std::size_t kPiece = 1024UL * 1024;  ///< asked for at once

    Restorer(PxarReader& reader, PathSelection selection, std::filesystem::path target);

    /// Errors: no_space, io; the archive's other than damage; those of PxarWalk::next(). What was
    /// restored before stays.
    Awaitable<Result<void>> run();
    /// Also after an error.
    [[nodiscard]] const RestoreReport& report() const noexcept { return report_; }

  private:
    Awaitable<Result<void>> take(PxarEvent event);
    Awaitable<Result<void>> take_file(PxarEntry file);
    Awaitable<Result<void>> copy(const PxarEntry& file, RestoredFile& into, bool& written);
    Result<void> take_other(const PxarEntry& entry);
    Result<void> enter(PxarEvent event);
    Result<void> leave(const PxarEvent& event);
    Result<void> refuse(const PxarEntry& entry, Error error);

    PxarReader& reader_;
    SelectionWalk walk_;
    std::filesystem::path target_;
    std::optional<RestoreTree> tree_;
    std::vector<bool> made_;   ///< of the directories above
    std::size_t blocked_ = 0;  ///< directories above that are not there, from the first such on
    RestoreReport report_;
};

}  // namespace tapeloft::media
