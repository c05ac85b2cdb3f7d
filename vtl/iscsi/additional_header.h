// Additional Header Segments (RFC 7143, 11.2.2), as far as a SCSI Command may have them.
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::iscsi {

enum class AdditionalHeader : std::uint8_t {
    none,
    known,      ///< extended CDB or bidirectional read length, well-formed
    unknown,    ///< a type that RFC 7143 does not define
    malformed,  ///< lengths that do not fit
};

/// What the segments of one PDU are, the worst one counts. segments: a whole number of words.
[[nodiscard]] AdditionalHeader classify_additional_header(ByteView segments) noexcept;

}  // namespace tapeloft::vtl::iscsi
