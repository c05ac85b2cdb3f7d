// Subpages, of mode and log pages alike (SPC-5).
#pragma once

#include <cstdint>

namespace tapeloft::vtl::scsi {

inline constexpr std::uint8_t kSubpageFormat = 0x40;  ///< SPF, in the first byte of a page
inline constexpr std::uint8_t kAllSubpages = 0xFF;

}  // namespace tapeloft::vtl::scsi
