// Unit attention conditions for each initiator port (SAM-5, 5.14).
#pragma once

#include <list>
#include <optional>

#include "vtl/scsi/sense.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

/// At most one condition waits for a port: of two, the one that says more stays (power on, reset,
/// medium changed, import/export element accessed, registration or reservation lost, data
/// encryption parameters changed, mode parameters changed). Hosts that read one condition a second
/// (PBS) are then never held up. Beside it waits only COMMANDS CLEARED BY ANOTHER INITIATOR, as no
/// status tells of those commands (TAS = 0); a reset says it all.
class UnitAttentions {
  public:
    static constexpr std::size_t kPortsMax =
        256;  ///< the port unused for longest is forgotten first

    /// A nexus begins; the first contact of its initiator port establishes POWER ON OCCURRED.
    void nexus_established(const ItNexus& nexus);
    void nexus_lost(ItNexusId nexus);

    void establish_for_all(AdditionalSense condition);
    void establish_for_others(ItNexusId cause, AdditionalSense condition);
    /// Nothing happens for a port that is not known: its first contact is POWER ON OCCURRED anyway.
    void establish_for(const InitiatorPort& port, AdditionalSense condition);

    /// The port at the other end of a session that lives.
    [[nodiscard]] std::optional<InitiatorPort> initiator_port(ItNexusId nexus) const;

    [[nodiscard]] std::optional<AdditionalSense> pending(ItNexusId nexus) const;
    std::optional<AdditionalSense> take(ItNexusId nexus);  ///< returns and clears

  private:
    struct Port {
        InitiatorPort port;
        std::optional<ItNexusId> nexus;  ///< set: a session lives
        std::optional<AdditionalSense> pending;
        bool commands_cleared = false;  ///< told when nothing else is pending

        void add(AdditionalSense condition) noexcept;
        [[nodiscard]] std::optional<AdditionalSense> next() const noexcept;
    };
    [[nodiscard]] const Port* port_of(ItNexusId nexus) const;

    std::list<Port> ports_;  ///< newest first
};

}  // namespace tapeloft::vtl::scsi
