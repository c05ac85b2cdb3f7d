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
using Offset = BigEndian<std::uint32_t, 3, 3>;
using Length = BigEndian<std::uint32_t, 6, 3>;
constexpr std::size_t kHeaderLength = 4;  // in front of the data in mode 00h
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

// The one data buffer is 00h; mode 00h knows no offset, which is reserved there.
std::optional<Completion> not_in_the_data_buffer(const Task& task, std::size_t capacity) {
    if (task.cdb[buffer_cdb::kBufferId] != 0) {
        return invalid_field_in_cdb(buffer_cdb::kBufferId, 7);
    }
    const std::uint32_t offset = buffer_cdb::Offset::load(task.cdb);
    if (offset > (mode_of(task) == BufferMode::data ? capacity : 0)) {
        return invalid_field_in_cdb(buffer_cdb::Offset::offset, 7);
    }
    return {};
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

// Echo buffer and data buffer are scratch space, and a host sees its own alone.
Completion DeviceServer::write_buffer(const Task& task) {
    const BufferMode mode = mode_of(task);
    const bool echo = mode == BufferMode::echo;
    if (!echo && mode != BufferMode::header_and_data && mode != BufferMode::data) {
        return invalid_field_in_cdb(1, 4);
    }
    if (!echo) {
        if (auto refused = not_in_the_data_buffer(task, kBufferCapacity)) {
            return std::move(*refused);
        }
    }
    const std::uint32_t length = buffer_cdb::Length::load(task.cdb);
    const std::size_t header = mode == BufferMode::header_and_data ? buffer_cdb::kHeaderLength : 0;
    const std::size_t offset = mode == BufferMode::data ? buffer_cdb::Offset::load(task.cdb) : 0;
    if (length > kBufferCapacity + header - offset) {
        return invalid_field_in_cdb(buffer_cdb::Length::offset, 7);
    }
    if (length != 0 && length < header) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kParameterListLengthError);
    }
    if (task.data_out.size() < length) {
        return Completion::check_condition(SenseKey::illegal_request,
                                           asc::kInvalidFieldInCommandInformationUnit);
    }
    Completion completion;
    completion.data_out_length = length;
    const ByteView data = task.data_out.view().first(length);
    SessionBuffers& buffers = buffers_[task.it_nexus];
    if (echo) {
        buffers.echo = Bytes(data.begin(), data.end());
    } else if (length != 0) {
        buffers.data.resize(kBufferCapacity);
        std::copy(data.begin() + static_cast<std::ptrdiff_t>(header), data.end(),
                  buffers.data.begin() + static_cast<std::ptrdiff_t>(offset));
    }
    return completion;
}

Completion DeviceServer::read_data_buffer(const Task& task) {
    if (auto refused = not_in_the_data_buffer(task, kBufferCapacity)) {
        return std::move(*refused);
    }
    Bytes data;
    if (mode_of(task) == BufferMode::header_and_data) {
        data.resize(buffer_cdb::kHeaderLength);
        store_big_endian<3>(MutableByteView(data).subspan(1), kBufferCapacity);
    }
    const std::size_t header = data.size();
    const auto buffers = buffers_.find(task.it_nexus);
    if (buffers != buffers_.end()) {
        data.insert(data.end(), buffers->second.data.begin(), buffers->second.data.end());
    }
    data.resize(header + kBufferCapacity);
    const std::size_t offset = header != 0 ? 0 : buffer_cdb::Offset::load(task.cdb);
    return with_allocation_length(ByteView(data).subspan(offset),
                                  buffer_cdb::Length::load(task.cdb));
}

// A buffer that is not there has a descriptor of zeros.
Completion DeviceServer::read_buffer(const Task& task) {
    constexpr std::uint8_t kEchoBufferOverwrittenSupported = 0x01;  // EBOS: one for each nexus
    const std::size_t allocation_length = buffer_cdb::Length::load(task.cdb);
    switch (mode_of(task)) {
        case BufferMode::header_and_data:
        case BufferMode::data:
            return read_data_buffer(task);
        case BufferMode::descriptor: {
            std::array<std::uint8_t, 4> descriptor{};  // OFFSET BOUNDARY 0: any byte
            if (task.cdb[buffer_cdb::kBufferId] == 0) {
                store_big_endian<3>(MutableByteView(descriptor).subspan(1), kBufferCapacity);
            }
            return with_allocation_length(descriptor, allocation_length);
        }
        case BufferMode::echo: {
            const auto buffers = buffers_.find(task.it_nexus);
            if (buffers == buffers_.end() || !buffers->second.echo) {
                return Completion::check_condition(SenseKey::illegal_request,
                                                   asc::kCommandSequenceError);
            }
            return with_allocation_length(*buffers->second.echo, allocation_length);
        }
        case BufferMode::echo_descriptor: {
            std::array<std::uint8_t, 4> descriptor = {kEchoBufferOverwrittenSupported, 0, 0, 0};
            store_big_endian<2>(MutableByteView(descriptor).subspan(2), kBufferCapacity);
            return with_allocation_length(descriptor, allocation_length);
        }
    }
    return invalid_field_in_cdb(1, 4);
}

}  // namespace tapeloft::vtl::scsi
