#include "vtl/daemon/config.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <span>

#include "media/library/barcode.h"

#include "vtl/daemon/config_value.h"
#include "vtl/daemon/readable_media.h"
#include "vtl/daemon/secret_file.h"
#include "vtl/library/element_address.h"
#include "vtl/scsi/changer_model.h"
#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::uint64_t kSizeMax = 1ULL << 60U;                                // bytes; 1 EiB
constexpr std::uintmax_t kConfigFileLengthMax = 1024 * 1024;                   // bytes
constexpr std::size_t kLibraryNameLengthMax = 223 - kTargetNamePrefix.size();  // RFC 7143, 4.2.7.1
constexpr std::size_t kUserLengthMax = 255;                                    // bytes
constexpr std::size_t kSocketPathLengthMax = 107;  // sun_path but its final NUL
constexpr std::string_view kFileScheme = "file://";

/// A key of a table: how its value gets into the target.
template <typename Target>
struct KeyRow {
    std::string_view key;
    Result<void> (*read)(const ConfigField& field, Target& target);
};

/// Reads every key of the table by its row, in the order of the file; refuses the others.
template <typename Target>
Result<void> read_table(const std::string& file, const std::string& path, const toml::table& table,
                        std::span<const KeyRow<Target>> rows, Target& target) {
    std::vector<std::pair<std::string_view, const toml::node*>> entries;
    for (const auto& [key, node] : table) {
        entries.emplace_back(key.str(), &node);
    }
    std::stable_sort(entries.begin(), entries.end(), [](const auto& left, const auto& right) {
        return left.second->source().begin.line < right.second->source().begin.line;
    });
    for (const auto& [key, node] : entries) {
        const ConfigField field{file, path + (path.empty() ? "" : ".") + std::string(key), *node};
        const auto row = std::find_if(rows.begin(), rows.end(),
                                      [&key = key](const auto& each) { return each.key == key; });
        if (row == rows.end()) {
            std::string allowed;
            for (const auto& each : rows) {
                allowed += (allowed.empty() ? "" : ", ") + std::string(each.key);
            }
            return field.error("unknown key; allowed: " + allowed);
        }
        TL_CHECK(row->read(field, target));
    }
    return {};
}

/// Calls read(table) for each element of an array of tables.
template <typename Read>
Result<void> for_each_table(const ConfigField& field, Read read) {
    const auto* const array = field.node.as_array();
    const bool all_tables = array != nullptr && array->is_homogeneous(toml::node_type::table);
    if (!all_tables) {
        return field.not_allowed("one or more tables that begin with [[" + field.path + "]]");
    }
    for (const auto& element : *array) {
        TL_CHECK(read(ConfigField{field.file, field.path, element}, *element.as_table()));
    }
    return {};
}

// [[library.cartridges]]

Result<void> read_barcodes(const ConfigField& field, media::CartridgeStore::Population& target) {
    TL_TRY(target.barcodes,
           text_value(field, "a barcode or a range, as in \"TL0001L9..TL0020L9\""));
    const auto expanded = media::expand_barcodes(target.barcodes);
    return expanded ? Result<void>{}
                    : field.error("found \"" + target.barcodes + "\"; " + expanded.error().message);
}

Result<void> read_capacity(const ConfigField& field, media::CartridgeStore::Population& target) {
    TL_TRY(target.capacity, size_value(field, media::kCartridgeCapacityMin, kSizeMax));
    return {};
}

Result<void> read_worm(const ConfigField& field, media::CartridgeStore::Population& target) {
    if (!field.node.is_boolean()) {
        return field.not_allowed("true or false");
    }
    target.worm = **field.node.as_boolean();
    return {};
}

constexpr auto kCartridgesRows = std::to_array<KeyRow<media::CartridgeStore::Population>>({
    {"barcodes", &read_barcodes},
    {"capacity", &read_capacity},
    {"worm", &read_worm},
});

// [[library]]

bool legal_library_name(std::string_view name) {
    constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyz0123456789";
    constexpr std::string_view kOthers = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    return !name.empty() && name.size() <= kLibraryNameLengthMax &&
           kFirst.find(name.front()) != std::string_view::npos &&
           name.find_first_not_of(kOthers) == std::string_view::npos;
}

