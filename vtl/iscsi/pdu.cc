#include "vtl/iscsi/pdu.h"

namespace tapeloft::vtl::iscsi {
namespace {

// One function a PDU names the fields; a Loader or a Storer goes through it, so that both
// directions cannot disagree.
class Loader {
  public:
    explicit Loader(const BasicHeader& header) : header_(header) {}
    template <typename Field, typename T>
    void operator()(Field field, T& value) const {
        value = static_cast<T>(field.load(header_));
    }

  private:
    const BasicHeader& header_;
};

class Storer {
  public:
    explicit Storer(BasicHeader& header) : header_(header) {}
    template <typename Field, typename T>
    void operator()(Field field, const T& value) const {
        using Stored = decltype(Field::load(ByteView{}));
        field.store(header_, static_cast<Stored>(value));
    }

  private:
    BasicHeader& header_;
};

template <typename Io, typename Numbers>
void command_numbers(const Io& io, Numbers& numbers) {
    io(layout::kCmdSn, numbers.cmd_sn);
    io(layout::kExpStatSn, numbers.exp_stat_sn);
}

template <typename Io, typename Numbers>
void status_numbers(const Io& io, Numbers& numbers) {
    io(layout::kStatSn, numbers.stat_sn);
    io(layout::kExpCmdSn, numbers.exp_cmd_sn);
    io(layout::kMaxCmdSn, numbers.max_cmd_sn);
}

/// What a PDU is: its opcode, whether F is always 1, and its fields.
template <typename Pdu>
struct Form;

template <>
struct Form<NopOut> {
    static constexpr auto kOpcode = Opcode::nop_out;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kImmediate, pdu.immediate);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::nop::kTargetTransferTag, pdu.target_transfer_tag);
        command_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<NopIn> {
    static constexpr auto kOpcode = Opcode::nop_in;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::nop::kTargetTransferTag, pdu.target_transfer_tag);
        status_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<ScsiCommand> {
    static constexpr auto kOpcode = Opcode::scsi_command;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kImmediate, pdu.immediate);
        io(layout::kFinal, pdu.final);
        io(layout::scsi_command::kRead, pdu.read);
        io(layout::scsi_command::kWrite, pdu.write);
        io(layout::scsi_command::kAttribute, pdu.attribute);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::scsi_command::kExpectedDataTransferLength, pdu.expected_data_transfer_length);
        command_numbers(io, pdu.numbers);
        io(layout::scsi_command::kCdb, pdu.cdb);
    }
};

template <>
struct Form<ScsiResponse> {
    static constexpr auto kOpcode = Opcode::scsi_response;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::scsi_response::kResidualOverflow, pdu.residual_overflow);
        io(layout::scsi_response::kResidualUnderflow, pdu.residual_underflow);
        io(layout::scsi_response::kResponse, pdu.response);
        io(layout::scsi_response::kStatus, pdu.status);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        status_numbers(io, pdu.numbers);
        io(layout::scsi_response::kExpDataSn, pdu.exp_data_sn);
        io(layout::scsi_response::kResidualCount, pdu.residual_count);
    }
};

template <>
struct Form<TaskManagementRequest> {
    static constexpr auto kOpcode = Opcode::task_management_request;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kImmediate, pdu.immediate);
        io(layout::task_management_request::kFunction, pdu.function);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::task_management_request::kReferencedTaskTag, pdu.referenced_task_tag);
        command_numbers(io, pdu.numbers);
        io(layout::task_management_request::kRefCmdSn, pdu.ref_cmd_sn);
        io(layout::task_management_request::kExpDataSn, pdu.exp_data_sn);
    }
};

template <>
struct Form<TaskManagementResponse> {
    static constexpr auto kOpcode = Opcode::task_management_response;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::task_management_response::kResponse, pdu.response);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        status_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<DataOut> {
    static constexpr auto kOpcode = Opcode::data_out;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kFinal, pdu.final);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::data::kTargetTransferTag, pdu.target_transfer_tag);
        io(layout::kExpStatSn, pdu.exp_stat_sn);
        io(layout::data::kDataSn, pdu.data_sn);
        io(layout::data::kBufferOffset, pdu.buffer_offset);
    }
};

