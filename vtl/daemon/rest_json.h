// Facts of the library as JSON. vtl/daemon/README.md lists every member.
#pragma once

#include <nlohmann/json.hpp>

#include "cloud/base/event_log.h"

#include "vtl/daemon/served_library.h"

namespace tapeloft::vtl::daemon {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json to_json(const drive::DriveStatus& status);
[[nodiscard]] Json to_json(const library::ElementView& view);
[[nodiscard]] Json to_json(const media::CartridgeRecord& cartridge);
[[nodiscard]] Json to_json(const net::SessionSnapshot& session);
[[nodiscard]] Json to_json(const Event& event);
[[nodiscard]] Json to_json(const Error& error);

/// The text of it. Bytes that are not UTF-8 (a host may name itself as it likes) become U+FFFD.
[[nodiscard]] std::string to_text(const Json& json);

}  // namespace tapeloft::vtl::daemon
