#include "vtl/scsi/command_table.h"

#include <algorithm>
#include <bit>

namespace tapeloft::vtl::scsi {
namespace {

using ReportedServiceAction = BigEndian<std::uint16_t, 4>;  // requested, CDB of SPC-5
using ReportedAllocationLength = BigEndian<std::uint32_t, 6>;

bool has_service_action(const CommandRow& row) noexcept {
    return row.service_action != service_action::kNone;
}

void append(Bytes& bytes, std::uint64_t value, std::size_t width) {
    for (std::size_t i = width; i-- > 0;) {
        bytes.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

// Command timeouts descriptor (SPC-5).
void append_timeouts(Bytes& bytes, const CommandRow& row) {
    append(bytes, 0x000A, 2);
    append(bytes, 0, 2);
    append(bytes, row.timeout_s / 2U, 4);
    append(bytes, row.timeout_s, 4);
}

Bytes all_commands(std::span<const CommandRow> rows, bool timeouts) {
    Bytes bytes(4);
    for (const CommandRow& row : rows) {
        append(bytes, row.opcode, 1);
        append(bytes, 0, 1);
        append(bytes, has_service_action(row) ? static_cast<std::uint16_t>(row.service_action) : 0U,
               2);
        append(bytes, 0, 1);
        append(bytes, (timeouts ? 0x02U : 0U) | (has_service_action(row) ? 0x01U : 0U), 1);
        append(bytes, row.cdb_length, 2);
        if (timeouts) {
            append_timeouts(bytes, row);
        }
    }
    store_big_endian<4>(bytes, bytes.size() - 4);
    return bytes;
}

Bytes one_command(const CommandRow* row, bool timeouts) {
    constexpr std::uint8_t kNotSupported = 0x01;
    constexpr std::uint8_t kSupportedAsInTheStandard = 0x03;
    constexpr std::uint8_t kTimeoutsPresent = 0x80;
    Bytes bytes(4);
    if (row == nullptr) {
        bytes[1] = kNotSupported;
        return bytes;
    }
    bytes[1] = kSupportedAsInTheStandard;
    store_big_endian<2>(MutableByteView(bytes).subspan(2), row->cdb_length);
    bytes.insert(bytes.end(), row->usage.begin(), row->usage.begin() + row->cdb_length);
    if (timeouts) {
        bytes[1] |= kTimeoutsPresent;
        append_timeouts(bytes, *row);
    }
    return bytes;
}

Completion illegal_field(AdditionalSense additional, bool in_cdb, std::uint16_t byte,
                         std::optional<std::uint8_t> bit) {
    Sense sense;
    sense.key = SenseKey::illegal_request;
    sense.additional = additional;
    sense.field = FieldPointer{in_cdb, byte, bit};
    return Completion::check_condition(sense);
}

}  // namespace

Lookup find_command(std::span<const CommandRow> rows, const CdbBytes& cdb) noexcept {
    const auto first = std::lower_bound(
        rows.begin(), rows.end(), cdb[0],
        [](const CommandRow& row, std::uint8_t opcode) { return row.opcode < opcode; });
    Lookup found;
    for (auto row = first; row != rows.end() && row->opcode == cdb[0]; ++row) {
        found.opcode_known = true;
        if (!has_service_action(*row) || row->service_action == (cdb[1] & kServiceActionMask)) {
            found.row = &*row;
            break;
        }
    }
    return found;
}

std::optional<FieldPointer> first_unused_bit_set(const CommandRow& row,
                                                 const CdbBytes& cdb) noexcept {
    for (std::uint16_t i = 1; i < row.cdb_length; ++i) {
        unsigned used = row.usage[i];
        if (i == 1 && has_service_action(row)) {
            used |= kServiceActionMask;
        }
        const auto unused = static_cast<std::uint8_t>(cdb[i] & ~used);
        if (unused != 0) {
            const auto bit = static_cast<std::uint8_t>(std::bit_width(unused) - 1);
            return FieldPointer{true, i, bit};
        }
    }
    return {};
}

Completion illegal_request(AdditionalSense additional) {
    return Completion::check_condition(SenseKey::illegal_request, additional);
}

Completion invalid_field_in_cdb(std::uint16_t byte, std::optional<std::uint8_t> bit) {
    return illegal_field(asc::kInvalidFieldInCdb, true, byte, bit);
}

Completion invalid_field_in_parameter_list(std::uint16_t byte, std::optional<std::uint8_t> bit) {
    return illegal_field(asc::kInvalidFieldInParameterList, false, byte, bit);
}

Completion with_allocation_length(ByteView data, std::size_t allocation_length) {
    return Completion::with_data(
        Buffer::copy_of(data.first(std::min(data.size(), allocation_length))));
}

Completion report_supported_operation_codes(std::span<const CommandRow> rows, const Task& task) {
    enum : std::uint8_t { all = 0, by_opcode = 1, by_service_action = 2, by_either = 3 };
    const bool timeouts = (task.cdb[2] & 0x80U) != 0;
    const auto options = static_cast<std::uint8_t>(task.cdb[2] & 0x07U);
    const std::size_t allocation_length = ReportedAllocationLength::load(task.cdb);
    if (options == all) {
        return with_allocation_length(all_commands(rows, timeouts), allocation_length);
    }
    if (options > by_either) {
        return invalid_field_in_cdb(2, 2);
    }
    const std::uint16_t requested_action = ReportedServiceAction::load(task.cdb);
    CdbBytes requested{};
    requested[0] = task.cdb[3];
    requested[1] = static_cast<std::uint8_t>(requested_action & kServiceActionMask);
    const Lookup found = find_command(rows, requested);
    const CommandRow* row = requested_action > kServiceActionMask ? nullptr : found.row;
    const bool takes_action =
        found.opcode_known && (found.row == nullptr || has_service_action(*found.row));
    if (options == by_opcode && takes_action) {
        return invalid_field_in_cdb(2, 2);
    }
    if (options == by_service_action && found.opcode_known && !takes_action) {
        return invalid_field_in_cdb(2, 2);
    }
    if (options == by_either && !takes_action && requested_action != 0) {
        row = nullptr;
    }
    if (options == by_opcode) {
        row = found.row;
    }
    return with_allocation_length(one_command(row, timeouts), allocation_length);
}

}  // namespace tapeloft::vtl::scsi