template <>
struct Form<DataIn> {
    static constexpr auto kOpcode = Opcode::data_in;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        auto no_tag =
            kReservedTag;  // set only with the A bit, which error recovery level 0 has not
        io(layout::kFinal, pdu.final);
        io(layout::data_in::kResidualOverflow, pdu.residual_overflow);
        io(layout::data_in::kResidualUnderflow, pdu.residual_underflow);
        io(layout::data_in::kStatusPresent, pdu.status_present);
        io(layout::data_in::kStatus, pdu.status);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::data::kTargetTransferTag, no_tag);
        status_numbers(io, pdu.numbers);
        io(layout::data::kDataSn, pdu.data_sn);
        io(layout::data::kBufferOffset, pdu.buffer_offset);
        io(layout::data_in::kResidualCount, pdu.residual_count);
    }
};

template <>
struct Form<ReadyToTransfer> {
    static constexpr auto kOpcode = Opcode::ready_to_transfer;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::ready_to_transfer::kTargetTransferTag, pdu.target_transfer_tag);
        status_numbers(io, pdu.numbers);
        io(layout::ready_to_transfer::kR2tSn, pdu.r2t_sn);
        io(layout::ready_to_transfer::kBufferOffset, pdu.buffer_offset);
        io(layout::ready_to_transfer::kDesiredDataTransferLength, pdu.desired_data_transfer_length);
    }
};

template <>
struct Form<AsyncMessage> {
    static constexpr auto kOpcode = Opcode::async_message;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        auto no_tag = kReservedTag;
        io(layout::kInitiatorTaskTag, no_tag);
        status_numbers(io, pdu.numbers);
        io(layout::async_message::kAsyncEvent, pdu.event);
        io(layout::async_message::kParameter1, pdu.parameter1);
        io(layout::async_message::kParameter2, pdu.parameter2);
        io(layout::async_message::kParameter3, pdu.parameter3);
    }
};

template <>
struct Form<TextRequest> {
    static constexpr auto kOpcode = Opcode::text_request;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kImmediate, pdu.immediate);
        io(layout::kFinal, pdu.final);
        io(layout::text::kContinue, pdu.continue_text);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::text::kTargetTransferTag, pdu.target_transfer_tag);
        command_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<TextResponse> {
    static constexpr auto kOpcode = Opcode::text_response;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kFinal, pdu.final);
        io(layout::text::kContinue, pdu.continue_text);
        io(layout::kLun, pdu.lun);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::text::kTargetTransferTag, pdu.target_transfer_tag);
        status_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<LoginRequestFields> {
    static constexpr auto kOpcode = Opcode::login_request;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::login_request::kTransit, pdu.transit);
        io(layout::login_request::kContinue, pdu.continue_text);
        io(layout::login_request::kCurrentStage, pdu.csg);
        io(layout::login_request::kNextStage, pdu.nsg);
        io(layout::login_request::kVersionMax, pdu.version_max);
        io(layout::login_request::kVersionMin, pdu.version_min);
        io(layout::login_request::kIsid, pdu.isid);
        io(layout::login_request::kTsih, pdu.tsih);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::login_request::kCid, pdu.cid);
        io(layout::kCmdSn, pdu.cmd_sn);
        io(layout::kExpStatSn, pdu.exp_stat_sn);
    }
};

template <>
struct Form<LoginResponseHeader> {
    static constexpr auto kOpcode = Opcode::login_response;
    static constexpr bool kAlwaysFinal = false;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::login_request::kTransit, pdu.fields.transit);
        io(layout::login_request::kContinue, pdu.fields.continue_text);
        io(layout::login_request::kCurrentStage, pdu.fields.csg);
        io(layout::login_request::kNextStage, pdu.fields.nsg);
        io(layout::login_request::kVersionMax, pdu.fields.version_max);
        io(layout::login_response::kVersionActive, pdu.fields.version_active);
        io(layout::login_request::kIsid, pdu.fields.isid);
        io(layout::login_request::kTsih, pdu.fields.tsih);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::login_response::kStatusClass, pdu.fields.status_class());
        io(layout::login_response::kStatusDetail, pdu.fields.status_detail());
    }
};

template <>
struct Form<LogoutRequest> {
    static constexpr auto kOpcode = Opcode::logout_request;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::kImmediate, pdu.immediate);
        io(layout::logout_request::kReason, pdu.reason);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        io(layout::logout_request::kCid, pdu.cid);
        command_numbers(io, pdu.numbers);
    }
};

