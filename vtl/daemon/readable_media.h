// Which cartridges make sense in a library: those that its drives can read.
#pragma once

#include <string>
#include <string_view>

#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

/// drive_model: a row of scsi::drive_models(). Errors: invalid_argument (no barcode), unsupported
/// (a generation that these drives cannot read); the message says what is allowed.
[[nodiscard]] Result<void> check_readable(std::string_view drive_model, std::string_view barcode);

}  // namespace tapeloft::vtl::daemon
