// The commands of the command line, as rows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vtl/cli/admin_client.h"
#include "vtl/state/state_directory.h"

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
    std::uint32_t partition = 0;
    std::uint64_t file = 0;  ///< of the tape: filemarks before it
    std::string to_library;
    bool move = false;
    // Without a daemon: store and keys
    std::string state_dir{state::kStateDirectoryDefault};
    std::string store;                ///< URL
    std::vector<std::string> stores;  ///< URLs: of a mirror, or one
    std::string key;                  ///< file; empty: that of the library in the state directory
    std::string passphrase_file;      ///< empty: asked on the terminal, where it is needed
    std::string new_passphrase_file;  ///< likewise
    std::string backup;               ///< file
    bool partial = false;
    bool take_over = false;
    bool all = false;
    std::string sample;       ///< "10%" or "10"; empty: all
    std::uint64_t grace = 0;  ///< seconds
    bool grace_given = false;
    bool repair = false;
    // Tapes of Proxmox Backup Server
    std::vector<std::string> tapes;  ///< barcodes; empty: all
    std::string pool;                ///< empty: all
    bool full = false;
    std::string snapshot;  ///< [STORE:]SNAPSHOT[:ARCHIVE]; of find: a glob
    std::string path;
    std::vector<std::string> paths;  ///< or globs; empty: all
    bool recursive = false;
    bool as_tar = false;
    std::string name;  ///< glob
    std::string type;
    std::string newer;
    std::string older;
    std::string size;
    std::string target;  ///< file or folder
    std::string datastore;
    std::string client_key;  ///< file; empty: none
    std::string master_key;  ///< file; empty: none
    // The doctor: where the library is, and what may be written
    std::string target_url;  ///< URL
    std::uint32_t lun = 1;   ///< of the drive, at the target
    std::string changer;     ///< node
    std::string drive;       ///< node
    std::string scratch;     ///< barcodes, with a comma; empty: nothing is moved or written
    std::string cleaning;
    std::uint64_t backup_mib = 4096;
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
    partition,
    file,
    to_library,
    move,
    state_dir,
    store,
    store_url,
    key,
    library_key,
    passphrase_file,
    new_passphrase_file,
    backup,
    partial,
    take_over,
    barcode_or_all,
    sample,
    grace,
    repair,
    tapes,
    tape,
    pool,
    full,
    snapshot,
    snapshot_glob,
    path,
    paths,
    recursive,
    as_tar,
    name,
    type,
    newer,
    older,
    size,
    target,
    datastore,
    client_key,
    master_key,
    target_url,
    lun,
    changer,
    drive,
    scratch,
    cleaning,
    backup_mib,
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
