// SEND DIAGNOSTIC, RECEIVE DIAGNOSTIC RESULTS, WRITE BUFFER and READ BUFFER (SPC-5). What drives
// have beyond that (dumps, firmware) is refused at once, so that no host waits for it.
#include <algorithm>

#include "vtl/scsi/device_server.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace send_diagnostic {  // SPC-5, 6.45
constexpr std::uint8_t kPageFormat = 0x10;
using ParameterListLength = BigEndian<std::uint16_t, 3>;
constexpr std::size_t kPageHeaderLength = 4;
}  // namespace send_diagnostic

namespace receive_diagnostic {  // SPC-5, 6.32
using AllocationLength = BigEndian<std::uint16_t, 3>;
}  // namespace receive_diagnostic

constexpr std::uint8_t kSupportedDiagnosticPages = 0x00;

namespace buffer_cdb {  // SPC-5, 6.30, 6.54
constexpr std::uint8_t kModeMask = 0x1F;
constexpr std::uint16_t kBufferId = 2;
using Length = BigEndian<std::uint32_t, 6, 3>;
}  // namespace buffer_cdb

enum class BufferMode : std::uint8_t {
    header_and_data = 0x00,
    data = 0x02,
    descriptor = 0x03,
    echo = 0x0A,
    echo_descriptor = 0x0B,
};

BufferMode mode_of(const Task& task) {
    return static_cast<BufferMode>(task.cdb[1] & buffer_cdb::kModeMask);
}

}  // namespace

// Every test passes at once: a cartridge that fails says so when it is used.
Completion DeviceServer::send_diagnostic(const Task& task) {
    const std::uint16_t length = send_diagnostic::ParameterListLength::load(task.cdb);
    if (length == 0) {
        return Completion::good();
    }
    if ((task.cdb[1] & send_diagnostic::kPageFormat) == 0) {
        return invalid_field_in_cdb(1, 4);
    }
    if (length < send_diagnostic::kPageHeaderLength) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kParameterListLengthError);
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    const ByteView list = task.data_out.view().first(length);
    for (std::uint16_t byte = 0; byte < send_diagnostic::kPageHeaderLength; ++byte) {
        if (list[byte] != 0) {  // page 00h, which has nothing behind its header
            return invalid_field_in_parameter_list(byte, 7);
        }
    }
    if (length != send_diagnostic::kPageHeaderLength) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kParameterListLengthError);
    }
    Completion completion;
    completion.data_out_length = length;
    return completion;
}

// Without PCV the results of the last SEND DIAGNOSTIC are asked for: page 00h is all it can be.
Completion DeviceServer::receive_diagnostic_results(const Task& task) {
    const std::uint8_t page_code = task.cdb[2];
    if (page_code != kSupportedDiagnosticPages) {
        return invalid_field_in_cdb(2, 7);
    }
    const auto page = std::to_array<std::uint8_t>(
        {kSupportedDiagnosticPages, 0, 0, 1, kSupportedDiagnosticPages});
    return with_allocation_length(page, receive_diagnostic::AllocationLength::load(task.cdb));
}

Completion DeviceServer::write_buffer(const Task& task) {
    if (mode_of(task) != BufferMode::echo) {
        return invalid_field_in_cdb(1, 4);
    }
    const std::uint32_t length = buffer_cdb::Length::load(task.cdb);
    if (length > kEchoBufferCapacity) {
        return invalid_field_in_cdb(buffer_cdb::Length::offset, 7);
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    const ByteView data = task.data_out.view().first(length);
    echo_buffers_[task.it_nexus].assign(data.begin(), data.end());
    Completion completion;
    completion.data_out_length = length;
    return completion;
}

// There are no buffers but the echo buffer: their descriptors are zero, their data do not exist.
Completion DeviceServer::read_buffer(const Task& task) {
    constexpr std::uint8_t kEchoBufferOverwrittenSupported = 0x01;  // EBOS: one for each nexus
    const std::size_t allocation_length = buffer_cdb::Length::load(task.cdb);
    switch (mode_of(task)) {
        case BufferMode::header_and_data:
        case BufferMode::descriptor:
            return with_allocation_length(std::array<std::uint8_t, 4>{}, allocation_length);
        case BufferMode::data:
            return invalid_field_in_cdb(buffer_cdb::kBufferId, 7);
        case BufferMode::echo: {
            const auto written = echo_buffers_.find(task.it_nexus);
            if (written == echo_buffers_.end()) {
                return Completion::check_condition(SenseKey::illegal_request,
                                                   asc::kCommandSequenceError);
            }
            return with_allocation_length(written->second, allocation_length);
        }
        case BufferMode::echo_descriptor: {
            std::array<std::uint8_t, 4> descriptor = {kEchoBufferOverwrittenSupported, 0, 0, 0};
            store_big_endian<2>(MutableByteView(descriptor).subspan(2), kEchoBufferCapacity);
            return with_allocation_length(descriptor, allocation_length);
        }
    }
    return invalid_field_in_cdb(1, 4);
}

}  // namespace tapeloft::vtl::scsi
