#include "vtl/scsi/persistent_reservations.h"

#include <algorithm>

#include "vtl/scsi/command_table.h"
#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/transport_id.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace layout {
namespace cdb {  // SPC-5, 6.17
constexpr std::size_t kScopeAndType = 2;
constexpr std::uint8_t kTypeMask = 0x0F;
using ParameterListLength = BigEndian<std::uint32_t, 5>;
}  // namespace cdb

namespace list {  // SPC-5, 6.17.3
using ReservationKey = BigEndian<std::uint64_t, 0>;
using ServiceActionReservationKey = BigEndian<std::uint64_t, 8>;
constexpr std::uint16_t kFlags = 20;
constexpr std::uint8_t kSpecifyInitiatorPorts = 0x08;
constexpr std::uint8_t kAllTargetPorts = 0x04;
constexpr std::uint8_t kActivatePersist = 0x01;
constexpr std::uint8_t kReservedFlags = 0xF2;
constexpr std::uint16_t kReserved = 21;
constexpr std::size_t kLength = 24;
using TransportIdsLength = BigEndian<std::uint32_t, 24>;
constexpr std::size_t kTransportIds = 28;
}  // namespace list

namespace move_list {  // SPC-5, 6.17.4
constexpr std::uint16_t kReserved = 16;
constexpr std::uint16_t kFlags = 17;
constexpr std::uint8_t kUnregister = 0x02;
constexpr std::uint8_t kActivatePersist = 0x01;
constexpr std::uint8_t kReservedFlags = 0xFC;
using RelativeTargetPort = BigEndian<std::uint16_t, 18>;
using TransportIdLength = BigEndian<std::uint32_t, 20>;
constexpr std::size_t kTransportId = 24;
}  // namespace move_list
}  // namespace layout

bool of_all_registrants(ReservationType type) {
    return type == ReservationType::write_exclusive_all_registrants ||
           type == ReservationType::exclusive_access_all_registrants;
}

bool of_registrants(ReservationType type) {
    return of_all_registrants(type) || type == ReservationType::write_exclusive_registrants_only ||
           type == ReservationType::exclusive_access_registrants_only;
}

bool excludes_reading(ReservationType type) {
    return type == ReservationType::exclusive_access ||
           type == ReservationType::exclusive_access_registrants_only ||
           type == ReservationType::exclusive_access_all_registrants;
}

Completion reservation_conflict() {
    Completion completion;
    completion.status = Status::reservation_conflict;
    return completion;
}

std::optional<Completion> check_scope_and_type(const Task& task) {
    const std::uint8_t value = task.cdb[layout::cdb::kScopeAndType];
    if ((value & ~layout::cdb::kTypeMask) != 0) {  // LU_SCOPE is all there is
        return invalid_field_in_cdb(layout::cdb::kScopeAndType, 7);
    }
    constexpr unsigned kTypes = 0x01EA;  // a bit for each of ReservationType
    if ((kTypes >> value & 1U) == 0) {
        return invalid_field_in_cdb(layout::cdb::kScopeAndType, 3);
    }
    return {};
}

/// Nothing: the list is there as the CDB says.
std::optional<Completion> check_list_length(const Task& task) {
    const std::uint32_t length = layout::cdb::ParameterListLength::load(task.cdb);
    if (length < layout::list::kLength) {
        return illegal_request(asc::kParameterListLengthError);
    }
    if (task.data_out.size() < length) {
        return illegal_request(asc::kInvalidFieldInCommandInformationUnit);
    }
    return {};
}

}  // namespace

// --- What others may do
// ---------------------------------------------------------------------------

PersistentReservations::Passage PersistentReservations::passage(
    const InitiatorPort& port) const noexcept {
    if (!reservation_ || holds(port) ||
        (of_registrants(reservation_->type) && find(port) != nullptr)) {
        return Passage::everything;
    }
    return excludes_reading(reservation_->type) ? Passage::nothing : Passage::reading;
}

