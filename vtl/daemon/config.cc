#include "vtl/daemon/config.h"

#include <algorithm>
#include <array>
#include <fstream>

#include "cloud/store/store_url.h"

#include "vtl/daemon/config_places.h"
#include "vtl/daemon/config_table.h"
#include "vtl/daemon/library_config.h"
#include "vtl/state/secret_file.h"

namespace tapeloft::vtl::daemon {
namespace {

constexpr std::uintmax_t kConfigFileLengthMax = 1024 * 1024;  // bytes
constexpr std::size_t kUserLengthMax = 255;                   // bytes
constexpr std::size_t kSocketPathLengthMax = 107;             // sun_path but its final NUL

Result<void> read_libraries(const ConfigField& field, Config& target) {
    return for_each_table(
        field, [&target](const ConfigField& element, const toml::table& table) -> Result<void> {
            TL_TRY(auto library, read_library(element, table));
            for (const auto& other : target.libraries) {
                if (other.name == library.name) {
                    return element.error("a second library with the name \"" + library.name +
                                         "\"; allowed: each name once");
                }
            }
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
    auto secret =
        state::read_secret_file(file, {iscsi::kChapSecretLengthMin, iscsi::kChapSecretLengthMax});
    if (!secret) {
        return field.error(secret.error().message + "; allowed: a file that only its owner may " +
                           "open, with a secret of " + std::to_string(iscsi::kChapSecretLengthMin) +
                           " to " + std::to_string(iscsi::kChapSecretLengthMax) + " bytes");
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

/// Why no host could reach the portal, or empty.
std::string_view unusable(const boost::asio::ip::address& address) {
    const bool is_broadcast = address == boost::asio::ip::address_v4::broadcast();
    if (address.is_multicast() || is_broadcast) {
        return "no host logs in to a multicast or broadcast address";
    }
    if (address.is_v6() && address.to_v6().is_v4_mapped()) {
        return "an IPv4 address is written by itself, as in \"127.0.0.1:3260\"";
    }
    if (address.is_v6() && address.to_v6().is_link_local() && address.to_v6().scope_id() == 0) {
        return "a link-local address needs its interface, as in \"[fe80::1%eth0]:3260\"";
    }
    return {};
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
        if (const auto why = unusable(endpoint->address()); !why.empty()) {
            return entry.error("found \"" + text + "\", and " + std::string(why) +
                               "; allowed: " + std::string(kAllowed));
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
        if (library.stores.empty()) {
            const auto folder = config.state_dir / "store" / library.name;
            library.stores = {"file://" + encoded_url_path(folder.string())};
        }
        if (library.key_file.empty()) {
            library.key_file = state::key_file_of(config.state_dir, library.name);
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
    TL_CHECK(check_places(file, table, config));
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
