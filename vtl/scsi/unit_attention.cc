#include "vtl/scsi/unit_attention.h"

#include <algorithm>

namespace tapeloft::vtl::scsi {
namespace {

/// What ended may have carried commands whose answers never arrived: a host that sends one again
/// without a thought would write a block twice (SAM-5, 6.3.4; RFC 7143, 6.3.5.1).
constexpr AdditionalSense kItNexusLossOccurred{0x2907};

// The condition that says more stands first.
constexpr auto kPrecedence = std::to_array<AdditionalSense>({
    asc::kPowerOnOccurred,
    asc::kBusDeviceResetFunctionOccurred,
    kItNexusLossOccurred,
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
    asc::kCommandsClearedByAnotherInitiator,
});

std::size_t rank(AdditionalSense condition) noexcept {
    const auto* const found = std::find(kPrecedence.begin(), kPrecedence.end(), condition);
    return static_cast<std::size_t>(found - kPrecedence.begin());
}

/// What a host must look at anew, as it is, when the medium has changed.
constexpr auto kAboutTheMedium = std::to_array<AdditionalSense>({
    asc::kImportOrExportElementAccessed,
    asc::kDataEncryptionParametersChangedByAnotherItNexus,
    asc::kModeParametersChanged,
});

/// Whoever is told `stronger` learns nothing new from `weaker`.
bool says_all_of(AdditionalSense stronger, AdditionalSense weaker) noexcept {
    if (stronger == asc::kNotReadyToReadyChange &&
        std::find(kAboutTheMedium.begin(), kAboutTheMedium.end(), weaker) !=
            kAboutTheMedium.end()) {
        return true;
    }
    const bool all = stronger.asc() == kPowerOnOrReset && stronger != kItNexusLossOccurred;
    return stronger == weaker || (all && rank(stronger) < rank(weaker));
}

void merge(std::vector<AdditionalSense>& pending, AdditionalSense condition) {
    const auto said = [condition](AdditionalSense other) { return says_all_of(other, condition); };
    if (std::any_of(pending.begin(), pending.end(), said)) {
        return;
    }
    std::erase_if(pending,
                  [condition](AdditionalSense other) { return says_all_of(condition, other); });
    const auto next =
        std::find_if(pending.begin(), pending.end(),
                     [condition](AdditionalSense other) { return rank(condition) < rank(other); });
    pending.insert(next, condition);
}

}  // namespace

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
    ports_.push_front({std::move(port), nexus.id, {asc::kPowerOnOccurred}});
}

void UnitAttentions::nexus_lost(ItNexusId nexus) {
    for (Port& port : ports_) {
        if (port.nexus == nexus) {
            port.nexus.reset();
            merge(port.pending, kItNexusLossOccurred);
        }
    }
}

void UnitAttentions::establish_for_all(AdditionalSense condition) {
    for (Port& port : ports_) {
        merge(port.pending, condition);
    }
}

void UnitAttentions::establish_for_others(ItNexusId cause, AdditionalSense condition) {
    for (Port& port : ports_) {
        if (port.nexus != cause) {
            merge(port.pending, condition);
        }
    }
}

void UnitAttentions::establish_for(const InitiatorPort& port, AdditionalSense condition) {
    for (Port& known : ports_) {
        if (known.port == port) {
            merge(known.pending, condition);
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

bool UnitAttentions::moves_medium(AdditionalSense condition) noexcept {
    return condition == asc::kNotReadyToReadyChange ||
           (condition.asc() == kPowerOnOrReset && condition != kItNexusLossOccurred);
}

std::optional<AdditionalSense> UnitAttentions::pending(ItNexusId nexus) const {
    const Port* const port = port_of(nexus);
    return port == nullptr || port->pending.empty() ? std::nullopt
                                                    : std::optional(port->pending.front());
}

std::optional<AdditionalSense> UnitAttentions::take(ItNexusId nexus) {
    for (Port& port : ports_) {
        if (port.nexus == nexus && !port.pending.empty()) {
            const AdditionalSense condition = port.pending.front();
            port.pending.erase(port.pending.begin());
            return condition;
        }
    }
    return {};
}

}  // namespace tapeloft::vtl::scsi