Result<void> read_name(const ConfigField& field, LibraryConfig& target) {
    const std::string allowed =
        "1 to " + std::to_string(kLibraryNameLengthMax) +
        " characters a-z, 0-9, '.' and '-', the first a letter or a digit (it becomes part of the "
        "iSCSI target name)";
    TL_TRY(target.name, text_value(field, allowed));
    return legal_library_name(target.name) ? Result<void>{} : field.not_allowed(allowed);
}

Result<void> read_store(const ConfigField& field, LibraryConfig& target) {
    constexpr std::string_view kAllowed =
        "\"file:///absolute/path\", the only kind in this version";
    TL_TRY(target.store, text_value(field, kAllowed));
    const bool legal =
        target.store.starts_with(kFileScheme) && target.store.size() > kFileScheme.size() + 1 &&
        target.store[kFileScheme.size()] == '/' && target.store.find('\0') == std::string::npos;
    return legal ? Result<void>{} : field.not_allowed(kAllowed);
}

Result<void> read_drives(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.drives, integer_value(field, 1, library::kDrivesMax));
    return {};
}

Result<void> read_slots(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.slots, integer_value(field, 1, library::kStorageElementsMax));
    return {};
}

Result<void> read_import_export_slots(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.import_export_slots, integer_value(field, 0, library::kImportExportElementsMax));
    return {};
}

Result<void> read_drive_model(const ConfigField& field, LibraryConfig& target) {
    std::string allowed;
    for (const auto& model : scsi::drive_models()) {
        allowed += (allowed.empty() ? "\"" : ", \"") + std::string(model.name) + "\"";
    }
    TL_TRY(target.drive_model, text_value(field, allowed));
    return scsi::find_drive_model(target.drive_model) != nullptr ? Result<void>{}
                                                                 : field.not_allowed(allowed);
}

Result<void> read_changer_model(const ConfigField& field, LibraryConfig& target) {
    std::string allowed;
    for (const auto& model : scsi::changer_models()) {
        allowed += (allowed.empty() ? "\"" : ", \"") + std::string(model.name) + "\"";
    }
    TL_TRY(target.changer_model, text_value(field, allowed));
    return scsi::find_changer_model(target.changer_model) != nullptr ? Result<void>{}
                                                                     : field.not_allowed(allowed);
}

Result<void> read_spool_size(const ConfigField& field, LibraryConfig& target) {
    TL_TRY(target.spool_size, size_value(field, kSpoolSizeMin, kSizeMax));
    return {};
}

Result<void> read_durability(const ConfigField& field, LibraryConfig& target) {
    constexpr std::string_view kAllowed = "\"local\"";
    TL_TRY(target.durability, text_value(field, kAllowed));
    if (target.durability == "cloud") {
        return field.error(
            "found \"cloud\"; allowed: \"local\". This version keeps what is written on the local "
            "disk only, so it cannot promise that data survive the loss of this machine");
    }
    return target.durability == "local" ? Result<void>{} : field.not_allowed(kAllowed);
}

Result<void> read_cartridges(const ConfigField& field, LibraryConfig& target) {
    return for_each_table(
        field, [&target](const ConfigField& element, const toml::table& table) -> Result<void> {
            media::CartridgeStore::Population population;
            TL_CHECK(read_table<media::CartridgeStore::Population>(
                element.file, element.path, table, kCartridgesRows, population));
            if (population.barcodes.empty()) {
                return element.error("the key barcodes is missing");
            }
            target.cartridges.push_back(std::move(population));
            return {};
        });
}

constexpr auto kLibraryRows = std::to_array<KeyRow<LibraryConfig>>({
    {"name", &read_name},
    {"store", &read_store},
    {"drives", &read_drives},
    {"slots", &read_slots},
    {"import_export_slots", &read_import_export_slots},
    {"drive_model", &read_drive_model},
    {"changer_model", &read_changer_model},
    {"spool_size", &read_spool_size},
    {"durability", &read_durability},
    {"cartridges", &read_cartridges},
});

/// A cartridge cannot hold more than its generation does.
Result<void> check_capacity(const ConfigField& field, const std::string& barcode,
                            std::uint64_t capacity) {
    TL_TRY(const auto marking, media::marking_of(barcode));
    const auto& generation = marking.generation;
    if (capacity <= generation.native_capacity) {
        return {};
    }
    return field.not_allowed("a size from " + format_size(media::kCartridgeCapacityMin) + " to " +
                             format_size(generation.native_capacity) + ", which is what " +
                             std::string(generation.name) + " holds");
}

