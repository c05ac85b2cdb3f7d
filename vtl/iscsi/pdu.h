// PDU headers as plain values (RFC 7143, 11). decode() reads a header, encode() writes one; lengths
// of data segments and AHS are set by whoever frames the PDU. decode() checks nothing: that is the
// work of the connection.
#pragma once

#include <array>
#include <cstdint>

#include "cloud/base/bytes.h"

#include "vtl/iscsi/layout.h"
#include "vtl/iscsi/login.h"

namespace tapeloft::vtl::iscsi {

enum class Opcode : std::uint8_t {  // RFC 7143, 11.2.1.2
    nop_out = 0x00,
    scsi_command = 0x01,
    task_management_request = 0x02,
    login_request = 0x03,
    text_request = 0x04,
    data_out = 0x05,
    logout_request = 0x06,
    snack_request = 0x10,
    nop_in = 0x20,
    scsi_response = 0x21,
    task_management_response = 0x22,
    login_response = 0x23,
    text_response = 0x24,
    data_in = 0x25,
    logout_response = 0x26,
    ready_to_transfer = 0x31,
    async_message = 0x32,
    reject = 0x3F,
};

enum class TaskManagementFunction : std::uint8_t {  // RFC 7143, 11.5.1
    abort_task = 1,
    abort_task_set = 2,
    clear_aca = 3,
    clear_task_set = 4,
    logical_unit_reset = 5,
    target_warm_reset = 6,
    target_cold_reset = 7,
    task_reassign = 8,
};

enum class TaskManagementResult : std::uint8_t {  // RFC 7143, 11.6.1
    function_complete = 0,
    task_does_not_exist = 1,
    lun_does_not_exist = 2,
    task_allegiance_reassignment_not_supported = 4,
    function_not_supported = 5,
    function_rejected = 255,
};

enum class RejectReason : std::uint8_t {  // RFC 7143, 11.17.1
    data_digest_error = 0x02,
    protocol_error = 0x04,
    command_not_supported = 0x05,
    too_many_immediate_commands = 0x06,
    task_in_progress = 0x07,
    invalid_pdu_field = 0x09,
};

enum class LogoutReason : std::uint8_t {  // RFC 7143, 11.14.1
    close_session = 0,
    close_connection = 1,
    remove_connection_for_recovery = 2,
};

enum class LogoutResult : std::uint8_t {  // RFC 7143, 11.15.1
    closed = 0,
    cid_not_found = 1,
    recovery_not_supported = 2,
};

enum class AsyncEvent : std::uint8_t {  // RFC 7143, 11.9.1
    target_requests_logout = 1,
    target_will_drop_connection = 2,
};

/// Numbers that the initiator puts on its requests.
struct CommandNumbers {
    std::uint32_t cmd_sn = 0;
    std::uint32_t exp_stat_sn = 0;
    friend bool operator==(const CommandNumbers&, const CommandNumbers&) = default;
};

/// Numbers that the target puts on its responses; see PduWriter.
struct StatusNumbers {
    std::uint32_t stat_sn = 0;
    std::uint32_t exp_cmd_sn = 0;
    std::uint32_t max_cmd_sn = 0;
    friend bool operator==(const StatusNumbers&, const StatusNumbers&) = default;
};

struct NopOut {
    bool immediate = false;
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = kReservedTag;
    std::uint32_t target_transfer_tag = kReservedTag;
    CommandNumbers numbers;
    friend bool operator==(const NopOut&, const NopOut&) = default;
};

struct NopIn {
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = kReservedTag;
    std::uint32_t target_transfer_tag = kReservedTag;
    StatusNumbers numbers;
    friend bool operator==(const NopIn&, const NopIn&) = default;
};

struct ScsiCommand {
    bool immediate = false;
    bool final = true;
    bool read = false;
    bool write = false;
    std::uint8_t attribute = 1;  ///< 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t expected_data_transfer_length = 0;  ///< bytes
    CommandNumbers numbers;
    std::array<std::uint8_t, 16> cdb{};
    friend bool operator==(const ScsiCommand&, const ScsiCommand&) = default;
};

struct ScsiResponse {
    bool residual_overflow = false;
    bool residual_underflow = false;
    std::uint8_t response = 0;  ///< 0: command completed at target
    std::uint8_t status = 0;
    std::uint32_t initiator_task_tag = 0;
    StatusNumbers numbers;
    std::uint32_t exp_data_sn = 0;  ///< R2T and Data-In PDUs sent for the command
    std::uint32_t residual_count = 0;
    friend bool operator==(const ScsiResponse&, const ScsiResponse&) = default;
};

struct TaskManagementRequest {
    bool immediate = false;
    std::uint8_t function = 0;
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t referenced_task_tag = kReservedTag;
    CommandNumbers numbers;
    std::uint32_t ref_cmd_sn = 0;
    std::uint32_t exp_data_sn = 0;
    friend bool operator==(const TaskManagementRequest&, const TaskManagementRequest&) = default;
};

struct TaskManagementResponse {
    TaskManagementResult response = TaskManagementResult::function_complete;
    std::uint32_t initiator_task_tag = 0;
    StatusNumbers numbers;
    friend bool operator==(const TaskManagementResponse&, const TaskManagementResponse&) = default;
};

struct DataOut {
    bool final = false;
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t target_transfer_tag = kReservedTag;
    std::uint32_t exp_stat_sn = 0;
    std::uint32_t data_sn = 0;
    std::uint32_t buffer_offset = 0;
    friend bool operator==(const DataOut&, const DataOut&) = default;
};

struct DataIn {
    bool final = false;
    bool residual_overflow = false;
    bool residual_underflow = false;
    bool status_present = false;
    std::uint8_t status = 0;
    std::uint32_t initiator_task_tag = 0;
    StatusNumbers numbers;  ///< stat_sn: only with status_present
    std::uint32_t data_sn = 0;
    std::uint32_t buffer_offset = 0;
    std::uint32_t residual_count = 0;
    friend bool operator==(const DataIn&, const DataIn&) = default;
};

struct ReadyToTransfer {
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t target_transfer_tag = 0;
    StatusNumbers numbers;
    std::uint32_t r2t_sn = 0;
    std::uint32_t buffer_offset = 0;
    std::uint32_t desired_data_transfer_length = 0;
    friend bool operator==(const ReadyToTransfer&, const ReadyToTransfer&) = default;
};

struct AsyncMessage {
    AsyncEvent event = AsyncEvent::target_requests_logout;
    StatusNumbers numbers;
    std::uint16_t parameter1 = 0;
    std::uint16_t parameter2 = 0;
    std::uint16_t parameter3 = 0;
    friend bool operator==(const AsyncMessage&, const AsyncMessage&) = default;
};

struct TextRequest {
    bool immediate = false;
    bool final = true;
    bool continue_text = false;
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t target_transfer_tag = kReservedTag;
    CommandNumbers numbers;
    friend bool operator==(const TextRequest&, const TextRequest&) = default;
};

struct TextResponse {
    bool final = true;
    bool continue_text = false;
    std::uint64_t lun = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint32_t target_transfer_tag = kReservedTag;
    StatusNumbers numbers;
    friend bool operator==(const TextResponse&, const TextResponse&) = default;
};

struct LogoutRequest {
    bool immediate = false;
    std::uint8_t reason = 0;
    std::uint32_t initiator_task_tag = 0;
    std::uint16_t cid = 0;
    CommandNumbers numbers;
    friend bool operator==(const LogoutRequest&, const LogoutRequest&) = default;
};

struct LogoutResponse {
    LogoutResult response = LogoutResult::closed;
    std::uint32_t initiator_task_tag = 0;
    StatusNumbers numbers;
    std::uint16_t time2wait = 0;
    std::uint16_t time2retain = 0;
    friend bool operator==(const LogoutResponse&, const LogoutResponse&) = default;
};

struct Reject {
    RejectReason reason = RejectReason::protocol_error;
    StatusNumbers numbers;
    friend bool operator==(const Reject&, const Reject&) = default;
};

/// The Login Response header: the fields that Login decides, and those of the connection.
struct LoginResponseHeader {
    const LoginResponseFields& fields;
    std::uint32_t initiator_task_tag = 0;
};

// clang-format off
[[nodiscard]] BasicHeader encode(const NopOut& pdu);
[[nodiscard]] BasicHeader encode(const NopIn& pdu);
[[nodiscard]] BasicHeader encode(const ScsiCommand& pdu);
[[nodiscard]] BasicHeader encode(const ScsiResponse& pdu);
[[nodiscard]] BasicHeader encode(const TaskManagementRequest& pdu);
[[nodiscard]] BasicHeader encode(const TaskManagementResponse& pdu);
[[nodiscard]] BasicHeader encode(const DataOut& pdu);
[[nodiscard]] BasicHeader encode(const DataIn& pdu);
[[nodiscard]] BasicHeader encode(const ReadyToTransfer& pdu);
[[nodiscard]] BasicHeader encode(const AsyncMessage& pdu);
[[nodiscard]] BasicHeader encode(const TextRequest& pdu);
[[nodiscard]] BasicHeader encode(const TextResponse& pdu);
[[nodiscard]] BasicHeader encode(const LoginRequestFields& pdu);
[[nodiscard]] BasicHeader encode(const LoginResponseHeader& pdu);
[[nodiscard]] BasicHeader encode(const LogoutRequest& pdu);
[[nodiscard]] BasicHeader encode(const LogoutResponse& pdu);
[[nodiscard]] BasicHeader encode(const Reject& pdu);
// clang-format on

/// The header as a value of type T: any of the structures above but LoginResponseHeader.
template <typename T>
[[nodiscard]] T decode(const BasicHeader& header);

[[nodiscard]] inline Opcode opcode_of(const BasicHeader& header) noexcept {
    return static_cast<Opcode>(layout::kOpcode.load(header));
}

}  // namespace tapeloft::vtl::iscsi
