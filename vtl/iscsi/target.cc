#include "vtl/iscsi/target.h"

#include "cloud/base/contract.h"

#include "vtl/iscsi/iscsi_name.h"
#include "vtl/iscsi/text_keys.h"

namespace tapeloft::vtl::iscsi {

Bytes send_targets_records(const SendTargetsContext& context, std::string_view value) {
    const bool discovery = context.session_target.empty();
    const bool all = value == "All";
    const auto name =
        value.empty() ? std::string(context.session_target) : normalised_iscsi_name(value);
    const bool allowed = all ? discovery : discovery || name == context.session_target;
    Bytes records;
    if (!allowed) {
        return records;
    }
    for (const auto& target : context.targets) {
        if (all || target.name == name) {
            append_text_pair(records, "TargetName", target.name);
            append_text_pair(records, "TargetAddress",
                             std::string(context.portal_address) + "," +
                                 std::to_string(context.target_portal_group_tag));
        }
    }
    return records;
}

std::optional<std::size_t> unit_number(std::uint64_t lun, std::size_t units_count) noexcept {
    constexpr std::uint64_t kLowerLevels = 0x0000FFFFFFFFFFFF;
    constexpr unsigned kPeripheral = 0;
    constexpr unsigned kFlatSpace = 1;
    const auto first_level = static_cast<unsigned>(lun >> 48U);
    const auto method = first_level >> 14U;
    const bool single_level = (lun & kLowerLevels) == 0;
    const auto number = first_level & 0x3FFFU;
    const bool understood = method == kFlatSpace || (method == kPeripheral && number <= 0xFF);
    if (!single_level || !understood || number >= units_count) {
        return std::nullopt;
    }
    return number;
}

scsi::LogicalUnit& logical_unit_at(const scsi::LogicalUnitMap& units, std::uint64_t lun) noexcept {
    TL_ASSERT(units.missing != nullptr);
    const auto number = unit_number(lun, units.units.size());
    return number ? *units.units[*number] : *units.missing;
}

}  // namespace tapeloft::vtl::iscsi
