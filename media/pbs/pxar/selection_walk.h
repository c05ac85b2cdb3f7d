// Through what is wanted of a pxar archive, in its order.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/path_selection.h"
#include "media/pbs/pxar/pxar_walk.h"

namespace tapeloft::media {

/// Events of PxarWalk for what a selection wants, and for the directories on the way to it (these
/// once something in them is met). Paths with no glob are found by goodbye tables alone; with
/// globs, what is under the directory before the first glob is gone through, except for directories
/// that cannot hold a match.
///
/// A hard link whose target is not among what is wanted, or could not be taken, comes as the file
/// itself under the link's path; further links to it link to that. One whose target was lost to
/// damage is damage too.
class SelectionWalk {
  public:
    /// Most targets that are remembered; what links beyond comes as files.
    static constexpr std::size_t kTargetsMax = 1'000'000;

    SelectionWalk(PxarReader& reader, PathSelection selection);

    /// As PxarWalk::next().
    Awaitable<Result<std::optional<PxarEvent>>> next();
    /// As PxarWalk::skip() and end_of_current(), where the last event was a selected directory.
    void skip() noexcept { walk_.skip(); }
    Awaitable<Result<std::uint64_t>> end_of_current() { return walk_.end_of_current(); }
    /// A file that next() returned could not be taken: nothing can link to it.
    void failed(const PxarEntry& file);
    /// After the end: patterns that matched nothing.
    [[nodiscard]] std::vector<std::string> unmatched() const;

  private:
    struct Above {
        PxarEntry entry;
        bool told = false;
        bool selected = false;
    };

    Awaitable<Result<void>> find_starts();
    Awaitable<Result<void>> add_start(std::size_t pattern);
    bool begin_next();
    Awaitable<Result<void>> take(PxarEvent event);
    Awaitable<Result<void>> take_entry(PxarEntry entry);
    Awaitable<Result<PxarEvent>> resolve(PxarEntry link);
    [[nodiscard]] bool is_wanted(const PxarEvent& damage) const;
    void tell_above();
    void leave_down_to(std::size_t depth);

    PxarReader& reader_;
    PathSelection selection_;
    PxarWalk walk_;
    std::vector<bool> hits_;
    std::vector<PxarRoute> starts_;  ///< by position; none lies in another
    std::size_t next_start_ = 0;
    bool prepared_ = false;
    bool walking_ = false;
    std::vector<Above> above_;
    std::deque<PxarEvent> ready_;
    std::map<std::uint64_t, std::string> stand_ins_;  ///< position of a target: what came for it
    std::set<std::uint64_t> failed_;                  ///< positions of targets
    bool damage_met_ = false;                         ///< there may be targets that never came
};

}  // namespace tapeloft::media
