// The TapeAlert flags of a drive as rows (SSC-5, annex A): what they mean and what clears them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "vtl/scsi/alert_flags.h"

namespace tapeloft::vtl::drive {

/// The flags that have a cause in this drive; the table has all of them.
enum class TapeAlert : std::uint8_t {
    hard_error = 3,  ///< an error that was not corrected, reading or writing
    medium = 4,      ///< what is on the medium is not what was written
    read_failure = 5,
    write_failure = 6,
    medium_life = 7,    ///< the cartridge is beyond its rated life
    write_protect = 9,  ///< a host tried to write on a protected medium
    medium_removal_prevented = 10,
    cleaning_medium = 11,      ///< a cleaning cartridge is loaded
    unsupported_format = 12,   ///< a medium that this drive cannot use was put in
    memory_chip_failure = 15,  ///< what the cartridge should remember could not be kept
    read_only_format = 17,     ///< the drive can only read this generation
    nearing_medium_life = 19,
    expired_cleaning_medium = 22,
    preventive_maintenance = 29,  ///< the spool is full; until a write works again
    primary_interface = 32,       ///< the store behind the tapes cannot be reached
    diagnostics_required = 39,    ///< the spool is nearly full
    lost_statistics = 50,         ///< the counters of the drive could not be kept
    worm_overwrite = 60,          ///< a host tried to overwrite a WORM medium
};

enum class AlertSeverity : char { information = 'I', warning = 'W', critical = 'C', unused = '-' };

/// What deactivates a flag, beside its cause going away.
enum class AlertCleared : std::uint8_t {
    never,       ///< the flag is not used
    at_load,     ///< it is about the medium: another one, or the same one again
    cleaning,    ///< a cleaning that worked
    correction,  ///< what failed works again
};

struct TapeAlertRow {
    std::uint8_t flag;
    AlertSeverity severity;
    AlertCleared cleared;
    std::string_view name;
};

/// All 64, ascending.
[[nodiscard]] std::span<const TapeAlertRow> tape_alert_rows() noexcept;

class TapeAlerts {
  public:
    void raise(TapeAlert alert) { flags_.raise(static_cast<std::uint8_t>(alert)); }
    void clear(TapeAlert alert) { flags_.clear(static_cast<std::uint8_t>(alert)); }
    [[nodiscard]] bool active(TapeAlert alert) const {
        return flags_.active(static_cast<std::uint8_t>(alert));
    }
    /// Flag 1 in the least significant bit.
    [[nodiscard]] std::uint64_t state() const noexcept { return flags_.state().to_ullong(); }
    /// A medium was loaded, a cleaning ended, ...: clears the flags of the rows that say so.
    void clear_all(AlertCleared event);
    /// Every flag, as LOG SELECT of page 2Eh does.
    void reset();

    /// Log page 2Eh: deactivates for the nexus that asks.
    void add_page(scsi::LogParameters& parameters);
    /// Log page 12h: the state; deactivates nothing.
    void add_response_page(scsi::LogParameters& parameters) const;

    /// TEST FLAG NUMBER of the informational exceptions mode page with TEST = 1 (SSC-5): n sets
    /// flag n, -n clears it, 32767 sets all that are supported. False: no such flag.
    bool apply_test(std::int32_t test_flag_number);
    [[nodiscard]] static bool can_test(std::int32_t test_flag_number) noexcept;

    /// The flags that can be set, flag 1 in the most significant bit (VPD page B2h, SSC-5).
    [[nodiscard]] static std::uint64_t supported() noexcept;

  private:
    scsi::AlertFlags flags_;
};

}  // namespace tapeloft::vtl::drive
