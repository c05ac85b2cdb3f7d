// What the commands on tapes of Proxmox Backup Server found, as JSON, and as text for people.
#pragma once

#include <string>
#include <vector>

#include "media/pbs/store/restore.h"
#include "media/pbs/store/verifier.h"

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

[[nodiscard]] Json to_json(const media::ScannedTape& tape);
[[nodiscard]] Json unread_json(const media::Collection& collection);
[[nodiscard]] Json sets_json(const media::Collection& collection);
/// One archive or blob of a snapshot.
[[nodiscard]] Json file_json(const media::OpenSnapshot& snapshot, const media::SnapshotFile& file);
[[nodiscard]] Json plan_json(const media::RestorePlan& plan);
[[nodiscard]] Json to_json(const media::PbsVerifyReport& report);
[[nodiscard]] Json findings_json(const std::vector<media::TapeFinding>& findings);

// Each takes the JSON that the functions above made.
[[nodiscard]] std::string scan_report(const Json& scan);
[[nodiscard]] std::string pbs_verify_report(const Json& report);
[[nodiscard]] std::string restore_report(const Json& restored);

}  // namespace tapeloft::vtl::cli
