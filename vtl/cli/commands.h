// The commands of the command line, as rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "vtl/cli/admin_client.h"

namespace tapeloft::vtl::cli {

/// All that may stand on a command line; each command reads its own.
struct Arguments {
    std::string socket = "/var/lib/tapeloft/admin.sock";
    std::string library;  ///< empty: the only one
    bool json = false;
    std::string barcode;
    std::string barcodes;
    std::string capacity;  ///< empty: native
    bool worm = false;
    std::string location;  ///< empty: the first free slot
    std::string destination;
    std::string mail_action;  ///< "open" or "close"
    std::string mail_slot;    ///< empty: the first free one
    bool yes = false;
    bool dry_run = false;
    bool follow = false;
    std::uint64_t after = 0;
};

enum class Option : std::uint8_t {
    library,
    barcode,
    barcodes,
    capacity,
    worm,
    location,
    destination,
    mail_action,
    mail_slot,
    yes,
    dry_run,
    follow,
    after,
};

struct Command {
    std::string_view group;  ///< "cartridge"; empty: the command stands alone
    std::string_view name;
    std::string_view description;
    std::string_view examples;
    std::span<const Option> options;
    /// Asks the daemon and prints. Prints errors to standard error.
    ExitStatus (*run)(const Arguments& arguments);
};

[[nodiscard]] std::span<const Command> commands() noexcept;

}  // namespace tapeloft::vtl::cli
