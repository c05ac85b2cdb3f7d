#include "cloud/s3/credentials.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "cloud/base/timestamps.h"

namespace tapeloft::s3 {
namespace {

constexpr std::size_t kFileMax = 1UL << 20U;  ///< bytes

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r";
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

bool is_section(std::string_view line, std::string_view profile) {
    auto name = trimmed(line.substr(1, std::min(line.find(']'), line.size()) - 1));
    constexpr std::string_view kProfile = "profile ";
    if (name.starts_with(kProfile)) {
        name = trimmed(name.substr(kProfile.size()));
    }
    return name == profile;
}

/// Key names as AWS tools write them, and what they are to us.
struct KeyRow {
    std::string_view name;
    std::string Credentials::*member;
};
constexpr auto kKeys = std::to_array<KeyRow>({
    {"aws_access_key_id", &Credentials::access_key_id},
    {"aws_secret_access_key", &Credentials::secret_access_key},
    {"aws_session_token", &Credentials::session_token},
    {"aws_security_token", &Credentials::session_token},
});
constexpr auto kExpiryNames = std::to_array<std::string_view>(
    {"aws_expiration", "aws_session_expiration", "x_security_token_expires", "expiration"});

void take_line(std::string_view line, Credentials& into) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) {
        return;
    }
    const auto name = trimmed(line.substr(0, equals));
    const auto value = trimmed(line.substr(equals + 1));
    for (const auto& row : kKeys) {
        if (row.name == name) {
            into.*row.member = value;
        }
    }
    if (std::find(kExpiryNames.begin(), kExpiryNames.end(), name) != kExpiryNames.end()) {
        into.expires_unix_s = parse_iso_time(value);
    }
}

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        return Error{Errc::not_found, std::string("cannot be read: ") + std::strerror(errno)};
    }
    std::string text(kFileMax, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

bool has_ended(const Credentials& credentials, std::int64_t now_unix_s, std::int64_t before_s) {
    return credentials.expires_unix_s && *credentials.expires_unix_s - before_s <= now_unix_s;
}

}  // namespace

Result<Credentials> parse_credentials(std::string_view text, std::string_view profile) {
    Credentials found;
    bool inside = false;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#' || line.front() == ';') {
            continue;
        }
        if (line.front() == '[') {
            inside = is_section(line, profile);
        } else if (inside) {
            take_line(line, found);
        }
    }
    if (found.access_key_id.empty() && found.secret_access_key.empty()) {
        return Error{Errc::not_found, "no keys of profile \"" + std::string(profile) + "\""};
    }
    if (found.access_key_id.empty() || found.secret_access_key.empty()) {
        return Error{Errc::invalid_argument,
                     "profile \"" + std::string(profile) +
                         "\" needs both aws_access_key_id and aws_secret_access_key"};
    }
    return found;
}

CredentialSource::CredentialSource(CredentialOptions options, Environment environment)
    : options_(std::move(options)), environment_(std::move(environment)) {}

std::optional<Credentials> CredentialSource::known(std::int64_t now_unix_s) const {
    const std::lock_guard lock(mutex_);
    const auto age = now_unix_s - read_at_unix_s_;
    if (!last_ || age < 0 || age >= kRereadAfter_s ||
        (has_ended(*last_, now_unix_s, kRenewBefore_s) && age > 0)) {
        return std::nullopt;
    }
    return last_;
}

Result<Credentials> CredentialSource::read(std::int64_t now_unix_s) {
    auto found = read_source();
    const std::lock_guard lock(mutex_);
    read_at_unix_s_ = now_unix_s;
    if (found) {
        last_ = std::move(found).value();
    } else if (!last_) {
        return found;
    }
    if (has_ended(*last_, now_unix_s, 0)) {
        return Error{Errc::denied,
                     "the access keys have ended and nobody has written newer ones" +
                         (options_.file.empty() ? std::string() : " to " + options_.file)};
    }
    return *last_;
}

std::optional<Credentials> CredentialSource::from_environment() const {
    const auto id = environment_("AWS_ACCESS_KEY_ID");
    const auto secret = environment_("AWS_SECRET_ACCESS_KEY");
    if (!id || !secret || id->empty() || secret->empty()) {
        return std::nullopt;
    }
    return Credentials{*id, *secret, environment_("AWS_SESSION_TOKEN").value_or(""), std::nullopt};
}

Result<Credentials> CredentialSource::read_source() const {
    if (options_.file.empty() && options_.profile.empty()) {
        if (auto found = from_environment()) {
            return *std::move(found);
        }
    }
    const auto home = environment_("HOME").value_or("/root") + "/.aws/";
    std::vector<std::string> files = {options_.file};
    if (options_.file.empty()) {
        files = {environment_("AWS_SHARED_CREDENTIALS_FILE").value_or(home + "credentials"),
                 environment_("AWS_CONFIG_FILE").value_or(home + "config")};
    }
    const auto profile = options_.profile.empty() ? environment_("AWS_PROFILE").value_or("default")
                                                  : options_.profile;
    std::string tried;
    for (const auto& file : files) {
        const auto text = read_file(file);
        auto found = text ? parse_credentials(*text, profile) : Result<Credentials>(text.error());
        if (found) {
            return found;
        }
        tried += (tried.empty() ? "" : "; ") + file + ": " + found.error().message;
        if (found.error().code == Errc::invalid_argument) {
            break;  // it is being written, or is to be mended: the next file has other keys
        }
    }
    const auto* const environment =
        options_.file.empty() && options_.profile.empty()
            ? "; the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set"
            : "";
    return Error{Errc::denied, "there are no access keys for S3 of profile \"" + profile + "\" (" +
                                   tried + ")" + environment};
}

}  // namespace tapeloft::s3
