// A changer as Proxmox Backup Server 3.2 drives it, and what it makes of the answers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "vtl/doctor/pbs_rules.h"

namespace tapeloft::vtl::doctor {

struct PbsElement {
    std::uint16_t address = 0;
    bool full = false;
    std::string tag;  ///< of a full element
    std::optional<std::uint16_t> source;
    std::string serial;  ///< of a drive
};

struct PbsLibrary {
    std::vector<PbsElement> storage;
    std::vector<PbsElement> import_export;
    std::vector<PbsElement> drives;
    std::vector<PbsElement> transports;

    [[nodiscard]] const PbsElement* find(const std::string& tag) const;
};

/// The seven commands of a status query. Nothing, and why in `why`: it would fail.
[[nodiscard]] std::optional<PbsLibrary> pbs_changer_status(Unit& changer, std::string& why);
/// MOVE MEDIUM with a buffer for 64 bytes of data-in.
[[nodiscard]] std::string pbs_move(Unit& changer, std::uint16_t from, std::uint16_t to);

}  // namespace tapeloft::vtl::doctor
