// PERSISTENT RESERVE IN (SPC-5, 6.16), and what is kept of a logical unit's reservations.
#include <algorithm>

#include "vtl/scsi/command_table.h"
#include "vtl/scsi/inquiry.h"
#include "vtl/scsi/persistent_reservations.h"
#include "vtl/scsi/transport_id.h"

namespace tapeloft::vtl::scsi {
namespace {

namespace layout {
using AllocationLength = BigEndian<std::uint16_t, 7>;  // CDB

constexpr std::size_t kHeaderLength = 8;  // READ KEYS, READ RESERVATION, READ FULL STATUS
using Generation = BigEndian<std::uint32_t, 0>;
using AdditionalLength = BigEndian<std::uint32_t, 4>;

namespace reservation {
constexpr std::size_t kLength = 16;
using Key = BigEndian<std::uint64_t, 0>;
constexpr std::size_t kScopeAndType = 13;
}  // namespace reservation

namespace full_status {
constexpr std::size_t kLength = 24;
using Key = BigEndian<std::uint64_t, 0>;
constexpr std::size_t kFlags = 12;
constexpr std::uint8_t kAllTargetPorts = 0x02;
constexpr std::uint8_t kHolder = 0x01;
constexpr std::size_t kScopeAndType = 13;
using RelativeTargetPort = BigEndian<std::uint16_t, 18>;
using AdditionalDescriptorLength = BigEndian<std::uint32_t, 20>;
}  // namespace full_status

namespace capabilities {
constexpr std::uint16_t kLength = 8;
constexpr std::size_t kFlags = 2;
constexpr std::uint8_t kCompatibleReservationHandling = 0x10;
constexpr std::uint8_t kSpecifyInitiatorPorts = 0x08;
constexpr std::uint8_t kAllTargetPorts = 0x04;
constexpr std::uint8_t kPersistThroughPowerLoss = 0x01;
constexpr std::size_t kMoreFlags = 3;
constexpr std::uint8_t kTypeMaskValid = 0x80;
constexpr std::uint8_t kPersistActivated = 0x01;
using TypeMask = BigEndian<std::uint16_t, 4>;
constexpr std::uint16_t kEveryType = 0xEA01;  // 7, 6, 5, 3, 1; 8
}  // namespace capabilities

namespace kept {  // version, flags, type (0: none), holder's index, registrations
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeaderLength = 4;
constexpr std::size_t kType = 1;
constexpr std::size_t kHolder = 2;
constexpr std::uint8_t kAllRegistrants = 0xFF;
constexpr std::size_t kCount = 3;
constexpr std::size_t kRegistrationLength = 8 + 1 + 6 + 1;  // key, flags, ISID, length of the name
}  // namespace kept
}  // namespace layout

Bytes with_header(std::uint32_t generation, const Bytes& body) {
    Bytes bytes(layout::kHeaderLength);
    layout::Generation::store(bytes, generation);
    layout::AdditionalLength::store(bytes, static_cast<std::uint32_t>(body.size()));
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}

bool has_a_holder(std::uint8_t type) {
    using enum ReservationType;
    constexpr auto kTypes = std::to_array<ReservationType>({write_exclusive, exclusive_access,
                                                            write_exclusive_registrants_only,
                                                            exclusive_access_registrants_only});
    return std::find(kTypes.begin(), kTypes.end(), static_cast<ReservationType>(type)) !=
           kTypes.end();
}

bool of_all_registrants(std::uint8_t type) {
    return static_cast<ReservationType>(type) == ReservationType::write_exclusive_all_registrants ||
           static_cast<ReservationType>(type) == ReservationType::exclusive_access_all_registrants;
}

}  // namespace

Completion PersistentReservations::in(const Task& task) const {
    struct Row {
        std::int16_t service_action;
        Bytes (PersistentReservations::*data)() const;
    };
    // clang-format off
    static constexpr auto kRows = std::to_array<Row>({
        {service_action::kReadKeys,           &PersistentReservations::keys},          // 6.16.2
        {service_action::kReadReservation,    &PersistentReservations::reservation},   // 6.16.3
        {service_action::kReportCapabilities, &PersistentReservations::capabilities},  // 6.16.4
        {service_action::kReadFullStatus,     &PersistentReservations::full_status},   // 6.16.5
    });
    // clang-format on
    for (const Row& row : kRows) {
        if (row.service_action == (task.cdb[1] & kServiceActionMask)) {
            return with_allocation_length((this->*row.data)(),
                                          layout::AllocationLength::load(task.cdb));
        }
    }
    return invalid_field_in_cdb(1, 4);
}

Bytes PersistentReservations::keys() const {
    Bytes body(8 * registrations_.size());
    for (std::size_t i = 0; i < registrations_.size(); ++i) {
        store_big_endian<8>(MutableByteView(body).subspan(8 * i), registrations_[i].key);
    }
    return with_header(generation_, body);
}

Bytes PersistentReservations::reservation() const {
    namespace field = layout::reservation;
    Bytes body;
    if (reservation_) {
        body.resize(field::kLength);
        if (reservation_->holder) {
            field::Key::store(body, find(*reservation_->holder)->key);
        }
        body[field::kScopeAndType] = static_cast<std::uint8_t>(reservation_->type);
    }
    return with_header(generation_, body);
}

Bytes PersistentReservations::full_status() const {
    namespace field = layout::full_status;
    Bytes body;
    for (const Registration& registration : registrations_) {
        const Bytes transport_id = encode_transport_id(registration.port);
        Bytes descriptor(field::kLength);
        field::Key::store(descriptor, registration.key);
        if (registration.all_target_ports) {
            descriptor[field::kFlags] = field::kAllTargetPorts;
        }
        if (holds(registration.port)) {
            descriptor[field::kFlags] =
                static_cast<std::uint8_t>(descriptor[field::kFlags] | field::kHolder);
            descriptor[field::kScopeAndType] = static_cast<std::uint8_t>(reservation_->type);
        }
        field::RelativeTargetPort::store(descriptor, kRelativeTargetPort);
        field::AdditionalDescriptorLength::store(descriptor,
                                                 static_cast<std::uint32_t>(transport_id.size()));
        body.insert(body.end(), descriptor.begin(), descriptor.end());
        body.insert(body.end(), transport_id.begin(), transport_id.end());
    }
    return with_header(generation_, body);
}

Bytes PersistentReservations::capabilities() const {
    namespace field = layout::capabilities;
    Bytes bytes(field::kLength);
    store_big_endian<2>(bytes, field::kLength);
    bytes[field::kFlags] = static_cast<std::uint8_t>(
        field::kCompatibleReservationHandling | field::kSpecifyInitiatorPorts |
        field::kAllTargetPorts | (can_persist_ ? field::kPersistThroughPowerLoss : 0U));
    bytes[field::kMoreFlags] = static_cast<std::uint8_t>(
        field::kTypeMaskValid | (persists_ ? field::kPersistActivated : 0U));
    field::TypeMask::store(bytes, field::kEveryType);
    return bytes;
}

Bytes PersistentReservations::encode() const {
    namespace field = layout::kept;
    if (!persists_) {
        return {};
    }
    Bytes bytes = {field::kVersion, 0, field::kAllRegistrants,
                   static_cast<std::uint8_t>(registrations_.size())};
    if (reservation_) {
        bytes[field::kType] = static_cast<std::uint8_t>(reservation_->type);
        if (reservation_->holder) {
            bytes[field::kHolder] =
                static_cast<std::uint8_t>(find(*reservation_->holder) - registrations_.data());
        }
    }
    for (const Registration& registration : registrations_) {
        std::array<std::uint8_t, field::kRegistrationLength> fixed{};
        store_big_endian<8>(fixed, registration.key);
        fixed[8] = registration.all_target_ports ? 1 : 0;
        std::copy(registration.port.isid.begin(), registration.port.isid.end(), fixed.begin() + 9);
        const std::string& name = registration.port.name;
        fixed[15] = static_cast<std::uint8_t>(name.size());  // at most 223 characters
        bytes.insert(bytes.end(), fixed.begin(), fixed.end());
        bytes.insert(bytes.end(), name.begin(), name.end());
    }
    return bytes;
}

Result<void> PersistentReservations::decode(ByteView kept) {
    namespace field = layout::kept;
    const Error corrupt{Errc::corrupt, "the kept persistent reservations make no sense"};
    if (kept.empty() || kept[0] != field::kVersion) {
        return Error{Errc::unsupported, "persistent reservations kept in an unknown version"};
    }
    if (kept.size() < field::kHeaderLength || kept[field::kCount] > kRegistrationsMax) {
        return corrupt;
    }
    std::vector<Registration> registrations;
    ByteView rest = kept.subspan(field::kHeaderLength);
    for (std::size_t i = 0; i < kept[field::kCount]; ++i) {
        if (rest.size() < field::kRegistrationLength ||
            rest.size() - field::kRegistrationLength < rest[15]) {
            return corrupt;
        }
        Registration registration;
        registration.key = load_big_endian<8>(rest);
        registration.all_target_ports = rest[8] != 0;
        std::copy_n(rest.begin() + 9, 6, registration.port.isid.begin());
        registration.port.name = as_text(rest.subspan(field::kRegistrationLength, rest[15]));
        rest = rest.subspan(field::kRegistrationLength + rest[15]);
        registrations.push_back(std::move(registration));
    }
    std::optional<Reservation> reservation;
    const std::uint8_t type = kept[field::kType];
    const std::uint8_t holder = kept[field::kHolder];
    const bool nobody = holder == field::kAllRegistrants;
    if (type != 0) {
        const bool sound = nobody ? of_all_registrants(type) && !registrations.empty()
                                  : has_a_holder(type) && holder < registrations.size();
        if (!sound) {
            return corrupt;
        }
        reservation.emplace();
        reservation->type = static_cast<ReservationType>(type);
        if (!nobody) {
            reservation->holder = registrations[holder].port;
        }
    }
    registrations_ = std::move(registrations);
    reservation_ = std::move(reservation);
    persists_ = true;
    return {};
}

}  // namespace tapeloft::vtl::scsi