PersistentReservations::ReserveRelease PersistentReservations::reserve_release(
    const InitiatorPort& port) const noexcept {
    if (registrations_.empty()) {
        return ReserveRelease::in_force;
    }
    const bool passes = reservation_ && passage(port) == Passage::everything;
    return passes ? ReserveRelease::without_effect : ReserveRelease::conflict;
}

const PersistentReservations::Registration* PersistentReservations::find(
    const InitiatorPort& port) const noexcept {
    for (const Registration& registration : registrations_) {
        if (registration.port == port) {
            return &registration;
        }
    }
    return nullptr;
}

PersistentReservations::Registration* PersistentReservations::find(
    const InitiatorPort& port) noexcept {
    for (Registration& registration : registrations_) {
        if (registration.port == port) {
            return &registration;
        }
    }
    return nullptr;
}

bool PersistentReservations::holds(const InitiatorPort& port) const noexcept {
    if (!reservation_) {
        return false;
    }
    return reservation_->holder ? *reservation_->holder == port : find(port) != nullptr;
}

// --- PERSISTENT RESERVE OUT
// -----------------------------------------------------------------------

struct PersistentReservations::ServiceAction {
    std::int16_t code;
    Refused (PersistentReservations::*decode)(const Task&, Request&) const;
    bool takes_scope_and_type;
    bool from_registrants_only;
    Refused (PersistentReservations::*perform)(const Request&, Outcome&);
};

PersistentReservations::Outcome PersistentReservations::out(const Task& task,
                                                            const InitiatorPort& port) {
    using P = PersistentReservations;
    // clang-format off
    static constexpr auto kServiceActions = std::to_array<ServiceAction>({  // SPC-5, 5.13.5 to 5.13.11
        {service_action::kRegister,        &P::decode_basic_list, false, false, &P::do_register},
        {service_action::kReserve,         &P::decode_basic_list, true,  true,  &P::do_reserve},
        {service_action::kRelease,         &P::decode_basic_list, true,  true,  &P::do_release},
        {service_action::kClear,           &P::decode_basic_list, false, true,  &P::do_clear},
        {service_action::kPreempt,         &P::decode_basic_list, true,  true,  &P::do_preempt},
        {service_action::kPreemptAndAbort, &P::decode_basic_list, true,  true,  &P::do_preempt},
        {service_action::kRegisterAndIgnoreExistingKey, &P::decode_basic_list, false, false, &P::do_register_and_ignore},
        {service_action::kRegisterAndMove, &P::decode_move_list,  false, true,  &P::do_register_and_move},
    });
    // clang-format on
    Outcome outcome;
    const auto refuse = [&outcome](Completion why) {
        outcome = Outcome();
        outcome.completion = std::move(why);
        return outcome;
    };
    const auto code = static_cast<std::uint8_t>(task.cdb[1] & kServiceActionMask);
    const auto row =
        std::find_if(kServiceActions.begin(), kServiceActions.end(),
                     [code](const ServiceAction& action) { return action.code == code; });
    if (row == kServiceActions.end()) {
        return refuse(invalid_field_in_cdb(1, 4));
    }
    Request request;
    request.from = port;
    request.service_action = code;
    request.scope_and_type = task.cdb[layout::cdb::kScopeAndType];
    if (auto refused = row->takes_scope_and_type ? check_scope_and_type(task) : std::nullopt) {
        return refuse(std::move(*refused));
    }
    if (auto refused = check_list_length(task)) {
        return refuse(std::move(*refused));
    }
    if (auto refused = (this->*row->decode)(task, request)) {
        return refuse(std::move(*refused));
    }
    if (auto refused = row->from_registrants_only ? check_registrant(request) : std::nullopt) {
        return refuse(std::move(*refused));
    }
    const Bytes kept = encode();
    if (auto refused = (this->*row->perform)(request, outcome)) {
        return refuse(std::move(*refused));
    }
    outcome.persist = kept != encode();
    outcome.completion.data_out_length = layout::cdb::ParameterListLength::load(task.cdb);
    return outcome;
}

