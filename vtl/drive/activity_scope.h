// Private to vtl/drive.
#pragma once

#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {

class TapeDrive::ActivityScope {
  public:
    ActivityScope(TapeDrive& drive, Activity activity) : drive_(drive) {
        drive_.activity_ = activity;
    }
    ActivityScope(const ActivityScope&) = delete;
    ActivityScope& operator=(const ActivityScope&) = delete;
    ~ActivityScope() { drive_.activity_ = Activity::none; }

  private:
    TapeDrive& drive_;
};

}  // namespace tapeloft::vtl::drive
