#include "vtl/scsi/unit_attention.h"

#include <algorithm>

namespace tapeloft::vtl::scsi {
namespace {

// The condition that says more stands first.
constexpr auto kPrecedence = std::to_array<AdditionalSense>({
    asc::kPowerOnOccurred,
    asc::kBusDeviceResetFunctionOccurred,
    asc::kNotReadyToReadyChange,
    asc::kImportOrExportElementAccessed,
    asc::kRegistrationsPreempted,
    asc::kReservationsPreempted,
    asc::kReservationsReleased,
    asc::kDataEncryptionParametersChangedByAnotherItNexus,
    asc::kModeParametersChanged,
    asc::kLogParametersChanged,
    asc::kTimestampChanged,
    asc::kDeviceIdentifierChanged,
});

std::size_t rank(AdditionalSense condition) noexcept {
    const auto* const found = std::find(kPrecedence.begin(), kPrecedence.end(), condition);
    return static_cast<std::size_t>(found - kPrecedence.begin());
}

bool is_reset(AdditionalSense condition) noexcept {
    return rank(condition) <= rank(asc::kBusDeviceResetFunctionOccurred);
}

}  // namespace

void UnitAttentions::Port::add(AdditionalSense condition) noexcept {
    if (condition == asc::kCommandsClearedByAnotherInitiator) {
        commands_cleared = !pending || !is_reset(*pending);
        return;
    }
    if (!pending || rank(condition) < rank(*pending)) {
        pending = condition;
    }
    commands_cleared = commands_cleared && !is_reset(condition);
}

std::optional<AdditionalSense> UnitAttentions::Port::next() const noexcept {
    return pending || !commands_cleared ? pending
                                        : std::optional(asc::kCommandsClearedByAnotherInitiator);
}

void UnitAttentions::nexus_established(const ItNexus& nexus) {
    const auto known = std::find_if(ports_.begin(), ports_.end(), [&nexus](const Port& port) {
        return port.port.isid == nexus.isid && port.port.name == nexus.initiator_name;
    });
    if (known != ports_.end()) {
        known->nexus = nexus.id;
        ports_.splice(ports_.begin(), ports_, known);
        return;
    }
    if (ports_.size() >= kPortsMax) {
        const auto unused = std::find_if(ports_.rbegin(), ports_.rend(),
                                         [](const Port& port) { return !port.nexus; });
        if (unused != ports_.rend()) {
            ports_.erase(std::prev(unused.base()));
        }
    }
    InitiatorPort port{nexus.initiator_name, nexus.isid};
    ports_.push_front({std::move(port), nexus.id, asc::kPowerOnOccurred, false});
}

void UnitAttentions::nexus_lost(ItNexusId nexus) {
    for (Port& port : ports_) {
        if (port.nexus == nexus) {
            port.nexus.reset();
        }
    }
}

void UnitAttentions::establish_for_all(AdditionalSense condition) {
    for (Port& port : ports_) {
        port.add(condition);
    }
}

void UnitAttentions::establish_for_others(ItNexusId cause, AdditionalSense condition) {
    for (Port& port : ports_) {
        if (port.nexus != cause) {
            port.add(condition);
        }
    }
}

void UnitAttentions::establish_for(const InitiatorPort& port, AdditionalSense condition) {
    for (Port& known : ports_) {
        if (known.port == port) {
            known.add(condition);
        }
    }
}

std::optional<InitiatorPort> UnitAttentions::initiator_port(ItNexusId nexus) const {
    const Port* const known = port_of(nexus);
    return known == nullptr ? std::nullopt : std::optional(known->port);
}

const UnitAttentions::Port* UnitAttentions::port_of(ItNexusId nexus) const {
    for (const Port& port : ports_) {
        if (port.nexus == nexus) {
            return &port;
        }
    }
    return nullptr;
}

std::optional<AdditionalSense> UnitAttentions::pending(ItNexusId nexus) const {
    const Port* const port = port_of(nexus);
    return port == nullptr ? std::nullopt : port->next();
}

std::optional<AdditionalSense> UnitAttentions::take(ItNexusId nexus) {
    for (Port& port : ports_) {
        if (port.nexus == nexus) {
            const auto condition = port.next();
            port.commands_cleared = port.commands_cleared && port.pending;
            port.pending.reset();
            return condition;
        }
    }
    return {};
}

}  // namespace tapeloft::vtl::scsi
