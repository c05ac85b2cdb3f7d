// Proxmox Backup Server (vtl/doctor) over a session of libiscsi.
#pragma once

#include <optional>
#include <string>

#include "vtl/doctor/pbs_changer.h"
#include "vtl/doctor/pbs_drive.h"

#include "tests/host/scsi_host.h"

namespace tapeloft::tests {

using vtl::doctor::Cdb;
using vtl::doctor::PbsElement;
using vtl::doctor::PbsLibrary;

class HostUnit final : public vtl::doctor::Unit {
  public:
    /// host outlives this.
    HostUnit(ScsiHost& host, int lun) : host_(&host), lun_(lun) {}
    Result<vtl::doctor::Reply> in(std::span<const std::uint8_t> cdb, std::size_t length,
                                  std::chrono::seconds timeout) override;
    Result<vtl::doctor::Reply> out(std::span<const std::uint8_t> cdb, ByteView data,
                                   std::chrono::seconds timeout) override;

  private:
    ScsiHost* host_;
    int lun_;
};

struct HostUnitMember {
    HostUnit unit;
};

class PbsDrive : private HostUnitMember, public vtl::doctor::PbsDrive {
  public:
    PbsDrive(ScsiHost& host, int lun)
        : HostUnitMember{HostUnit(host, lun)}, vtl::doctor::PbsDrive(unit) {}
};

// What pbs_outcome() gives.
inline constexpr const char* kGood = "GOOD";
inline constexpr const char* kFilemark = "00/00/01";
inline constexpr const char* kEarlyWarning = "00/00/02";
inline constexpr const char* kEndOfData = "08/00/05";
inline constexpr const char* kNoMedium = "02/3A/00";

[[nodiscard]] std::string pbs_outcome(const Result<Reply>& reply, std::size_t buffer);
[[nodiscard]] std::optional<PbsLibrary> pbs_changer_status(ScsiHost& host, std::string& why);
[[nodiscard]] std::string pbs_move(ScsiHost& host, std::uint16_t from, std::uint16_t to);

}  // namespace tapeloft::tests
