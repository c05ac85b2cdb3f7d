// The names under which administrators know the elements of a library: "drive0", "slot5", "mail1".
#pragma once

#include <string>
#include <string_view>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"

namespace tapeloft::vtl::daemon {

/// Drives count from 0, as mtx and Proxmox Backup Server count them; slots and mail slots from 1.
[[nodiscard]] std::string element_name(media::Element element);

/// Errors: invalid_argument, which says what is allowed. Whether the library has it is not checked.
[[nodiscard]] Result<media::Element> parse_element_name(std::string_view name);

}  // namespace tapeloft::vtl::daemon
