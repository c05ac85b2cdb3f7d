// A tape drive as a bay of the changer: neither of the two knows the other.
#pragma once

#include "vtl/drive/tape_drive.h"
#include "vtl/library/drive_bay.h"

namespace tapeloft::vtl::daemon {

class TapeDriveBay final : public library::DriveBay {
  public:
    /// drive outlives the bay.
    explicit TapeDriveBay(drive::TapeDrive& drive) : drive_(drive) {}

    [[nodiscard]] library::DriveIdentity identity() const override;
    Awaitable<Result<void>> insert(media::OpenCartridge cartridge,
                                   std::optional<scsi::ItNexusId> mover) override;
    Awaitable<Result<library::RemovedCartridge>> remove() override;

  private:
    drive::TapeDrive& drive_;
};

}  // namespace tapeloft::vtl::daemon
