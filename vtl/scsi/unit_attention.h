// Unit attention conditions for each initiator port (SAM-5, 5.14).
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "vtl/scsi/sense.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

/// At most one condition waits for a port: of two, the one that says more stays (power on, reset,
/// medium changed, import/export element accessed, mode parameters changed). Hosts that read one
/// condition a second (PBS) are then never held up.
class UnitAttentions {
  public:
    static constexpr std::size_t kPortsMax =
        256;  ///< the port unused for longest is forgotten first

    /// A nexus begins; the first contact of its initiator port establishes POWER ON OCCURRED.
    void nexus_established(const ItNexus& nexus);
    void nexus_lost(ItNexusId nexus);

    void establish_for_all(AdditionalSense condition);
    void establish_for_others(ItNexusId cause, AdditionalSense condition);

    [[nodiscard]] std::optional<AdditionalSense> pending(ItNexusId nexus) const;
    std::optional<AdditionalSense> take(ItNexusId nexus);  ///< returns and clears

  private:
    struct Port {
        std::string initiator_name;
        std::array<std::uint8_t, 6> isid{};
        std::optional<ItNexusId> nexus;  ///< set: a session lives
        std::optional<AdditionalSense> pending;
    };
    [[nodiscard]] const Port* port_of(ItNexusId nexus) const;

    std::list<Port> ports_;  ///< newest first
};

}  // namespace tapeloft::vtl::scsi
