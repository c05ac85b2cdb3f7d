// Unit attention conditions for each initiator port (SAM-5, 5.14).
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <vector>

#include "vtl/scsi/sense.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

inline constexpr std::uint8_t kPowerOnOrReset = 0x29;  ///< the ASC of 29/xx

/// Conditions with different causes wait side by side and are reported one after another, what says
/// more first. Hosts may read one a second (PBS): a condition waits once, however often it comes,
/// and what says all that another does takes its place: power on and reset that of every other,
/// medium changed (28/00) that of what a host must look at anew with a medium (import/export
/// element accessed 28/01, mode parameters 2A/01, data encryption parameters 2A/11).
class UnitAttentions {
  public:
    static constexpr std::size_t kPortsMax =
        256;  ///< the port unused for longest is forgotten first

    /// A nexus begins; the first contact of its initiator port establishes POWER ON OCCURRED.
    void nexus_established(const ItNexus& nexus);
    void nexus_lost(ItNexusId nexus);  ///< the port is told 29/07 when it comes back

    void establish_for_all(AdditionalSense condition);
    void establish_for_others(ItNexusId cause, AdditionalSense condition);
    /// Nothing happens for a port that is not known: its first contact is POWER ON OCCURRED anyway.
    void establish_for(const InitiatorPort& port, AdditionalSense condition);

    /// The port at the other end of a session that lives.
    [[nodiscard]] std::optional<InitiatorPort> initiator_port(ItNexusId nexus) const;

    /// What its host believes of the medium, the position or the block length may be wrong.
    [[nodiscard]] static bool moves_medium(AdditionalSense condition) noexcept;

    /// The next one to report.
    [[nodiscard]] std::optional<AdditionalSense> pending(ItNexusId nexus) const;
    std::optional<AdditionalSense> take(ItNexusId nexus);  ///< the same, and clears it

  private:
    struct Port {
        InitiatorPort port;
        std::optional<ItNexusId> nexus;        ///< set: a session lives
        std::vector<AdditionalSense> pending;  ///< what says more first; no two alike
    };
    [[nodiscard]] const Port* port_of(ItNexusId nexus) const;

    std::list<Port> ports_;  ///< newest first
};

}  // namespace tapeloft::vtl::scsi
