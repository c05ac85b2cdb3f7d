// The configuration of the daemon: one TOML file, checked whole before anything is touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

#include "media/library/cartridge_store.h"

#include "vtl/iscsi/chap.h"
#include "vtl/net/portal.h"
#include "vtl/state/state_directory.h"

namespace tapeloft::vtl::daemon {

inline constexpr std::string_view kTargetNamePrefix = "iqn.2026-11.io.tapeloft:";
inline constexpr std::string_view kConfigFileDefault = "/etc/tapeloft/tapeloft.toml";
inline constexpr std::uint64_t kSpoolSizeMin = 64ULL * 1024 * 1024;  ///< bytes

/// One [[library]]: one iSCSI target. The defaults are those of a file that leaves the key out.
struct LibraryConfig {
    std::string name = "default";  ///< unique; target iqn.2026-11.io.tapeloft:<name>
    /// URLs; default: file://<state_dir>/store/<name>. Several: a mirror of them.
    std::vector<std::string> stores;
    std::uint32_t required = 1;  ///< so many of them must hold an object
    std::uint32_t drives = 2;
    std::uint32_t slots = 24;
    std::uint32_t import_export_slots = 4;
    std::string drive_model = "IBM ULT3580-TD9";
    std::string changer_model = "IBM 03584L32";
    std::uint64_t spool_size = 16ULL * 1024 * 1024 * 1024;  ///< bytes
    std::string durability = "local";  ///< what keeps promises: the disk, or ("cloud") the store
    std::filesystem::path key_file;    ///< default: <state_dir>/keys/<name>.key
    std::optional<std::filesystem::path> key_passphrase_file;  ///< what unwraps the key file
    std::uint32_t compression = 3;                             ///< level of zstd; 0: none
    std::uint64_t cache_size = 4ULL * 1024 * 1024 * 1024;      ///< bytes; of remote stores
    /// Seconds; longer than that no load waits for an archived cartridge, it is refused. The
    /// default is below the 600 s for which PBS waits for a drive that becomes ready.
    std::uint32_t load_wait_s = 540;
    std::vector<media::CartridgeStore::Population> cartridges;
    bool take_over = false;  ///< from whoever has it; of the command line only

    [[nodiscard]] std::string target_name() const { return std::string(kTargetNamePrefix) + name; }
    [[nodiscard]] std::string stores_text() const;  ///< for messages
};

struct AccountConfig {
    std::filesystem::path secret_file;
    std::optional<std::filesystem::path> mutual_secret_file;
    iscsi::ChapAccount chap;  ///< with the secrets; never print it
};

struct Config {
    std::string source;  ///< file name, or "built-in defaults"
    std::filesystem::path state_dir = state::kStateDirectoryDefault;
    std::vector<net::Endpoint> listen;     ///< default: 127.0.0.1:3260
    std::vector<AccountConfig> accounts;   ///< empty: no CHAP
    std::vector<LibraryConfig> libraries;  ///< at least one

    [[nodiscard]] std::filesystem::path admin_socket() const { return state_dir / "admin.sock"; }
};

/// The configuration that `text` describes; reads the secret files it names, nothing else. `file`
/// is for messages. state_dir, if given, replaces that of the text. Errors: invalid_argument; the
/// message is "file:line: key: what was found; what is allowed" and holds no secret.
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::string& file,
                                          const std::optional<std::filesystem::path>& state_dir);

/// Reads and parses a file. Errors: not_found, io, denied, invalid_argument.
[[nodiscard]] Result<Config> load_config(const std::filesystem::path& file,
                                         const std::optional<std::filesystem::path>& state_dir);

/// A library of 20 LTO-9 cartridges under the state directory. Errors: invalid_argument
/// (state_dir).
[[nodiscard]] Result<Config> default_config(const std::optional<std::filesystem::path>& state_dir);

/// The effective configuration as TOML that parse_config() takes; secrets appear as file names
/// only.
[[nodiscard]] std::string to_toml(const Config& config);

/// Things that are legal but that an administrator should know, one sentence each: a portal that
/// others can reach without CHAP.
[[nodiscard]] std::vector<std::string> warnings(const Config& config);

}  // namespace tapeloft::vtl::daemon
