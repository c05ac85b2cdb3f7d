// MAINTENANCE IN and OUT: the service actions that every device type shares (SPC-5).
#include "vtl/scsi/device_server.h"

namespace tapeloft::vtl::scsi {
namespace {

using MaintenanceAllocationLength = BigEndian<std::uint32_t, 6>;  // CDB, of all of them

constexpr std::string_view kIdentifyingInformationValue = "identifying_information";

}  // namespace

Completion DeviceServer::supported_operation_codes(const Task& task) {
    return report_supported_operation_codes(commands_, task);
}

// One group of the one target port, active/optimized for ever (SPC-5, 6.42).
Completion DeviceServer::report_target_port_groups(const Task& task) {
    constexpr std::uint8_t kLengthOnlyHeader = 0;
    constexpr std::uint8_t kExtendedHeader = 1;
    constexpr std::uint8_t kActiveOptimizedSupported = 0x01;
    const auto format = static_cast<std::uint8_t>(task.cdb[1] >> 5U);
    if (format != kLengthOnlyHeader && format != kExtendedHeader) {
        return invalid_field_in_cdb(1, 7);
    }
    Bytes data(4);
    if (format == kExtendedHeader) {
        const Bytes header = {kExtendedHeader << 4U, 0, 0, 0};
        data.insert(data.end(), header.begin(), header.end());
    }
    const auto group = identity_.target_portal_group_tag;
    const Bytes descriptor = {0,
                              kActiveOptimizedSupported,
                              static_cast<std::uint8_t>(group >> 8U),
                              static_cast<std::uint8_t>(group & 0xFFU),
                              0,
                              0,
                              0,
                              1,  // one port
                              0,
                              0,
                              0,
                              kRelativeTargetPort};
    data.insert(data.end(), descriptor.begin(), descriptor.end());
    store_big_endian<4>(data, data.size() - 4);
    return with_allocation_length(data, MaintenanceAllocationLength::load(task.cdb));
}

// SPC-5, 6.41; what iSCSI carries (RFC 7143, 11.5.1) and SAM-5 still names.
Completion DeviceServer::report_supported_task_management_functions(const Task& task) {
    constexpr std::uint8_t kAbortTask = 0x80;
    constexpr std::uint8_t kAbortTaskSet = 0x40;
    constexpr std::uint8_t kClearTaskSet = 0x10;
    constexpr std::uint8_t kLogicalUnitReset = 0x08;
    constexpr std::uint8_t kReturnExtendedData = 0x80;
    constexpr std::uint8_t kExtendedLength = 16;  // with time-outs, none of which is known
    Bytes data = {kAbortTask | kAbortTaskSet | kClearTaskSet | kLogicalUnitReset, 0, 0, 0};
    if ((task.cdb[2] & kReturnExtendedData) != 0) {
        data.resize(kExtendedLength);
        data[3] = kExtendedLength - 4;
    }
    return with_allocation_length(data, MaintenanceAllocationLength::load(task.cdb));
}

Completion DeviceServer::report_identifying_information(const Task& task) {
    return identifying_information_.report(task);
}

// Works on a copy, which takes the place of the old state when it is durable.
Awaitable<Completion> DeviceServer::set_identifying_information(Task task) {
    IdentifyingInformation next = identifying_information_;
    auto completion = next.set(task);
    if (completion.status != Status::good) {
        co_return completion;
    }
    const bool kept = co_await remember(std::string(kIdentifyingInformationValue), next.encode());
    if (!kept) {
        co_return not_remembered();
    }
    identifying_information_ = std::move(next);
    unit_attentions_.establish_for_others(task.it_nexus, asc::kDeviceIdentifierChanged);
    co_return completion;
}

void DeviceServer::recall_identifying_information() {
    if (const auto kept = recall(kIdentifyingInformationValue)) {
        identifying_information_.decode(*kept);
    }
}

Completion DeviceServer::report_timestamp(const Task& task) {
    return timestamp_.report(task);
}

Completion DeviceServer::set_timestamp(const Task& task) {
    auto completion = timestamp_.set(task);
    if (completion.status == Status::good && completion.data_out_length != 0) {
        unit_attentions_.establish_for_others(task.it_nexus, asc::kTimestampChanged);
    }
    return completion;
}

}  // namespace tapeloft::vtl::scsi
