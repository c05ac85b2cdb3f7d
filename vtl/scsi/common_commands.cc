// The commands that every device type has in common (SPC-5; RESERVE and RELEASE: SPC-2).
#include "vtl/scsi/device_server.h"

namespace tapeloft::vtl::scsi {

Completion DeviceServer::inquiry(const Task& task) {
    return inquiry_data(identity_, task);
}

Completion DeviceServer::report_luns(const Task& task) {
    return report_luns_data(identity_.logical_unit_count, task);
}

Completion DeviceServer::request_sense(const Task& task) {
    constexpr std::uint8_t kDescriptorFormat = 0x01;
    Sense sense;
    if (const auto attention = unit_attentions_.take(task.it_nexus)) {
        sense.key = SenseKey::unit_attention;
        sense.additional = *attention;
    } else if (const auto error = tell_deferred_error(task.it_nexus, true)) {
        sense = *error;
    } else if (const auto condition = current_condition()) {
        sense = *condition;
    }
    if ((task.cdb[1] & kDescriptorFormat) != 0) {
        return with_allocation_length(encode_descriptor(sense), task.cdb[4]);
    }
    return with_allocation_length(encode_fixed(sense), task.cdb[4]);
}

Completion DeviceServer::test_unit_ready(const Task& /*task*/) {
    return Completion::good();
}

Completion DeviceServer::mode_sense(const Task& task) {
    return mode_pages_.sense(task, mode_parameter_header(), block_descriptor());
}

Awaitable<Completion> DeviceServer::mode_select(Task task) {
    auto decoded = mode_pages_.decode_select(task);
    if (auto* const refused = std::get_if<Completion>(&decoded)) {
        co_return std::move(*refused);
    }
    const ModeSelection& selection = *std::get_if<ModeSelection>(&decoded);
    Completion completion;
    completion.data_out_length = selection.parameter_list_length;
    if (selection.parameter_list_length == 0) {
        co_return completion;
    }
    if (auto refused = check_mode_selection(selection)) {
        co_return std::move(*refused);
    }
    if (selection.save) {
        Bytes saved = mode_pages_.encode_saved(selection);
        const bool kept = co_await remember(std::string(kModePagesValue), std::move(saved));
        if (!kept) {
            co_return not_remembered();
        }
    }
    const bool pages_changed = mode_pages_.apply(selection, task.it_nexus);
    const bool header_changed = apply_mode_selection(selection);
    if (pages_changed || header_changed) {
        unit_attentions_.establish_for_others(task.it_nexus, asc::kModeParametersChanged);
    }
    co_return completion;
}

Completion DeviceServer::log_sense_command(const Task& task) {
    return log_sense(task, log_pages_);
}

Completion DeviceServer::log_select(const Task& task) {
    auto decoded = decode_log_select(task, log_pages_);
    if (auto* const refused = std::get_if<Completion>(&decoded)) {
        return std::move(*refused);
    }
    const auto& pages = *std::get_if<std::vector<const LogPage*>>(&decoded);
    for (const LogPage* const page : pages) {
        page->reset();
    }
    if (!pages.empty()) {
        unit_attentions_.establish_for_others(task.it_nexus, asc::kLogParametersChanged);
    }
    return Completion::good();
}

// Conflicts were found before the handler.
Completion DeviceServer::reserve(const Task& task) {
    if (persistent_reservations_.reserve_release(initiator_port(task.it_nexus)) ==
        PersistentReservations::ReserveRelease::in_force) {
        reserved_by_ = task.it_nexus;
    }
    return Completion::good();
}

Completion DeviceServer::release(const Task& task) {
    if (reserved_by_ == task.it_nexus) {
        reserved_by_.reset();
        on_reservation_change(false);
    }
    return Completion::good();
}

Completion DeviceServer::persistent_reserve_in(const Task& task) {
    return persistent_reservations_.in(task);
}

// Works on a copy, which takes the place of the old state when it is durable.
Awaitable<Completion> DeviceServer::persistent_reserve_out(Task task) {
    PersistentReservations next = persistent_reservations_;
    auto outcome = next.out(task, initiator_port(task.it_nexus));
    if (outcome.completion.status != Status::good) {
        co_return std::move(outcome.completion);
    }
    if (outcome.persist) {
        const bool kept =
            co_await remember(std::string(kPersistentReservationsValue), next.encode());
        if (!kept) {
            co_return not_remembered();
        }
    }
    persistent_reservations_ = std::move(next);
    for (const auto& [port, condition] : outcome.attentions) {
        unit_attentions_.establish_for(port, condition);
    }
    const auto sender = initiator_port(task.it_nexus);
    for (const InitiatorPort& port : outcome.aborted) {  // SPC-5, 5.13.11.5, with TAS = 0
        if (abort_waiting_of(port) && port != sender) {
            unit_attentions_.establish_for(port, asc::kCommandsClearedByAnotherInitiator);
        }
    }
    const int action = task.cdb[1] & 0x1F;
    on_reservation_change(action == service_action::kPreempt ||
                          action == service_action::kPreemptAndAbort);
    co_return std::move(outcome.completion);
}

Completion DeviceServer::prevent_allow_medium_removal(const Task& task) {
    if ((task.cdb[4] & 0x01U) != 0) {
        preventing_.insert(task.it_nexus);
    } else {
        preventing_.erase(task.it_nexus);
    }
    return Completion::good();
}

}  // namespace tapeloft::vtl::scsi
