// The rules by which Proxmox Backup Server 3.2 takes or refuses the answer to any command. Outcomes
// are "GOOD", key/ASC/ASCQ as "00/00/01", or why PBS would not understand the answer.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "vtl/doctor/unit.h"

namespace tapeloft::vtl::doctor {

using Cdb = std::vector<std::uint8_t>;

/// What its command runner makes of a reply. buffer: how much it had asked for.
[[nodiscard]] std::string pbs_outcome(const Result<Reply>& reply, std::size_t buffer);
/// How long it waits for this command of a drive or a changer.
[[nodiscard]] std::chrono::seconds pbs_timeout(const Cdb& cdb);
/// Text of a fixed length as it shows it: without NULs, then without blanks at the end.
[[nodiscard]] std::string pbs_text(ByteView bytes);

}  // namespace tapeloft::vtl::doctor
