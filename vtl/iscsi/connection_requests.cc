// Connection: the requests of full feature phase other than SCSI commands and their data.
#include <algorithm>
#include <utility>

#include "vtl/iscsi/connection.h"

namespace tapeloft::vtl::iscsi {

/// 11.18: an initiator's ping is echoed; an answer to our own ping says no more than that it lives.
void Connection::on_nop_out(const BasicHeader& header, Buffer data) {
    const auto request = decode<NopOut>(header);
    if (request.initiator_task_tag == kReservedTag) {
        return;
    }
    NopIn answer;
    answer.initiator_task_tag = request.initiator_task_tag;
    const std::size_t length_max = parameters_.initiator_max_recv_data_segment_length;
    writer_.queue(encode(answer), StatSnUse::counted,
                  data.first(std::min(data.size(), length_max)));
}

void Connection::on_task_management(const BasicHeader& header, Buffer /*data*/) {
    tasks_->manage(decode<TaskManagementRequest>(header), window_);
    if (layout::kImmediate.load(header)) {  // else the one who delivers goes on by itself
        deliver_held();
    }
}

// ---- Text (11.10 and 11.11) ---------------------------------------------------------------------

void Connection::on_text(const BasicHeader& header, Buffer data) {
    const auto request = decode<TextRequest>(header);
    const bool first = request.target_transfer_tag == kReservedTag;
    const bool wrong_tag = !first && request.target_transfer_tag != text_tag_;
    const bool both_bits = request.final && request.continue_text;  // 11.10.2
    if (request.initiator_task_tag == kReservedTag || wrong_tag || both_bits) {
        return reject(header, RejectReason::invalid_pdu_field,
                      "Text Request with wrong tag or bits");
    }
    if (first) {  // 11.10.4: it resets what went before
        text_in_ = {};
        text_out_ = {};
    }
    if (!text_out_.empty()) {
        return send_text_part(request);
    }
    if (!text_in_.add(data.view())) {
        text_in_ = {};
        return reject(header, RejectReason::protocol_error, "text is too long");
    }
    if (request.continue_text) {
        return send_text_part(request);  // an empty one: go on
    }
    const auto whole = text_in_.take();
    const auto pairs = parse_text(whole);
    if (!pairs) {
        return reject(header, RejectReason::protocol_error, pairs.error().message);
    }
    auto text = answer_full_feature_text(*pairs);
    if (!text) {
        return reject(header, RejectReason::protocol_error, text.error().message);
    }
    answer_text(request, *text);
}

void Connection::answer_text(const TextRequest& request, FullFeatureText& text) {
    if (text.initiator_max_recv_data_segment_length) {
        parameters_.initiator_max_recv_data_segment_length =
            *text.initiator_max_recv_data_segment_length;
    }
    if (text.send_targets) {
        SendTargetsContext context;
        context.targets = options_.targets;
        context.session_target = login_.identity().target_name;
        context.portal_address = options_.portal_address;
        context.target_portal_group_tag = options_.login->target_portal_group_tag;
        const auto records = send_targets_records(context, *text.send_targets);
        text.answer.insert(text.answer.end(), records.begin(), records.end());
        if (records.empty() && target_ != nullptr) {  // appendix C: not in this session
            append_text_pair(text.answer, "SendTargets", "Reject");
        }
    }
    text_out_ = TextSplitter(std::move(text.answer));
    send_text_part(request);
}

void Connection::send_text_part(const TextRequest& request) {
    const auto part = text_out_.next(parameters_.initiator_max_recv_data_segment_length);
    TextResponse response;
    response.continue_text = !text_out_.empty();
    response.final = request.final && text_out_.empty();
    response.lun = request.lun;
    response.initiator_task_tag = request.initiator_task_tag;
    text_tag_ = kReservedTag;
    if (!response.final) {
        last_text_tag_ = (last_text_tag_ + 1) % kReservedTag;
        text_tag_ = last_text_tag_;
    }
    response.target_transfer_tag = text_tag_;
    writer_.queue(encode(response), StatSnUse::counted, Buffer::copy_of(part));
}

// ---- Logout (11.14 and 11.15) -------------------------------------------------------------------

void Connection::on_logout(const BasicHeader& header, Buffer /*data*/) {
    const auto request = decode<LogoutRequest>(header);
    const auto reason = static_cast<LogoutReason>(request.reason);
    LogoutResponse response;
    response.initiator_task_tag = request.initiator_task_tag;
    response.time2wait = static_cast<std::uint16_t>(parameters_.default_time2wait);
    if (reason > LogoutReason::remove_connection_for_recovery) {
        return reject(header, RejectReason::invalid_pdu_field,
                      "Logout Request with unknown reason");
    }
    if (reason == LogoutReason::remove_connection_for_recovery) {
        response.response = LogoutResult::recovery_not_supported;
    } else if (reason == LogoutReason::close_connection && request.cid != login_.identity().cid) {
        response.response = LogoutResult::cid_not_found;
    }
    if (response.response != LogoutResult::closed) {
        return writer_.queue(encode(response), StatSnUse::counted);
    }
    logout_initiator_task_tag_ = request.initiator_task_tag;
    phase_ = Phase::ending;
    drop_actions();
    if (target_ == nullptr) {  // a discovery session has nothing to end
        return on_session_ended();
    }
    actions_.emplace_back(EndSession{});
}

/// 11.14: whoever has the answer may count on it that nothing of the session is left.
void Connection::on_session_ended() {
    if (phase_ != Phase::ending) {  // given up meanwhile
        return;
    }
    LogoutResponse response;
    response.initiator_task_tag = logout_initiator_task_tag_;
    response.time2wait = static_cast<std::uint16_t>(parameters_.default_time2wait);
    writer_.queue(encode(response), StatSnUse::counted);
    close(false, "logout");
}

}  // namespace tapeloft::vtl::iscsi