/// What worm = true can be said of.
Result<void> check_worm(const ConfigField& field, const std::string& barcode) {
    TL_TRY(const auto marking, media::marking_of(barcode));
    if (marking.cleaning || marking.generation.worm_suffix.empty()) {
        return field.error("there are no WORM cartridges as " + barcode +
                           "; allowed: worm = true with L5 to L9");
    }
    return {};
}

/// The rules between the keys of one library.
Result<void> check_library(const ConfigField& element, const LibraryConfig& library) {
    const auto* const populations = element.node.as_table()->get_as<toml::array>("cartridges");
    std::set<std::string> taken;
    for (std::size_t i = 0; i < library.cartridges.size(); ++i) {
        const auto* const table = populations->get_as<toml::table>(i);
        const ConfigField field{element.file, "library.cartridges.barcodes",
                                *table->get("barcodes")};
        TL_TRY(const auto barcodes, media::expand_barcodes(library.cartridges[i].barcodes));
        for (const auto& barcode : barcodes) {
            if (const auto fine = check_readable(library.drive_model, barcode); !fine) {
                return field.error(fine.error().message);
            }
            if (!taken.insert(barcode).second) {
                return field.error("barcode " + barcode +
                                   " is given twice; allowed: each barcode once");
            }
        }
        if (library.cartridges[i].worm) {
            const ConfigField worm{element.file, "library.cartridges.worm", *table->get("worm")};
            TL_CHECK(check_worm(worm, barcodes.front()));
        }
        if (const auto capacity = library.cartridges[i].capacity) {
            const ConfigField size{element.file, "library.cartridges.capacity",
                                   *table->get("capacity")};
            TL_CHECK(check_capacity(size, barcodes.front(), *capacity));
        }
        if (taken.size() > library.slots) {
            return field.error("found " + std::to_string(taken.size()) +
                               " cartridges up to here; allowed: as many as there are slots (" +
                               std::to_string(library.slots) + ")");
        }
    }
    return {};
}

std::filesystem::path store_path(const LibraryConfig& library) {
    const std::filesystem::path path(library.store.substr(kFileScheme.size()));
    return (path / "").lexically_normal();  // ends with a slash
}

/// Each library needs a store of its own, neither around nor inside that of another. For a config
/// that is complete: a store may be one that the file leaves to the default.
Result<void> check_stores(const std::string& file, const toml::table& table, const Config& config) {
    const auto* const libraries = table.get_as<toml::array>("library");
    for (std::size_t later = 1; later < config.libraries.size(); ++later) {
        const ConfigField element{file, "library", *libraries->get(later)};
        const auto& library = config.libraries[later];
        const auto path = store_path(library).native();
        for (std::size_t i = 0; i < later; ++i) {
            const auto& other = config.libraries[i];
            const auto taken = store_path(other).native();
            if (path.starts_with(taken) || taken.starts_with(path)) {
                return element.error("the store of library \"" + library.name + "\", " +
                                     library.store + ", overlaps that of library \"" + other.name +
                                     "\", " + other.store + "; allowed: a folder of its own");
            }
        }
    }
    return {};
}

Result<void> read_libraries(const ConfigField& field, Config& target) {
    return for_each_table(
        field, [&target](const ConfigField& element, const toml::table& table) -> Result<void> {
            LibraryConfig library;
            TL_CHECK(read_table<LibraryConfig>(element.file, element.path, table, kLibraryRows,
                                               library));
            for (const auto& other : target.libraries) {
                if (other.name == library.name) {
                    return element.error("a second library with the name \"" + library.name +
                                         "\"; allowed: each name once");
                }
            }
            TL_CHECK(check_library(element, library));
            target.libraries.push_back(std::move(library));
            return {};
        });
}

// [iscsi]

Result<void> read_user_into(const ConfigField& field, std::string& user) {
    constexpr std::string_view kAllowed = "1 to 255 bytes without control characters";
    TL_TRY(user, text_value(field, kAllowed));
    const bool legal = !user.empty() && user.size() <= kUserLengthMax &&
                       std::none_of(user.begin(), user.end(),
                                    [](char c) { return (c >= 0 && c < ' ') || c == 127; });
    return legal ? Result<void>{} : field.not_allowed(kAllowed);
}

Result<std::string> read_secret(const ConfigField& field, std::filesystem::path& file) {
    TL_TRY(file, absolute_path_value(field));
    auto secret = read_secret_file(file);
    if (!secret) {
        return field.error(secret.error().message);
    }
    return secret;
}