PersistentReservations::Refused PersistentReservations::decode_basic_list(const Task& task,
                                                                          Request& request) const {
    namespace list = layout::list;
    const ByteView bytes =
        task.data_out.view().first(layout::cdb::ParameterListLength::load(task.cdb));
    const std::uint8_t flags = bytes[list::kFlags];
    request.key = list::ReservationKey::load(bytes);
    request.service_action_key = list::ServiceActionReservationKey::load(bytes);
    request.specify_initiator_ports = (flags & list::kSpecifyInitiatorPorts) != 0;
    request.all_target_ports = (flags & list::kAllTargetPorts) != 0;
    request.activate_persist = (flags & list::kActivatePersist) != 0;
    const bool registers = request.service_action == service_action::kRegister;
    const bool may_activate =
        registers || request.service_action == service_action::kRegisterAndIgnoreExistingKey;
    if ((flags & list::kReservedFlags) != 0) {
        return invalid_field_in_parameter_list(list::kFlags, (flags & 0xF0U) != 0 ? 7 : 1);
    }
    if (bytes[list::kReserved] != 0) {
        return invalid_field_in_parameter_list(list::kReserved, 7);
    }
    if (request.activate_persist && may_activate && !can_persist_) {
        return invalid_field_in_parameter_list(list::kFlags, 0);
    }
    if (!request.specify_initiator_ports) {
        return bytes.size() == list::kLength
                   ? Refused()
                   : Refused(illegal_request(asc::kParameterListLengthError));
    }
    if (!registers) {
        return invalid_field_in_parameter_list(list::kFlags, 3);
    }
    if (bytes.size() < list::kTransportIds ||
        bytes.size() - list::kTransportIds != list::TransportIdsLength::load(bytes)) {
        return illegal_request(asc::kParameterListLengthError);
    }
    for (std::size_t at = list::kTransportIds; at < bytes.size();) {
        const auto transport_id = decode_transport_id(bytes.subspan(at));
        if (!transport_id.port) {
            return invalid_field_in_parameter_list(
                static_cast<std::uint16_t>(at + transport_id.fault));
        }
        if (find(*transport_id.port) != nullptr || *transport_id.port == request.from ||
            std::find(request.ports.begin(), request.ports.end(), *transport_id.port) !=
                request.ports.end()) {
            return invalid_field_in_parameter_list(static_cast<std::uint16_t>(at));
        }
        if (request.ports.size() == kRegistrationsMax) {
            return illegal_request(asc::kInsufficientRegistrationResources);
        }
        request.ports.push_back(*transport_id.port);
        at += transport_id.length;
    }
    return {};
}

PersistentReservations::Refused PersistentReservations::decode_move_list(const Task& task,
                                                                         Request& request) const {
    namespace list = layout::move_list;
    const ByteView bytes =
        task.data_out.view().first(layout::cdb::ParameterListLength::load(task.cdb));
    const std::uint8_t flags = bytes[list::kFlags];
    request.key = layout::list::ReservationKey::load(bytes);
    request.service_action_key = layout::list::ServiceActionReservationKey::load(bytes);
    request.unregister = (flags & list::kUnregister) != 0;
    request.activate_persist = (flags & list::kActivatePersist) != 0;
    if (bytes[list::kReserved] != 0) {
        return invalid_field_in_parameter_list(list::kReserved, 7);
    }
    if ((flags & list::kReservedFlags) != 0) {
        return invalid_field_in_parameter_list(list::kFlags, 7);
    }
    if (request.activate_persist && !can_persist_) {
        return invalid_field_in_parameter_list(list::kFlags, 0);
    }
    if (list::RelativeTargetPort::load(bytes) != kRelativeTargetPort) {
        return invalid_field_in_parameter_list(list::RelativeTargetPort::offset, 7);
    }
    if (bytes.size() - list::kTransportId != list::TransportIdLength::load(bytes)) {
        return illegal_request(asc::kParameterListLengthError);
    }
    const auto transport_id = decode_transport_id(bytes.subspan(list::kTransportId));
    if (!transport_id.port || transport_id.length != bytes.size() - list::kTransportId) {
        return invalid_field_in_parameter_list(
            static_cast<std::uint16_t>(list::kTransportId + transport_id.fault));
    }
    request.ports.push_back(*transport_id.port);
    return {};
}

