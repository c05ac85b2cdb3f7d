#include "vtl/iscsi/connection.h"

#include <algorithm>
#include <utility>

#include "cloud/base/contract.h"

namespace tapeloft::vtl::iscsi {
namespace {

// Above this much to be sent nothing more is read (an initiator that asks and never listens).
constexpr std::size_t kQueuedPdusMax = 64;
constexpr std::size_t kQueuedBytesMax = std::size_t{2} * 1024 * 1024;
// The data segment of a PDU other than a SCSI Command that waits for its turn by CmdSN.
constexpr std::size_t kHeldDataLengthMax = 8192;
constexpr std::uint32_t kNoticesMax = 8;  // a connection; the rest is only counted by silence
constexpr std::uint32_t kPingsMax = 2;
constexpr std::int64_t kClosingTimeMs = 5'000;  // for what is queued to be taken

}  // namespace

/// What an opcode is in full feature phase. Opcodes without a row: Reject, command not supported.
struct Connection::OpcodeRow {
    enum class Use : std::uint8_t {
        command,   ///< SCSI Command: its data goes to a task
        data_out,  ///< Data-Out: the same, without CmdSN
        request,   ///< its data goes to a buffer and with that to the handler
        never,     ///< no business of an initiator in this phase: the connection ends
        refused,   ///< Reject, protocol error
    };
    Opcode opcode;
    Use use;
    bool in_discovery;
    void (Connection::*handler)(const BasicHeader& header, Buffer data);
};

// clang-format off
const Connection::OpcodeRow Connection::kOpcodes[] = {  // RFC 7143, 11.2.1.2
    {Opcode::nop_out,                 OpcodeRow::Use::request,  true,  &Connection::on_nop_out},
    {Opcode::scsi_command,            OpcodeRow::Use::command,  false, nullptr},
    {Opcode::task_management_request, OpcodeRow::Use::request,  false, &Connection::on_task_management},
    {Opcode::login_request,           OpcodeRow::Use::never,    false, nullptr},
    {Opcode::text_request,            OpcodeRow::Use::request,  true,  &Connection::on_text},
    {Opcode::data_out,                OpcodeRow::Use::data_out, false, nullptr},
    {Opcode::logout_request,          OpcodeRow::Use::request,  true,  &Connection::on_logout},
    {Opcode::snack_request,           OpcodeRow::Use::refused,  false, nullptr},  // 11.16: level 0 has none
};
// clang-format on

const Connection::OpcodeRow* Connection::find_row(Opcode opcode) noexcept {
    const auto* row = std::find_if(std::begin(kOpcodes), std::end(kOpcodes),
                                   [opcode](const OpcodeRow& one) { return one.opcode == opcode; });
    return row == std::end(kOpcodes) ? nullptr : row;
}

Connection::Connection(ConnectionOptions options, std::int64_t now_ms)
    : options_(std::move(options)),
      login_(*options_.login, options_.random),
      reader_(kLoginDataSegmentLengthMax),
      started_ms_(now_ms),
      last_heard_ms_(now_ms) {}

Connection::~Connection() = default;

// ---- Bytes in -----------------------------------------------------------------------------------

bool Connection::receiving_paused() const noexcept {
    const bool phase_receives =
        phase_ == Phase::login || phase_ == Phase::full_feature || phase_ == Phase::draining;
    return !phase_receives || writer_.queued_pdus() >= kQueuedPdusMax ||
           writer_.queued_bytes() >= kQueuedBytesMax;
}

MutableByteView Connection::receive_buffer() {
    return receiving_paused() ? MutableByteView{} : reader_.buffer();
}

void Connection::on_received(std::size_t n) {
    received_since_tick_ = true;
    auto event = reader_.on_received(n);
    if (event == PduReader::Event::header) {
        event = on_header();
    }
    if (event == PduReader::Event::pdu && phase_ != Phase::closing) {
        on_pdu();
        progress();
    }
    if (event == PduReader::Event::failed) {
        close(true, reader_.failure());
    }
}

PduReader::Event Connection::on_header() {
    incoming_ = Incoming{};
    incoming_.header = &reader_.header();
    incoming_.length = reader_.data_segment_length();
    return phase_ == Phase::login ? on_login_header() : on_full_feature_header();
}

PduReader::Event Connection::on_login_header() {
    const auto opcode = opcode_of(reader_.header());
    if (opcode != Opcode::login_request || !reader_.additional_header().empty()) {
        close(true, "PDU with opcode " + std::to_string(static_cast<unsigned>(opcode)) +
                        " before the end of login");
        return PduReader::Event::more;
    }
    return place_in_own_buffer();
}

PduReader::Event Connection::on_full_feature_header() {
    using Use = OpcodeRow::Use;
    const auto& header = reader_.header();
    const auto* row = find_row(opcode_of(header));
    if (row == nullptr || (target_ == nullptr && !row->in_discovery && row->use != Use::never)) {
        reject(header, RejectReason::command_not_supported, "opcode not supported here");
        return ignore();
    }
    if (row->use == Use::never) {
        reject(header, RejectReason::protocol_error, "login after login");
        protocol_error("Login Request in full feature phase");
        return PduReader::Event::more;
    }
    if (row->use == Use::refused) {
        reject(header, RejectReason::protocol_error, "SNACK at ErrorRecoveryLevel 0");
        return ignore();
    }
    if (row->use != Use::command && !reader_.additional_header().empty()) {
        reject(header, RejectReason::invalid_pdu_field, "AHS where none may be");
        return ignore();
    }
    const auto length = static_cast<std::uint32_t>(incoming_.length);
    if (row->use == Use::data_out) {
        return place(tasks_->begin_data_out(decode<DataOut>(header), length));
    }
    if (row->use == Use::command && phase_ == Phase::draining) {
        return ignore();  // the initiator repeats it elsewhere, or later
    }
    const bool immediate = layout::kImmediate.load(header);
    incoming_.numbered = !immediate;
    if (!immediate) {
        incoming_.verdict = window_.on_command(layout::kCmdSn.load(header));
    }
    if (incoming_.verdict == CommandWindow::Verdict::drop) {
        incoming_.numbered = false;
        return ignore();
    }
    const bool in_order = incoming_.verdict == CommandWindow::Verdict::deliver;
    if (row->use == Use::command) {
        return place(tasks_->begin_command(decode<ScsiCommand>(header), reader_.additional_header(),
                                           length, in_order));
    }
    if (!in_order && length > kHeldDataLengthMax) {
        protocol_error("long data segment of a PDU far out of order");
        return PduReader::Event::more;
    }
    return place_in_own_buffer();
}

PduReader::Event Connection::place(const Placement& placement) {
    switch (placement.kind) {
        case Placement::Kind::place:
            incoming_.task = placement.task;
            return reader_.place_data(placement.destination);
        case Placement::Kind::discard:
            incoming_.task = placement.task;
            return reader_.discard_data();
        case Placement::Kind::ignore:
            return ignore();
        case Placement::Kind::reject:
            reject(reader_.header(), placement.reason, placement.why);
            return ignore();
        case Placement::Kind::fatal:
            break;
    }
    reject(reader_.header(), placement.reason, placement.why);
    protocol_error(std::string(placement.why));
    return PduReader::Event::more;
}

PduReader::Event Connection::place_in_own_buffer() {
    incoming_.data = Buffer::allocate(incoming_.length);
    return reader_.place_data(incoming_.data.mutable_view());
}

PduReader::Event Connection::ignore() {
    incoming_.ignored = true;
    return reader_.discard_data();
}

// ---- Whole PDUs ---------------------------------------------------------------------------------

void Connection::on_pdu() {
    if (phase_ == Phase::login) {
        return on_login_pdu();
    }
    if (incoming_.ignored) {
        return on_numbered_pdu();
    }
    const auto& header = reader_.header();
    const auto length = static_cast<std::uint32_t>(incoming_.length);
    const bool damaged = reader_.data_digest_error();
    const auto opcode = opcode_of(header);
    if (damaged) {
        reject(header, RejectReason::data_digest_error, "data digest does not match");
    }
    if (opcode == Opcode::data_out) {
        return tasks_->end_data_out(decode<DataOut>(header), length, damaged);
    }
    if (opcode == Opcode::scsi_command) {
        tasks_->end_command(incoming_.task, length, damaged);
    } else if (damaged) {  // 7.8: as if it had never come
        return window_.forget(layout::kCmdSn.load(header));
    }
    on_numbered_pdu();
}

void Connection::on_numbered_pdu() {
    const auto& header = reader_.header();
    if (!incoming_.numbered) {
        if (!incoming_.ignored) {
            deliver(header, std::move(incoming_.data), incoming_.task);
        }
        return;
    }
    if (incoming_.verdict == CommandWindow::Verdict::hold) {
        auto held = HeldPdu{header, std::move(incoming_.data), incoming_.task, incoming_.ignored};
        held_.insert_or_assign(layout::kCmdSn.load(header), std::move(held));
        return;
    }
    if (!incoming_.ignored) {
        deliver(header, std::move(incoming_.data), incoming_.task);
    }
    window_.advance();
    deliver_held();
}

void Connection::deliver(const BasicHeader& header, Buffer data, TaskHandle task) {
    if (task != 0) {
        return tasks_->deliver(task);
    }
    const auto* row = find_row(opcode_of(header));
    TL_ASSERT(row != nullptr && row->handler != nullptr);
    (this->*row->handler)(header, std::move(data));
}

/// The commands whose turn has come by now.
void Connection::deliver_held() {
    while (phase_ == Phase::full_feature || phase_ == Phase::draining) {
        const auto next = held_.find(window_.exp_cmd_sn());
        if (next != held_.end()) {
            auto pdu = std::move(next->second);
            held_.erase(next);
            if (!pdu.ignored) {
                deliver(pdu.header, std::move(pdu.data), pdu.task);
            }
        } else if (!window_.next_is_skipped()) {
            return;
        }
        window_.advance();
    }
}

// ---- Login --------------------------------------------------------------------------------------

void Connection::on_login_pdu() {
    const auto request = decode<LoginRequestFields>(reader_.header());
    if (first_login_request_) {
        first_login_request_ = false;
        window_ = CommandWindow(request.cmd_sn, 1);
        writer_.set_stat_sn(request.exp_stat_sn);
    }
    login_initiator_task_tag_ = request.initiator_task_tag;
    const auto data = std::move(incoming_.data);
    take_login_step(login_.on_login_request(request, data.view()));
}

void Connection::take_login_step(LoginStep step) {
    if (step.progress == LoginProgress::admit) {
        phase_ = Phase::admitting;
        actions_.emplace_back(AdmitSession{login_.identity()});
        return;
    }
    auto header = encode(LoginResponseHeader{step.response, login_initiator_task_tag_});
    writer_.queue_login(header, Buffer::copy_of(step.response.text));
    if (step.progress == LoginProgress::failed) {
        close(true, "login refused: " + step.reason);
    }
}

void Connection::on_session_admitted(scsi::ItNexusId it_nexus, std::uint16_t tsih) {
    if (phase_ != Phase::admitting) {  // given up meanwhile
        return;
    }
    take_login_step(login_.complete(tsih));
    if (phase_ == Phase::admitting) {
        enter_full_feature_phase(it_nexus);
    }
}

void Connection::on_session_refused(LoginStatus status) {
    if (phase_ == Phase::admitting) {
        take_login_step(login_.refuse(status));
    }
}

void Connection::enter_full_feature_phase(scsi::ItNexusId it_nexus) {
    parameters_ = login_.parameters();
    const auto target = std::find_if(options_.targets.begin(), options_.targets.end(),
                                     [this](const TargetConfiguration& one) {
                                         return one.name == login_.identity().target_name;
                                     });
    target_ = target == options_.targets.end() ? nullptr : &*target;
    TL_ASSERT(target_ != nullptr || login_.identity().session_type == SessionType::discovery);
    reader_.set_data_segment_length_max(parameters_.target_max_recv_data_segment_length);
    reader_.set_digests(parameters_.header_digest, parameters_.data_digest);
    writer_.set_digests(parameters_.header_digest, parameters_.data_digest);
    const auto units = target_ == nullptr ? 0 : target_->units.units.size();
    tasks_ = std::make_unique<TaskSet>(parameters_, it_nexus, units, options_.memory_budget,
                                       writer_, actions_);
    window_ = CommandWindow(window_.exp_cmd_sn(), tasks_->open_commands_max());
    phase_ = Phase::full_feature;
}

// ---- Answers from the logical units -------------------------------------------------------------

void Connection::on_task_done(TaskHandle handle, scsi::Completion completion) {
    if (phase_ == Phase::full_feature || phase_ == Phase::draining) {
        tasks_->on_task_done(handle, std::move(completion));
        progress();
    }
}

void Connection::on_task_management_done(ManagementHandle handle) {
    if (phase_ == Phase::full_feature || phase_ == Phase::draining) {
        tasks_->on_management_done(handle);
        progress();
    }
}

void Connection::abort_waiting_tasks(std::optional<std::uint64_t> lun) {
    if (phase_ == Phase::full_feature || phase_ == Phase::draining) {
        tasks_->abort_waiting(lun);
        progress();
    }
}

/// What has become possible.
void Connection::progress() {
    if (phase_ != Phase::full_feature && phase_ != Phase::draining) {
        return;
    }
    tasks_->advance();
    if (phase_ == Phase::draining && tasks_->idle()) {
        close(false, "the target shuts down");
    }
}

// ---- Time and the end ---------------------------------------------------------------------------

void Connection::on_tick(std::int64_t now_ms) {
    if (std::exchange(received_since_tick_, false)) {
        last_heard_ms_ = now_ms;
        pings_ = 0;
    }
    if (phase_ == Phase::login || phase_ == Phase::admitting) {
        if (now_ms - started_ms_ >= options_.login_timeout_ms) {
            close(true, "login took too long");
        }
        return;
    }
    if (phase_ == Phase::closing && !closing_since_ms_) {
        closing_since_ms_ = now_ms;
    } else if (phase_ == Phase::closing && now_ms - *closing_since_ms_ >= kClosingTimeMs) {
        writer_.clear();  // the initiator takes nothing
    }
    const bool alive = phase_ == Phase::full_feature || phase_ == Phase::draining;
    if (!alive || now_ms - last_heard_ms_ < options_.keep_alive_interval_ms * (pings_ + 1)) {
        return;
    }
    if (pings_ == kPingsMax) {
        close(true, "the initiator does not answer NOP-In");
        writer_.clear();
        return;
    }
    ++pings_;
    NopIn ping;
    ping_tag_ = (ping_tag_ + 1) % kReservedTag;
    ping.target_transfer_tag = ping_tag_;
    writer_.queue(encode(ping), StatSnUse::shown);
}

void Connection::shut_down() {
    if (phase_ == Phase::login || phase_ == Phase::admitting) {
        close(false, "the target shuts down");
    }
    if (phase_ != Phase::full_feature) {
        return;
    }
    AsyncMessage message;
    message.event = AsyncEvent::target_will_drop_connection;
    message.parameter1 = login_.identity().cid;
    message.parameter2 = static_cast<std::uint16_t>(parameters_.default_time2wait);
    writer_.queue(encode(message), StatSnUse::counted);
    window_.close();
    phase_ = Phase::draining;
    progress();
}

void Connection::abandon(std::string reason) {
    close(false, std::move(reason));
    writer_.clear();
}

void Connection::notice(std::string text) {
    if (notices_ < kNoticesMax) {
        ++notices_;
        actions_.emplace_back(Notice{std::move(text)});
    }
}

void Connection::protocol_error(std::string why) {
    close(true, "protocol error: " + std::move(why));
}

void Connection::close(bool fault, std::string reason) {
    if (phase_ == Phase::closing || phase_ == Phase::closed) {
        return;
    }
    phase_ = Phase::closing;
    close_ = Close{fault, std::move(reason)};
    drop_actions();
    held_.clear();
}

void Connection::drop_actions() {
    std::erase_if(actions_,
                  [](const Action& action) { return !std::holds_alternative<Notice>(action); });
}

/// 11.17: the header of the PDU goes back; its data was or will be read and thrown away.
void Connection::reject(const BasicHeader& header, RejectReason reason, std::string_view why) {
    Reject pdu;
    pdu.reason = reason;
    writer_.queue(encode(pdu), StatSnUse::counted, Buffer::copy_of(header));
    notice("rejected a PDU with opcode " + std::to_string(layout::kOpcode.load(header)) + ": " +
           std::string(why));
}

std::optional<Action> Connection::next_action() {
    if (!actions_.empty()) {
        auto action = std::move(actions_.front());
        actions_.pop_front();
        return action;
    }
    if (phase_ == Phase::closing && writer_.empty()) {
        phase_ = Phase::closed;
        return Action(std::move(*close_));
    }
    return std::nullopt;
}

std::optional<OutgoingPdu> Connection::next_pdu() {
    if (phase_ == Phase::closed) {
        return std::nullopt;
    }
    std::optional<TaskSet::Part> part;
    if (writer_.empty() && (phase_ == Phase::full_feature || phase_ == Phase::draining)) {
        part = tasks_->next_part();
        progress();  // a task may have ended, and with it others may begin
    }
    if (tasks_) {
        window_.update(tasks_->open());
    }
    if (part) {
        const auto numbers = StatusNumbers{0, window_.exp_cmd_sn(), window_.max_cmd_sn()};
        return writer_.frame(part->header, part->use, std::move(part->data), numbers);
    }
    if (writer_.empty()) {
        return std::nullopt;
    }
    return writer_.take(window_.exp_cmd_sn(), window_.max_cmd_sn());
}

}  // namespace tapeloft::vtl::iscsi
