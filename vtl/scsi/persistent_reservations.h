// Persistent reservations of one logical unit (SPC-5, 5.13): who is registered, who holds the
// reservation, and what PERSISTENT RESERVE IN and OUT make of it. Values only; no I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

enum class ReservationType : std::uint8_t {  // SPC-5, 6.16.3.4
    write_exclusive = 0x1,
    exclusive_access = 0x3,
    write_exclusive_registrants_only = 0x5,
    exclusive_access_registrants_only = 0x6,
    write_exclusive_all_registrants = 0x7,
    exclusive_access_all_registrants = 0x8,
};

/// A registration is that of an initiator port at the one target port there is; it outlives
/// sessions and resets.
/// Invariants: a reservation has a holder that is registered, or, of the all registrants types, at
/// least one registration; no port is registered twice; no key is 0.
class PersistentReservations {
  public:
    static constexpr std::size_t kRegistrationsMax = 64;

    /// can_persist: there is a place to keep registrations through power loss (PTPL_C).
    explicit PersistentReservations(bool can_persist) : can_persist_(can_persist) {}

    /// What the reservation lets a port do.
    enum class Passage : std::uint8_t { everything, reading, nothing };
    [[nodiscard]] Passage passage(const InitiatorPort& port) const noexcept;

    /// What becomes of RESERVE and RELEASE (SPC-2) of a port (SPC-3, 5.6.3: CRH = 1).
    enum class ReserveRelease : std::uint8_t { in_force, without_effect, conflict };
    [[nodiscard]] ReserveRelease reserve_release(const InitiatorPort& port) const noexcept;

    [[nodiscard]] bool reserved() const noexcept { return reservation_.has_value(); }
    /// Is the port a holder of the reservation?
    [[nodiscard]] bool holds(const InitiatorPort& port) const noexcept;

    /// PERSISTENT RESERVE IN, every service action.
    [[nodiscard]] Completion in(const Task& task) const;

    /// What PERSISTENT RESERVE OUT has done; if the status is not GOOD, nothing.
    struct Outcome {
        Completion completion;
        bool persist = false;  ///< encode() is other than before: keep it before GOOD is sent
        std::vector<std::pair<InitiatorPort, AdditionalSense>> attentions;
        std::vector<InitiatorPort> aborted;  ///< PREEMPT AND ABORT: their tasks end
    };
    [[nodiscard]] Outcome out(const Task& task, const InitiatorPort& port);

    /// What is kept through power loss; empty: nothing (APTPL = 0).
    [[nodiscard]] Bytes encode() const;
    /// Errors: corrupt, unsupported (an unknown version); then nothing is changed.
    [[nodiscard]] Result<void> decode(ByteView kept);

  private:
    struct Registration {
        InitiatorPort port;
        std::uint64_t key = 0;
        bool all_target_ports = false;
        friend bool operator==(const Registration&, const Registration&) = default;
    };
    struct Reservation {
        ReservationType type{};
        std::optional<InitiatorPort> holder;  ///< nothing: all registrants
        friend bool operator==(const Reservation&, const Reservation&) = default;
    };
    /// The parameter list and what of the CDB goes with it.
    struct Request {
        InitiatorPort from;
        std::uint8_t service_action = 0;
        std::uint8_t scope_and_type = 0;
        std::uint64_t key = 0;
        std::uint64_t service_action_key = 0;
        bool specify_initiator_ports = false;
        bool all_target_ports = false;
        bool activate_persist = false;
        bool unregister = false;           ///< REGISTER AND MOVE
        std::vector<InitiatorPort> ports;  ///< of the TransportIDs
    };
    using Refused = std::optional<Completion>;
    struct ServiceAction;

    [[nodiscard]] Refused decode_basic_list(const Task& task, Request& request) const;
    [[nodiscard]] Refused decode_move_list(const Task& task, Request& request) const;
    [[nodiscard]] Refused check_registrant(const Request& request) const;

    Refused do_register(const Request& request, Outcome& outcome);
    Refused do_register_and_ignore(const Request& request, Outcome& outcome);
    Refused do_reserve(const Request& request, Outcome& outcome);
    Refused do_release(const Request& request, Outcome& outcome);
    Refused do_clear(const Request& request, Outcome& outcome);
    Refused do_preempt(const Request& request, Outcome& outcome);
    Refused do_register_and_move(const Request& request, Outcome& outcome);

    Refused register_ports(const Request& request);
    void change_registration(const Request& request, Outcome& outcome);
    void unregister(const InitiatorPort& port, Outcome& outcome);
    void release(const InitiatorPort& cause, Outcome& outcome);
    /// Removes the registrations with the key (none: all) but that of `spared`.
    std::vector<InitiatorPort> remove_registrations(std::optional<std::uint64_t> key,
                                                    const std::optional<InitiatorPort>& spared);
    void tell_others(const InitiatorPort& cause, AdditionalSense condition, Outcome& outcome) const;

    [[nodiscard]] const Registration* find(const InitiatorPort& port) const noexcept;
    [[nodiscard]] Registration* find(const InitiatorPort& port) noexcept;
    [[nodiscard]] Bytes keys() const;
    [[nodiscard]] Bytes reservation() const;
    [[nodiscard]] Bytes full_status() const;
    [[nodiscard]] Bytes capabilities() const;

    bool can_persist_;
    bool persists_ = false;  ///< APTPL of the last registration
    std::uint32_t generation_ = 0;
    std::vector<Registration> registrations_;  ///< in the order in which they came
    std::optional<Reservation> reservation_;
};

}  // namespace tapeloft::vtl::scsi
