// The tape files of a partition: what stands between its filemarks.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"

namespace tapeloft::media {

struct TapeFileExtent {
    std::uint64_t records = 0;
    bool has_filemark = false;  ///< false: end of data follows its last record

    friend bool operator==(const TapeFileExtent&, const TapeFileExtent&) = default;
};

/// The files from number `first` on, `count_max` of them at most, of the current partition; none
/// from end of data on. Reads no record; moves the position. Errors: those of the Tape.
[[nodiscard]] Awaitable<Result<std::vector<TapeFileExtent>>> tape_layout(Tape& tape,
                                                                         std::uint64_t first,
                                                                         std::size_t count_max);

}  // namespace tapeloft::media