Result<void> read_user(const ConfigField& field, AccountConfig& target) {
    return read_user_into(field, target.chap.user);
}

Result<void> read_secret_key(const ConfigField& field, AccountConfig& target) {
    TL_TRY(target.chap.secret, read_secret(field, target.secret_file));
    return {};
}

Result<void> read_mutual_user(const ConfigField& field, AccountConfig& target) {
    return read_user_into(field, target.chap.mutual_user.emplace());
}

Result<void> read_mutual_secret_key(const ConfigField& field, AccountConfig& target) {
    TL_TRY(target.chap.mutual_secret, read_secret(field, target.mutual_secret_file.emplace()));
    return {};
}

constexpr auto kAccountRows = std::to_array<KeyRow<AccountConfig>>({
    {"user", &read_user},
    {"secret_file", &read_secret_key},
    {"mutual_user", &read_mutual_user},
    {"mutual_secret_file", &read_mutual_secret_key},
});

Result<void> check_account(const ConfigField& element, const AccountConfig& account,
                           const Config& config) {
    if (account.chap.user.empty()) {
        return element.error("the key user is missing");
    }
    if (account.secret_file.empty()) {
        return element.error("the key secret_file is missing");
    }
    if (account.chap.mutual_user.has_value() != account.chap.mutual_secret.has_value()) {
        return element.error(
            "mutual_user and mutual_secret_file go together; one of them is missing");
    }
    std::vector<iscsi::ChapAccount> accounts;
    for (const auto& other : config.accounts) {
        accounts.push_back(other.chap);
    }
    accounts.push_back(account.chap);
    const auto fine = iscsi::check_chap_accounts(accounts);
    return fine ? Result<void>{} : element.error(fine.error().message);
}

Result<void> read_accounts(const ConfigField& field, Config& target) {
    return for_each_table(
        field, [&target](const ConfigField& element, const toml::table& table) -> Result<void> {
            AccountConfig account;
            TL_CHECK(read_table<AccountConfig>(element.file, element.path, table, kAccountRows,
                                               account));
            TL_CHECK(check_account(element, account, target));
            target.accounts.push_back(std::move(account));
            return {};
        });
}

/// Two sockets cannot listen on both.
bool collide(const net::Endpoint& left, const net::Endpoint& right) {
    const bool same_family = left.address().is_v4() == right.address().is_v4();
    return left.port() == right.port() && same_family &&
           (left.address() == right.address() || left.address().is_unspecified() ||
            right.address().is_unspecified());
}

Result<void> read_listen(const ConfigField& field, Config& target) {
    constexpr std::string_view kAllowed =
        "one or more strings with a numeric address and a port from 1 to 65535, as in "
        "[\"127.0.0.1:3260\", \"[::1]:3260\"]";
    const auto* const array = field.node.as_array();
    if (array == nullptr || array->empty()) {
        return array == nullptr
                   ? field.not_allowed(kAllowed)
                   : field.error("found an empty array; allowed: " + std::string(kAllowed));
    }
    target.listen.clear();
    for (const auto& element : *array) {
        const ConfigField entry{field.file, field.path, element};
        TL_TRY(const auto text, text_value(entry, kAllowed));
        const auto endpoint = parse_endpoint(text);
        if (!endpoint) {
            return entry.not_allowed(kAllowed);
        }
        for (const auto& other : target.listen) {
            if (collide(other, *endpoint)) {
                return entry.error("found \"" + text + "\", which collides with \"" +
                                   format_endpoint(other) +
                                   "\"; allowed: each address and port once");
            }
        }
        target.listen.push_back(*endpoint);
    }
    return {};
}

constexpr auto kIscsiRows = std::to_array<KeyRow<Config>>({
    {"listen", &read_listen},
    {"account", &read_accounts},
});

// The file.

constexpr std::string_view kSocketLimit =
    "allowed: at most 107 bytes for <state_dir>/admin.sock, the limit of Unix sockets";

bool fits_socket(const Config& config) {
    return config.admin_socket().native().size() <= kSocketPathLengthMax;
}

Result<void> read_state_dir(const ConfigField& field, Config& target) {
    TL_TRY(target.state_dir, absolute_path_value(field));
    return fits_socket(target) ? Result<void>{}
                               : field.error("the path is too long; " + std::string(kSocketLimit));
}

