// What the transport hands to a logical unit, and what it gets back. Plain values; no I/O.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "cloud/base/bytes.h"

#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::scsi {

/// The largest data-out or data-in transfer of one command, in bytes. Twice the largest record.
inline constexpr std::uint32_t kTransferLengthMax = 16U * 1024 * 1024;

enum class Status : std::uint8_t {  // SAM-5, 5.3
    good = 0x00,
    check_condition = 0x02,
    condition_met = 0x04,
    busy = 0x08,
    reservation_conflict = 0x18,
    task_set_full = 0x28,
    aca_active = 0x30,
    task_aborted = 0x40,
};

/// Names one I_T nexus for as long as its session lives; never used twice in a daemon's life.
struct ItNexusId {
    std::uint64_t value = 0;
    friend auto operator<=>(const ItNexusId&, const ItNexusId&) = default;
};

/// Name plus ISID (RFC 7143, 4.4.3): what an I_T nexus is to registrations and unit attentions, as
/// there is one target port. Outlives sessions: two with the same pair are the same initiator port.
struct InitiatorPort {
    std::string name;  ///< in lower case
    std::array<std::uint8_t, 6> isid{};
    friend bool operator==(const InitiatorPort&, const InitiatorPort&) = default;
};

/// Who is at the other end.
struct ItNexus {
    ItNexusId id;
    std::string initiator_name;
    std::array<std::uint8_t, 6> isid{};
};

using TaskTag = std::uint32_t;  ///< Initiator Task Tag; unique among the tasks of a nexus

enum class TaskAttribute : std::uint8_t { untagged, simple, ordered, head_of_queue, aca };

struct Task {
    ItNexusId it_nexus;
    TaskTag tag = 0;
    TaskAttribute attribute = TaskAttribute::simple;
    std::array<std::uint8_t, 16> cdb{};
    Buffer data_out;  ///< all that the initiator sent; at most kTransferLengthMax
    std::uint32_t data_in_length_max = 0;  ///< the host's buffer for data-in (EDTL); 0: none
};

struct Completion {
    Status status = Status::good;
    std::optional<Sense> sense;  ///< set if and only if status is check_condition
    /// The reply, already cut to the allocation length of the CDB. For READ: the bytes that the CDB
    /// asks for and the tape has; the transport cuts to data_in_length_max and reports overflow.
    Buffer data_in;
    /// Bytes of data-out that the CDB called for and the device server took; 0 if it refused the
    /// command before it took data. The transport derives the residual from this.
    std::uint32_t data_out_length = 0;

    [[nodiscard]] static Completion good() { return {}; }
    [[nodiscard]] static Completion with_data(Buffer data) {
        Completion completion;
        completion.data_in = std::move(data);
        return completion;
    }
    [[nodiscard]] static Completion check_condition(const Sense& sense) {
        Completion completion;
        completion.status = Status::check_condition;
        completion.sense = sense;
        return completion;
    }
    [[nodiscard]] static Completion check_condition(SenseKey key, AdditionalSense additional) {
        Sense sense;
        sense.key = key;
        sense.additional = additional;
        return check_condition(sense);
    }
};

}  // namespace tapeloft::vtl::scsi
