// What both passes of a scan do.
#pragma once

#include <cstdint>
#include <vector>

#include "media/pbs/tape/tape_scan.h"

namespace tapeloft::media {

inline constexpr int kPbsLabels = 2;

/// The tape file behind so many that have records. Filemarks with nothing before them count as
/// tape files, and hold nothing.
[[nodiscard]] std::uint64_t behind(const std::vector<TapeFileExtent>& extents, int files) noexcept;

/// What stands behind a lost filemark becomes a tape file of its own. False: it is one.
[[nodiscard]] Awaitable<Result<bool>> tell_apart(SplitMedium& medium, std::uint64_t number,
                                                 ScannedTape& tape);
/// The same, of what TapeFile::end_inside() finds; all of the tape file is read.
[[nodiscard]] Awaitable<Result<bool>> tell_apart_at_end(SplitMedium& medium, std::uint64_t number,
                                                        ScannedTape& tape);

}  // namespace tapeloft::media