Result<void> read_iscsi(const ConfigField& field, Config& target) {
    const auto* const table = field.node.as_table();
    return table != nullptr ? read_table<Config>(field.file, field.path, *table, kIscsiRows, target)
                            : field.not_allowed("a table that begins with [iscsi]");
}

constexpr auto kFileRows = std::to_array<KeyRow<Config>>({
    {"state_dir", &read_state_dir},
    {"iscsi", &read_iscsi},
    {"library", &read_libraries},
});

LibraryConfig default_library() {
    LibraryConfig library;
    library.cartridges.push_back({"TL0001L9..TL0020L9", std::nullopt, false});
    return library;
}

/// What the file leaves out and what follows from the state directory.
Result<Config> complete(Config config, const std::optional<std::filesystem::path>& state_dir) {
    if (state_dir) {
        config.state_dir = *state_dir;
    }
    if (!config.state_dir.is_absolute()) {
        return Error{Errc::invalid_argument, "state directory: found \"" +
                                                 config.state_dir.string() +
                                                 "\"; allowed: an absolute path"};
    }
    if (!fits_socket(config)) {
        return Error{Errc::invalid_argument, "state directory: the path \"" +
                                                 config.state_dir.string() + "\" is too long; " +
                                                 std::string(kSocketLimit)};
    }
    if (config.libraries.empty()) {
        config.libraries.push_back(default_library());
    }
    for (auto& library : config.libraries) {
        if (library.store.empty()) {
            library.store =
                std::string(kFileScheme) + (config.state_dir / "store" / library.name).string();
        }
    }
    return config;
}

Config empty_config(std::string source) {
    Config config;
    config.source = std::move(source);
    config.listen.emplace_back(boost::asio::ip::address_v4::loopback(), std::uint16_t{3260});
    return config;
}

Result<toml::table> parse_toml(std::string_view text, const std::string& file) {
    try {
        return toml::parse(text, file);
    } catch (const toml::parse_error& failed) {
        return Error{Errc::invalid_argument,
                     file + ":" + std::to_string(failed.source().begin.line) +
                         ": this is not TOML: " + std::string(failed.description())};
    }
}

}  // namespace

Result<Config> parse_config(std::string_view text, const std::string& file,
                            const std::optional<std::filesystem::path>& state_dir) {
    TL_TRY(const auto table, parse_toml(text, file));
    auto config = empty_config(file);
    TL_CHECK(read_table<Config>(file, "", table, kFileRows, config));
    TL_TRY(config, complete(std::move(config), state_dir));
    TL_CHECK(check_stores(file, table, config));
    return config;
}

Result<Config> load_config(const std::filesystem::path& file,
                           const std::optional<std::filesystem::path>& state_dir) {
    std::error_code failed;
    const auto status = std::filesystem::status(file, failed);
    if (failed && status.type() != std::filesystem::file_type::not_found) {
        return error_from_errno(file.string(), failed.value());
    }
    if (status.type() == std::filesystem::file_type::not_found) {
        return Error{Errc::not_found, file.string() + ": there is no such configuration file"};
    }
    if (status.type() != std::filesystem::file_type::regular) {
        return Error{Errc::invalid_argument, file.string() + ": it is not a regular file"};
    }
    if (std::filesystem::file_size(file, failed) > kConfigFileLengthMax) {
        return Error{Errc::invalid_argument, file.string() + ": it is longer than 1 MiB"};
    }
    std::ifstream stream(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(stream)),
                           std::istreambuf_iterator<char>());
    if (!stream) {
        return Error{Errc::denied, file.string() + ": it cannot be read"};
    }
    return parse_config(text, file.string(), state_dir);
}

Result<Config> default_config(const std::optional<std::filesystem::path>& state_dir) {
    return complete(empty_config("built-in defaults"), state_dir);
}

std::vector<std::string> warnings(const Config& config) {
    std::vector<std::string> sentences;
    for (const auto& endpoint : config.listen) {
        if (config.accounts.empty() && !endpoint.address().is_loopback()) {
            sentences.push_back("The portal " + format_endpoint(endpoint) +
                                " can be reached from other machines and asks for no password: "
                                "whoever reaches it can read and overwrite every cartridge. Add "
                                "[[iscsi.account]] to the configuration.");
        }
    }
    return sentences;
}

}  // namespace tapeloft::vtl::daemon
