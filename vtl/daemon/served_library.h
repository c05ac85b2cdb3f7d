// What the daemon serves, as the administration sees it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "cloud/base/event_log.h"

#include "media/archive/archive.h"
#include "media/cartridge/spool.h"
#include "media/library/incoming_cartridges.h"

#include "vtl/drive/tape_drive.h"
#include "vtl/library/media_changer.h"
#include "vtl/net/portal.h"

namespace tapeloft::vtl::daemon {

/// One library. Everything pointed to outlives whoever holds this; no pointer is null.
struct ServedLibrary {
    std::string name;
    std::string target_name;
    std::string changer_serial;
    std::string drive_model;
    std::string store;  ///< URL, as it is configured
    library::MediaChanger* changer = nullptr;
    std::vector<drive::TapeDrive*> drives;  ///< index = drive number
    const media::SpoolBudget* spool = nullptr;
    media::Archive* archive = nullptr;
    media::IncomingCartridges* incoming = nullptr;
};

struct ServedSystem {
    std::vector<ServedLibrary> libraries;  ///< at least one
    std::vector<net::Endpoint> portals;
    std::function<std::vector<net::SessionSnapshot>()> sessions;  ///< any thread
    std::function<bool()> ready;                                  ///< hosts may log in; any thread
    EventLog* events = nullptr;
    std::chrono::steady_clock::time_point started;
};

}  // namespace tapeloft::vtl::daemon
