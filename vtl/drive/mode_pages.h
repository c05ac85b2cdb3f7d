// The mode pages of a drive as rows (SPC-5; SSC-5).
#pragma once

#include <vector>

#include "vtl/scsi/mode_pages.h"

namespace tapeloft::vtl::drive {

[[nodiscard]] std::vector<scsi::ModePage> mode_pages_of_drive();

}  // namespace tapeloft::vtl::drive
