// Which bytes of an archive a selection needs, before they are fetched.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/path_selection.h"
#include "media/pbs/pxar/pxar_reader.h"

namespace tapeloft::media {

struct ByteRange {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    bool operator==(const ByteRange&) const = default;
};

/// Ranges as a sorted list without overlaps. Those that are near each other become one, and what
/// counts as near grows where there would be more than kRangesMax.
class RangeSet {
  public:
    /// Chunks are longer than this, so it costs next to nothing. In bytes.
    static constexpr std::uint64_t kNear = 64ULL * 1024;
    static constexpr std::size_t kRangesMax = 64UL * 1024;

    void add(std::uint64_t offset, std::uint64_t size);
    [[nodiscard]] std::vector<ByteRange> ranges() const;

  private:
    void merge();

    std::vector<ByteRange> ranges_;
    std::uint64_t near_ = kNear;
    std::size_t merge_at_ = 2 * kRangesMax;
};

struct FetchPlan {
    std::vector<ByteRange> archive;  ///< of the archive, or of the metadata stream
    std::vector<ByteRange> payload;  ///< of the payload stream, if there is one
};

/// What Restorer and TarExport will read for it, beside goodbye tables. A directory that is wanted
/// whole is one range and is not looked into; where links in it lead to files outside of what is
/// wanted, these are not in the plan. With globs, the entries of the directories below the first
/// glob are read. What is damaged is left out. Errors: the source's other than damage.
Awaitable<Result<FetchPlan>> plan_fetch(PxarReader& reader, PathSelection selection);

}  // namespace tapeloft::media
