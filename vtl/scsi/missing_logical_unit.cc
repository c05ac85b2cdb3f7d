#include "vtl/scsi/missing_logical_unit.h"

#include "vtl/scsi/command_table.h"

namespace tapeloft::vtl::scsi {
namespace {

Completion inquiry_of_missing_unit(const Task& task) {
    constexpr std::uint8_t kNotCapable = 0x60;  // peripheral qualifier 011b
    constexpr std::uint8_t kUnknownType = 0x1F;
    using AllocationLength = BigEndian<std::uint16_t, 3>;
    if (task.cdb[1] != 0) {
        return invalid_field_in_cdb(1, 0);
    }
    if (task.cdb[2] != 0) {
        return invalid_field_in_cdb(2, 7);
    }
    Bytes data(36);
    data[0] = kNotCapable | kUnknownType;
    data[2] = 0x06;  // SPC-4
    data[3] = 0x02;  // response data format
    data[4] = 36 - 5;
    return with_allocation_length(data, AllocationLength::load(task.cdb));
}

Completion unsupported() {
    return Completion::check_condition(SenseKey::illegal_request, asc::kLogicalUnitNotSupported);
}

Completion sense_of_missing_unit(const Task& task) {
    constexpr std::uint8_t kDescriptorFormat = 0x01;
    const auto sense = *unsupported().sense;
    if ((task.cdb[1] & kDescriptorFormat) != 0) {
        return with_allocation_length(encode_descriptor(sense), task.cdb[4]);
    }
    return with_allocation_length(encode_fixed(sense), task.cdb[4]);
}

}  // namespace

MissingLogicalUnit::MissingLogicalUnit(Executor executor, std::uint16_t logical_unit_count)
    : executor_(std::move(executor)), logical_unit_count_(logical_unit_count) {}

Awaitable<Completion> MissingLogicalUnit::execute(Task task) {
    switch (task.cdb[0]) {
        case opcode::kInquiry:
            co_return inquiry_of_missing_unit(task);
        case opcode::kReportLuns:
            co_return report_luns_data(logical_unit_count_, task);
        case opcode::kRequestSense:
            co_return sense_of_missing_unit(task);
        default:
            co_return unsupported();
    }
}

Awaitable<bool> MissingLogicalUnit::abort_task(ItNexusId /*nexus*/, TaskTag /*tag*/) {
    co_return false;
}

Awaitable<void> MissingLogicalUnit::abort_task_set(ItNexusId /*nexus*/) {
    co_return;
}

Awaitable<void> MissingLogicalUnit::clear_task_set(ItNexusId /*cause*/) {
    co_return;
}

Awaitable<void> MissingLogicalUnit::reset() {
    co_return;
}

}  // namespace tapeloft::vtl::scsi
