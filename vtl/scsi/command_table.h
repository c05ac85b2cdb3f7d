// A device server is a table of commands: what must be known before a handler runs stands in its
// row.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "cloud/base/awaitable.h"

#include "vtl/scsi/opcode.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

class DeviceServer;

enum class Gate : std::uint8_t {
    none = 0,
    medium = 1,          ///< needs a loaded medium; else NOT READY
    writable = 2,        ///< needs a medium that may be written; else DATA PROTECT
    past_attention = 4,  ///< runs although a unit attention waits (SPC-5; SAM-5, 5.14)
    concurrent = 8,  ///< runs at once, although another task is running; its handler cannot wait
    shared = 16,     ///< runs beside other tasks that are shared; its handler sees to order itself
    beside_operation = 32,  ///< answers at once while an operation goes on: that it does
    beside_others = 64,     ///< runs at once, although a task of another nexus is running, unless a
                            ///< task of its own nexus came before; its handler cannot wait
    overwrites = 128,  ///< overwrites what follows the position: a unit attention that may mean
                       ///< another position stays until another command has reported it
};

[[nodiscard]] constexpr Gate operator|(Gate left, Gate right) noexcept {
    return static_cast<Gate>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}
[[nodiscard]] constexpr bool has(Gate gates, Gate gate) noexcept {
    return (static_cast<unsigned>(gates) & static_cast<unsigned>(gate)) != 0;
}

/// What a command does while another I_T nexus holds a reservation by RESERVE (SPC-2) or a
/// persistent one (SPC-5, 5.13, tables of commands allowed in the presence of reservations).
enum class WhenReserved : std::uint8_t {
    conflict,
    allowed,
    allowed_to_read,  ///< passes a persistent reservation that excludes writing; conflicts with all
                      ///< else
    conflicts_with_reserve,   ///< passes every persistent reservation
    reserve,                  ///< RESERVE itself
    release,                  ///< RELEASE itself
    persistent_reserve,       ///< PERSISTENT RESERVE IN and OUT: conflict with RESERVE of any nexus
    allowed_to_undo,          ///< PREVENT ALLOW MEDIUM REMOVAL with PREVENT = 0
    allowed_of_current_data,  ///< READ ELEMENT STATUS with CURDATA = 1 (SMC-3): nothing moves
};

/// A waiting handler owns its Task; a plain one only looks at it. `kind` says which pointer is set
/// (and stays a constant expression under -fsanitize=undefined, which a comparison of the pointers
/// is not).
struct Handler {
    enum class Kind : std::uint8_t { none, plain, waiting };
    Kind kind = Kind::none;
    Completion (*plain)(DeviceServer&, const Task&) = nullptr;
    Awaitable<Completion> (*waiting)(DeviceServer&, Task) = nullptr;
};

template <typename Method>
struct HandlerOf;

template <typename Device>
struct HandlerOf<Completion (Device::*)(const Task&)> {
    template <auto Method>
    static constexpr Handler make() {
        return {Handler::Kind::plain,
                [](DeviceServer& server, const Task& task) {
                    return (static_cast<Device&>(server).*Method)(task);
                },
                nullptr};
    }
};

template <typename Device>
struct HandlerOf<Awaitable<Completion> (Device::*)(Task)> {
    template <auto Method>
    static constexpr Handler make() {
        return {Handler::Kind::waiting, nullptr, [](DeviceServer& server, Task task) {
                    return (static_cast<Device&>(server).*Method)(std::move(task));
                }};
    }
};

/// handled_by<&TapeDrive::write>: a method Completion(const Task&) or Awaitable<Completion>(Task)
/// of a class derived from DeviceServer (for the common commands: &TapeDrive::inquiry and so on).
template <auto Method>
[[nodiscard]] constexpr Handler handled_by() {
    return HandlerOf<decltype(Method)>::template make<Method>();
}

using CdbBytes = std::array<std::uint8_t, 16>;

struct CommandRow {
    std::uint8_t opcode = 0;
    std::int16_t service_action = service_action::kNone;  ///< in the low five bits of CDB byte 1
    std::uint8_t cdb_length = 6;
    /// CDB usage data (SPC-5): byte 0 the operation code, then a bit for each bit that is
    /// looked at. The bits of the service action are given as the service action itself. A bit set
    /// in a CDB outside of it: 05/24/00 with a field pointer.
    CdbBytes usage{};
    Gate gates = Gate::none;
    WhenReserved when_reserved = WhenReserved::conflict;
    std::uint16_t timeout_s = 60;  ///< recommended command timeout; half of it is the nominal time
    Handler handler;
    const char* clause = "";  ///< the standard's clause, for the reader
    /// The IMMED bit in CDB byte 1, of a command whose status may go before it has ended (see
    /// DeviceServer::status_now()); 0: none.
    std::uint8_t immediate = 0;
};

/// Sorted by operation code, then service action, no two alike; rows are whole (see CommandRow).
template <typename Rows>
[[nodiscard]] constexpr bool sorted_and_unique(const Rows& rows) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const CommandRow& row = rows[i];
        const bool handled = row.handler.kind != Handler::Kind::none;
        const bool passes = has(row.gates, Gate::concurrent) || has(row.gates, Gate::beside_others);
        const bool may_pass = !passes || row.handler.kind == Handler::Kind::plain;
        const bool may_go_on = row.immediate == 0 || (row.handler.kind == Handler::Kind::waiting &&
                                                      !has(row.gates, Gate::shared));
        if (!handled || !may_pass || !may_go_on || row.usage[0] != row.opcode) {
            return false;
        }
        if (i == 0) {
            continue;
        }
        const CommandRow& before = rows[i - 1];
        const bool grows =
            before.opcode < row.opcode ||
            (before.opcode == row.opcode && before.service_action != service_action::kNone &&
             before.service_action < row.service_action);
        if (!grows) {
            return false;
        }
    }
    return true;
}

inline constexpr std::uint8_t kServiceActionMask = 0x1F;  ///< of byte 1 of a CDB

struct Lookup {
    const CommandRow* row = nullptr;
    bool opcode_known = false;  ///< with no row: the service action is unknown
};

[[nodiscard]] Lookup find_command(std::span<const CommandRow> rows, const CdbBytes& cdb) noexcept;

/// Looks for bits set outside of the usage data. Nothing: the CDB is clean.
[[nodiscard]] std::optional<FieldPointer> first_unused_bit_set(const CommandRow& row,
                                                               const CdbBytes& cdb) noexcept;

[[nodiscard]] Completion illegal_request(AdditionalSense additional);
/// CHECK CONDITION 05/24/00 that points at a field of the CDB; bit: its most significant bit.
[[nodiscard]] Completion invalid_field_in_cdb(std::uint16_t byte,
                                              std::optional<std::uint8_t> bit = {});
/// CHECK CONDITION 05/26/00 that points at a field of the parameter list.
[[nodiscard]] Completion invalid_field_in_parameter_list(std::uint16_t byte,
                                                         std::optional<std::uint8_t> bit = {});

/// `data` cut to the allocation length of the CDB.
[[nodiscard]] Completion with_allocation_length(ByteView data, std::size_t allocation_length);

/// REPORT SUPPORTED OPERATION CODES (SPC-5): answers from the table itself.
[[nodiscard]] Completion report_supported_operation_codes(std::span<const CommandRow> rows,
                                                          const Task& task);

}  // namespace tapeloft::vtl::scsi
