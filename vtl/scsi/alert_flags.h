// TapeAlert flags of any device type (SSC-5, SMC-3): which are active, and which of them a nexus
// has not been told yet.
#pragma once

#include <bitset>
#include <cstdint>
#include <list>

#include "vtl/scsi/log_pages.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

/// Reading the TapeAlert log page deactivates flags for the nexus that read them, and for no other;
/// one that is raised again is news for all. The state itself ends with its cause alone.
class AlertFlags {
  public:
    static constexpr std::uint8_t kFlagMax = 64;
    static constexpr std::size_t kNexusesMax =
        256;  ///< the nexus that read first is forgotten first, and is told again
    using Bits = std::bitset<kFlagMax>;  ///< bit n: flag n + 1

    /// flag: 1 to kFlagMax.
    void raise(std::uint8_t flag);
    void clear(std::uint8_t flag);
    [[nodiscard]] bool active(std::uint8_t flag) const;
    /// What is active, whoever has read it.
    [[nodiscard]] const Bits& state() const noexcept { return state_; }
    /// What is active and new to the nexus; it is not new afterwards.
    Bits take(ItNexusId nexus);

    /// The TapeAlert log page 2Eh: flags 1 to flag_count, a byte each.
    void add_page(LogParameters& parameters, std::uint8_t flag_count);

  private:
    struct Reader {
        ItNexusId nexus;
        Bits told;  ///< a subset of state_
    };
    Bits state_;
    std::list<Reader> readers_;  ///< newest first
};

}  // namespace tapeloft::vtl::scsi
