// Barcodes (volume tags): what a legal one is, which generation its suffix names, and ranges of
// them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft::media {

/// A generation of LTO media, named by the last two characters of a barcode.
struct Generation {
    std::string_view suffix;            ///< "L9"
    std::string_view name;              ///< "LTO-9"
    std::uint64_t native_capacity = 0;  ///< bytes; 0: it holds no data
    std::string_view worm_suffix;       ///< "LZ"; empty: there is no WORM cartridge of it
};

/// What a barcode says of its cartridge.
struct Marking {
    Generation generation;  ///< of a universal cleaning cartridge: suffix "CU"
    bool worm = false;
    bool cleaning = false;
};

/// All that we know, oldest first.
[[nodiscard]] std::span<const Generation> generations() noexcept;

inline constexpr std::size_t kBarcodeLength = 8;  ///< 6 characters and the suffix
inline constexpr std::size_t kBarcodesInRangeMax = 10'000;

/// What a legal barcode says: 6 characters `[A-Za-z0-9_][A-Za-z0-9._-]*`, then a suffix from
/// generations(); or `CLN[A-Z0-9]{3}` and such a suffix or "CU", which is a cleaning cartridge.
/// Errors: invalid_argument, which says what is allowed.
[[nodiscard]] Result<Marking> marking_of(std::string_view barcode);

/// "TL0001L9" is that barcode; "TL0001L9..TL0020L9" all 20 in order. Both ends must have the same
/// letters in front, as many digits, and the same suffix; at most kBarcodesInRangeMax.
/// Errors: invalid_argument, which says what is wrong.
[[nodiscard]] Result<std::vector<std::string>> expand_barcodes(std::string_view range);

}  // namespace tapeloft::media