PersistentReservations::Refused PersistentReservations::check_registrant(
    const Request& request) const {
    const Registration* const registration = find(request.from);
    if (registration == nullptr || registration->key != request.key) {
        return reservation_conflict();
    }
    return {};
}

// --- Registering (SPC-5, 5.13.6)
// ------------------------------------------------------------------

PersistentReservations::Refused PersistentReservations::do_register(const Request& request,
                                                                    Outcome& outcome) {
    const Registration* const registration = find(request.from);
    if (registration == nullptr) {
        if (request.key != 0) {
            return reservation_conflict();
        }
        return request.service_action_key == 0 ? Refused() : register_ports(request);
    }
    if (registration->key != request.key) {
        return reservation_conflict();
    }
    if (request.specify_initiator_ports) {
        return invalid_field_in_parameter_list(layout::list::kFlags, 3);
    }
    change_registration(request, outcome);
    return {};
}

PersistentReservations::Refused PersistentReservations::do_register_and_ignore(
    const Request& request, Outcome& outcome) {
    if (find(request.from) != nullptr) {
        change_registration(request, outcome);
        return {};
    }
    return request.service_action_key == 0 ? Refused() : register_ports(request);
}

PersistentReservations::Refused PersistentReservations::register_ports(const Request& request) {
    if (registrations_.size() + request.ports.size() >= kRegistrationsMax) {
        return illegal_request(asc::kInsufficientRegistrationResources);
    }
    registrations_.push_back({request.from, request.service_action_key, request.all_target_ports});
    for (const InitiatorPort& port : request.ports) {
        registrations_.push_back({port, request.service_action_key, request.all_target_ports});
    }
    persists_ = request.activate_persist;
    ++generation_;
    return {};
}

void PersistentReservations::change_registration(const Request& request, Outcome& outcome) {
    persists_ = request.activate_persist;
    ++generation_;
    if (request.service_action_key == 0) {
        unregister(request.from, outcome);
        return;
    }
    Registration* const registration = find(request.from);
    registration->key = request.service_action_key;
    registration->all_target_ports = request.all_target_ports;
}

void PersistentReservations::unregister(const InitiatorPort& port, Outcome& outcome) {
    const bool was_holder = holds(port);
    std::erase_if(registrations_, [&port](const Registration& each) { return each.port == port; });
    const bool last = registrations_.empty();
    if (was_holder && (last || !of_all_registrants(reservation_->type))) {
        release(port, outcome);
    }
}

// --- Reserving and releasing (SPC-5, 5.13.7, 5.13.11.2)
// -------------------------------------------

PersistentReservations::Refused PersistentReservations::do_reserve(const Request& request,
                                                                   Outcome& /*outcome*/) {
    const auto type = static_cast<ReservationType>(request.scope_and_type);
    if (reservation_) {
        const bool again = holds(request.from) && reservation_->type == type;
        return again ? Refused() : Refused(reservation_conflict());
    }
    reservation_.emplace();
    reservation_->type = type;
    if (!of_all_registrants(type)) {
        reservation_->holder = request.from;
    }
    return {};
}

PersistentReservations::Refused PersistentReservations::do_release(const Request& request,
                                                                   Outcome& outcome) {
    if (!holds(request.from)) {
        return {};
    }
    if (reservation_->type != static_cast<ReservationType>(request.scope_and_type)) {
        return illegal_request(asc::kInvalidReleaseOfPersistentReservation);
    }
    release(request.from, outcome);
    return {};
}

void PersistentReservations::release(const InitiatorPort& cause, Outcome& outcome) {
    const ReservationType type = reservation_->type;
    reservation_.reset();
    if (of_registrants(type)) {
        tell_others(cause, asc::kReservationsReleased, outcome);
    }
}

