// A Site that notes when an answer tells of another host at work.
#pragma once

#include "vtl/doctor/site.h"

namespace tapeloft::vtl::doctor {

class WatchedSite final : public Site {
  public:
    /// site outlives this, and this its units.
    explicit WatchedSite(Site& site) : site_(site) {}

    Result<std::unique_ptr<Unit>> open_changer() override;
    Result<std::unique_ptr<Unit>> open_drive() override;
    Result<std::unique_ptr<Unit>> open_drive_beside() override;

    /// In plain words, the first since the last call; empty if there was none. A unit attention may
    /// also be a fault of the library; the words leave that open.
    [[nodiscard]] std::string take_disturbance();

  private:
    [[nodiscard]] Result<std::unique_ptr<Unit>> watch(Result<std::unique_ptr<Unit>> unit);

    Site& site_;
    std::string disturbance_;
};

}  // namespace tapeloft::vtl::doctor
