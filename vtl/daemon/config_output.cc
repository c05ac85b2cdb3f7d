// The effective configuration, printed so that parse_config() takes it again.
#include <string>

#include "vtl/daemon/config.h"
#include "vtl/daemon/config_value.h"

namespace tapeloft::vtl::daemon {
namespace {

/// A TOML basic string (TOML 1.0, "String").
std::string toml_string(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            out += "\\u00";
            out += kHex[byte >> 4U];
            out += kHex[byte & 0xFU];
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string line(std::string_view key, const std::string& value) {
    return std::string(key) + " = " + value + "\n";
}

std::string account_text(const AccountConfig& account) {
    auto out = "\n[[iscsi.account]]\n" + line("user", toml_string(account.chap.user)) +
               line("secret_file", toml_string(account.secret_file.string()));
    if (account.mutual_secret_file) {
        out += line("mutual_user", toml_string(account.chap.mutual_user.value_or("")));
        out += line("mutual_secret_file", toml_string(account.mutual_secret_file->string()));
    }
    return out;
}

std::string library_text(const LibraryConfig& library) {
    auto out = "\n[[library]]  # target " + library.target_name() + "\n";
    out += line("name", toml_string(library.name));
    if (library.stores.size() == 1) {
        out += line("store", toml_string(library.stores.front()));
    } else {
        std::string urls;
        for (const auto& url : library.stores) {
            urls += (urls.empty() ? "" : ", ") + toml_string(url);
        }
        out += line("store", "[" + urls + "]");
        out += line("required", std::to_string(library.required));
    }
    out += line("drives", std::to_string(library.drives));
    out += line("slots", std::to_string(library.slots));
    out += line("import_export_slots", std::to_string(library.import_export_slots));
    out += line("drive_model", toml_string(library.drive_model));
    out += line("changer_model", toml_string(library.changer_model));
    out += line("spool_size", toml_string(format_size(library.spool_size)));
    out += line("durability", toml_string(library.durability));
    out += line("key_file", toml_string(library.key_file.string()));
    if (library.key_passphrase_file) {
        out += line("key_passphrase_file", toml_string(library.key_passphrase_file->string()));
    }
    out += line("compression", std::to_string(library.compression));
    out += line("cache_size", toml_string(format_size(library.cache_size)));
    out += line("load_wait", std::to_string(library.load_wait_s));
    for (const auto& population : library.cartridges) {
        out += "[[library.cartridges]]\n" + line("barcodes", toml_string(population.barcodes));
        if (population.capacity) {
            out += line("capacity", toml_string(format_size(*population.capacity)));
        }
        if (population.worm) {
            out += line("worm", "true");
        }
    }
    return out;
}

}  // namespace

std::string to_toml(const Config& config) {
    auto out =
        "# " + config.source + "\n" + line("state_dir", toml_string(config.state_dir.string()));
    std::string listen;
    for (const auto& endpoint : config.listen) {
        listen += (listen.empty() ? "" : ", ") + toml_string(format_endpoint(endpoint));
    }
    out += "\n[iscsi]\n" + line("listen", "[" + listen + "]");
    for (const auto& account : config.accounts) {
        out += account_text(account);
    }
    for (const auto& library : config.libraries) {
        out += library_text(library);
    }
    return out;
}

}  // namespace tapeloft::vtl::daemon