void PersistentReservations::tell_others(const InitiatorPort& cause, AdditionalSense condition,
                                         Outcome& outcome) const {
    for (const Registration& registration : registrations_) {
        if (registration.port != cause) {
            outcome.attentions.emplace_back(registration.port, condition);
        }
    }
}

PersistentReservations::Refused PersistentReservations::do_clear(const Request& request,
                                                                 Outcome& outcome) {
    tell_others(request.from, asc::kReservationsPreempted, outcome);
    reservation_.reset();
    registrations_.clear();
    ++generation_;
    return {};
}

// --- Preempting (SPC-5, 5.13.11.4)
// ----------------------------------------------------------------

std::vector<InitiatorPort> PersistentReservations::remove_registrations(
    std::optional<std::uint64_t> key, const std::optional<InitiatorPort>& spared) {
    std::vector<InitiatorPort> removed;
    std::erase_if(registrations_, [&](const Registration& each) {
        const bool goes = (!key || each.key == *key) && !(spared && each.port == *spared);
        if (goes) {
            removed.push_back(each.port);
        }
        return goes;
    });
    return removed;
}

PersistentReservations::Refused PersistentReservations::do_preempt(const Request& request,
                                                                   Outcome& outcome) {
    const std::uint64_t key = request.service_action_key;
    const auto type = static_cast<ReservationType>(request.scope_and_type);
    const bool all_registrants = reservation_ && !reservation_->holder;
    const bool preempts_reservation =
        reservation_ && (all_registrants ? key == 0 : find(*reservation_->holder)->key == key);
    if (key == 0 && !preempts_reservation) {
        return invalid_field_in_parameter_list(layout::list::ServiceActionReservationKey::offset,
                                               7);
    }
    std::vector<InitiatorPort> removed;
    if (preempts_reservation) {
        removed =
            remove_registrations(all_registrants ? std::nullopt : std::optional(key), request.from);
        if (reservation_->type != type) {
            tell_others(request.from, asc::kReservationsReleased, outcome);
        }
        reservation_->type = type;
        reservation_->holder =
            of_all_registrants(type) ? std::nullopt : std::optional(request.from);
    } else {
        removed = remove_registrations(key, std::nullopt);
        if (removed.empty()) {
            return reservation_conflict();
        }
        if (registrations_.empty()) {
            reservation_.reset();  // of all registrants, and none is left
        }
    }
    ++generation_;
    for (const InitiatorPort& port : removed) {
        if (port != request.from) {
            outcome.attentions.emplace_back(port, asc::kRegistrationsPreempted);
        }
    }
    if (request.service_action == service_action::kPreemptAndAbort) {
        outcome.aborted = std::move(removed);
    }
    return {};
}

// --- Moving (SPC-5, 5.13.8)
// -----------------------------------------------------------------------

PersistentReservations::Refused PersistentReservations::do_register_and_move(const Request& request,
                                                                             Outcome& outcome) {
    const InitiatorPort& destination = request.ports.front();
    if (!reservation_ || !reservation_->holder || *reservation_->holder != request.from) {
        return reservation_conflict();
    }
    if (request.service_action_key == 0) {
        return invalid_field_in_parameter_list(layout::list::ServiceActionReservationKey::offset,
                                               7);
    }
    if (destination == request.from) {
        return invalid_field_in_parameter_list(layout::move_list::kTransportId);
    }
    if (Registration* const known = find(destination)) {
        known->key = request.service_action_key;
    } else if (registrations_.size() == kRegistrationsMax && !request.unregister) {
        return illegal_request(asc::kInsufficientRegistrationResources);
    } else {
        registrations_.push_back({destination, request.service_action_key, false});
    }
    reservation_->holder = destination;
    persists_ = request.activate_persist;
    ++generation_;
    if (request.unregister) {
        unregister(request.from, outcome);
    }
    return {};
}

}  // namespace tapeloft::vtl::scsi
