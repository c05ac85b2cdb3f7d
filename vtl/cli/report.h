// The daemon's answers as text for people.
#pragma once

#include <string>

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

// Each takes the JSON of the resource of the same name (vtl/daemon/README.md). A member that is
// missing or of another type throws Json::exception.
[[nodiscard]] std::string status_report(const Json& status);
[[nodiscard]] std::string library_report(const Json& library);
[[nodiscard]] std::string drives_report(const Json& drives);
[[nodiscard]] std::string cartridges_report(const Json& cartridges);
[[nodiscard]] std::string cartridge_report(const Json& cartridge);
[[nodiscard]] std::string export_report(const Json& answer);
[[nodiscard]] std::string mail_slots_report(const Json& answer);
[[nodiscard]] std::string move_report(const Json& move);
[[nodiscard]] std::string events_report(const Json& events);

}  // namespace tapeloft::vtl::cli