template <>
struct Form<LogoutResponse> {
    static constexpr auto kOpcode = Opcode::logout_response;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        io(layout::logout_response::kResponse, pdu.response);
        io(layout::kInitiatorTaskTag, pdu.initiator_task_tag);
        status_numbers(io, pdu.numbers);
        io(layout::logout_response::kTime2Wait, pdu.time2wait);
        io(layout::logout_response::kTime2Retain, pdu.time2retain);
    }
};

template <>
struct Form<Reject> {
    static constexpr auto kOpcode = Opcode::reject;
    static constexpr bool kAlwaysFinal = true;
    template <typename Io, typename P>
    static void fields(const Io& io, P& pdu) {
        auto no_tag = kReservedTag;
        io(layout::reject::kReason, pdu.reason);
        io(layout::kInitiatorTaskTag, no_tag);
        status_numbers(io, pdu.numbers);
    }
};

template <typename Pdu>
BasicHeader encode_as(const Pdu& pdu) {
    BasicHeader header{};
    layout::kOpcode.store(header, static_cast<std::uint8_t>(Form<Pdu>::kOpcode));
    if constexpr (Form<Pdu>::kAlwaysFinal) {
        layout::kFinal.store(header, true);
    }
    Form<Pdu>::fields(Storer(header), pdu);
    return header;
}

}  // namespace

template <typename T>
T decode(const BasicHeader& header) {
    T pdu;
    Form<T>::fields(Loader(header), pdu);
    return pdu;
}

// clang-format off
template NopOut decode<NopOut>(const BasicHeader&);
template NopIn decode<NopIn>(const BasicHeader&);
template ScsiCommand decode<ScsiCommand>(const BasicHeader&);
template ScsiResponse decode<ScsiResponse>(const BasicHeader&);
template TaskManagementRequest decode<TaskManagementRequest>(const BasicHeader&);
template TaskManagementResponse decode<TaskManagementResponse>(const BasicHeader&);
template DataOut decode<DataOut>(const BasicHeader&);
template DataIn decode<DataIn>(const BasicHeader&);
template ReadyToTransfer decode<ReadyToTransfer>(const BasicHeader&);
template AsyncMessage decode<AsyncMessage>(const BasicHeader&);
template TextRequest decode<TextRequest>(const BasicHeader&);
template TextResponse decode<TextResponse>(const BasicHeader&);
template LoginRequestFields decode<LoginRequestFields>(const BasicHeader&);
template LogoutRequest decode<LogoutRequest>(const BasicHeader&);
template LogoutResponse decode<LogoutResponse>(const BasicHeader&);
template Reject decode<Reject>(const BasicHeader&);

BasicHeader encode(const NopOut& pdu) { return encode_as(pdu); }
BasicHeader encode(const NopIn& pdu) { return encode_as(pdu); }
BasicHeader encode(const ScsiCommand& pdu) { return encode_as(pdu); }
BasicHeader encode(const ScsiResponse& pdu) { return encode_as(pdu); }
BasicHeader encode(const TaskManagementRequest& pdu) { return encode_as(pdu); }
BasicHeader encode(const TaskManagementResponse& pdu) { return encode_as(pdu); }
BasicHeader encode(const DataOut& pdu) { return encode_as(pdu); }
BasicHeader encode(const DataIn& pdu) { return encode_as(pdu); }
BasicHeader encode(const ReadyToTransfer& pdu) { return encode_as(pdu); }
BasicHeader encode(const AsyncMessage& pdu) { return encode_as(pdu); }
BasicHeader encode(const TextRequest& pdu) { return encode_as(pdu); }
BasicHeader encode(const TextResponse& pdu) { return encode_as(pdu); }
BasicHeader encode(const LoginRequestFields& pdu) {
    auto header = encode_as(pdu);
    layout::kImmediate.store(header, true);  // 11.12: a Login Request is always immediate
    return header;
}
BasicHeader encode(const LoginResponseHeader& pdu) { return encode_as(pdu); }
BasicHeader encode(const LogoutRequest& pdu) { return encode_as(pdu); }
BasicHeader encode(const LogoutResponse& pdu) { return encode_as(pdu); }
BasicHeader encode(const Reject& pdu) { return encode_as(pdu); }
// clang-format on

}  // namespace tapeloft::vtl::iscsi
