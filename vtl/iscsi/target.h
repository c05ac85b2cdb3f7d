// One target as a portal offers it, and the SendTargets answer (RFC 7143, appendix C).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/chap.h"
#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::iscsi {

/// A target name, who may use it, and what is behind it. The logical units outlive every session.
struct TargetConfiguration {
    std::string name;                   ///< iqn., eui. or naa. form, lower case, at most 223 bytes
    std::string alias;                  ///< may be empty; at most 255 bytes
    std::vector<ChapAccount> accounts;  ///< empty: no authentication
    scsi::LogicalUnitMap units;         ///< units.missing must be set
};

/// What a SendTargets answer is made from.
struct SendTargetsContext {
    std::span<const TargetConfiguration> targets;
    std::string_view session_target;  ///< empty in a discovery session
    std::string_view portal_address;  ///< "192.0.2.1:3260" or "[2001:db8::1]:3260"
    std::uint16_t target_portal_group_tag = 1;
};

/// The records (TargetName, TargetAddress) for `value`: "All" (discovery sessions only), the name
/// of a target, or "" (the session's own target). Empty: no such target, or not allowed here.
[[nodiscard]] Bytes send_targets_records(const SendTargetsContext& context, std::string_view value);

/// The number of the logical unit that the 8-byte LUN field names (SAM-5, 4.7), if there are that
/// many units: single-level peripheral (00b, bus 0) or flat space (01b) addressing.
[[nodiscard]] std::optional<std::size_t> unit_number(std::uint64_t lun,
                                                     std::size_t units_count) noexcept;
/// The same as a logical unit; `missing` for every LUN without one.
[[nodiscard]] scsi::LogicalUnit& logical_unit_at(const scsi::LogicalUnitMap& units,
                                                 std::uint64_t lun) noexcept;

}  // namespace tapeloft::vtl::iscsi
