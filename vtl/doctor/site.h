// Where the library is: handles on its changer and its drives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vtl/doctor/unit.h"

namespace tapeloft::vtl::doctor {

class Site {
  public:
    Site() = default;
    Site(const Site&) = delete;
    Site& operator=(const Site&) = delete;
    virtual ~Site() = default;

    /// A new handle, as open(2) gives one; several may be open at once. All for one thread.
    virtual Result<std::unique_ptr<Unit>> open_changer() = 0;
    virtual Result<std::unique_ptr<Unit>> open_drive() = 0;
    /// A handle for another thread.
    virtual Result<std::unique_ptr<Unit>> open_drive_beside() = 0;
};

/// Nodes of the Linux SCSI generic driver, as /dev/tape/by-id/scsi-<serial>-sg.
[[nodiscard]] std::unique_ptr<Site> make_sg_site(std::string changer, std::string drive);

/// A target, by libiscsi. url: "iscsi://[user@]host[:port]/target"; the changer is LUN 0. The
/// secret of CHAP is taken from the environment variable LIBISCSI_CHAP_PASSWORD, so that no list of
/// processes shows it. lun: of the drive, 1 or more. Nothing is contacted before the first open.
[[nodiscard]] Result<std::unique_ptr<Site>> make_iscsi_site(const std::string& url, int lun);

}  // namespace tapeloft::vtl::doctor
