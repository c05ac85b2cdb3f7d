// Private to vtl/drive: the vital product data pages of a drive as rows (SSC-5; vendor pages).
#pragma once

#include <string>
#include <vector>

#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::drive {

struct DrivePageSource {
    const scsi::DriveModel* model = nullptr;
    std::string serial;
    std::string automation_serial;  ///< of the changer that serves the drive; empty: none
};

/// B0h and above, ascending.
[[nodiscard]] std::vector<scsi::VitalProductDataPage> drive_vital_product_data(
    const DrivePageSource& source);

}  // namespace tapeloft::vtl::drive
