// Private to vtl/drive.
#pragma once

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {

class TapeDrive::ActivityScope {
  public:
    ActivityScope(TapeDrive& drive, Activity activity)
        : drive_(drive), start_(std::chrono::steady_clock::now()) {
        drive_.activity_ = activity;
    }
    ActivityScope(const ActivityScope&) = delete;
    ActivityScope& operator=(const ActivityScope&) = delete;
    ~ActivityScope() {
        using std::chrono::microseconds;
        const auto time = std::chrono::steady_clock::now() - start_;
        drive_.ledger_.count_motion(
            static_cast<std::uint64_t>(std::chrono::duration_cast<microseconds>(time).count()));
        drive_.activity_ = Activity::none;
    }

  private:
    TapeDrive& drive_;
    const std::chrono::steady_clock::time_point start_;
};

}  // namespace tapeloft::vtl::drive
