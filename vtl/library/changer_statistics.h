// What a changer counts in its life, and how it is kept over restarts (SMC-3, log page 14h).
#pragma once

#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::library {

struct ChangerStatistics {
    std::uint64_t moves = 0;  ///< cartridges that the robot carried to where they should go
    std::uint64_t picks = 0;  ///< that it took out of elements
    std::uint64_t places = 0;
    std::uint64_t volume_tags_read = 0;
    std::uint64_t library_door_opens = 0;    ///< a person's hand in slots or drives
    std::uint64_t mail_slot_door_opens = 0;  ///< a person's hand in mail slots
    std::uint64_t inventory_scans = 0;       ///< one a start
    std::uint64_t unrecovered_errors = 0;    ///< moves that drive or catalog failed
    friend bool operator==(const ChangerStatistics&, const ChangerStatistics&) = default;
};

/// A version byte, then the counters as 64-bit numbers, most significant byte first, in the order
/// above. Nothing: the bytes are of no version that is known.
[[nodiscard]] Bytes encode(const ChangerStatistics& statistics);
[[nodiscard]] std::optional<ChangerStatistics> decode_changer_statistics(ByteView bytes);

}  // namespace tapeloft::vtl::library
