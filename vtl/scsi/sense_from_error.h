// The only bridge from an Error of the layers below to sense data.
#pragma once

#include "cloud/base/result.h"

#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::scsi {

enum class Direction : std::uint8_t { reading, writing };

/// What was going on decides between UNRECOVERED READ ERROR and WRITE ERROR.
[[nodiscard]] Sense sense_from_error(const Error& error, Direction direction) noexcept;

}  // namespace tapeloft::vtl::scsi
