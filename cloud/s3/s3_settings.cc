#include "cloud/s3/s3_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "cloud/s3/s3_archive.h"
#include "cloud/s3/sigv4.h"
#include "cloud/store/bucket_name.h"

namespace tapeloft::s3 {
namespace {

Error wrong(std::string what) {
    return {Errc::invalid_argument, "S3 store: " + std::move(what)};
}

std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
        return std::nullopt;
    }
    return value;
}

/// What Amazon takes for new buckets; other stores take no more, or not everywhere.
bool is_bucket(std::string_view name) {
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const auto good = [&](char c) { return plain(c) || c == '-' || c == '.'; };
    return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), good) &&
           plain(name.front()) && plain(name.back()) && name.find("..") == std::string_view::npos;
}

Result<void> check_bucket(const std::string& name) {
    constexpr std::string_view kRule =
        "a-z 0-9 - . with a letter or digit at both ends and no two dots together";
    return is_bucket(name) ? Result<void>() : wrong(bad_bucket("s3", kRule, name));
}

Result<void> set_endpoint(const std::string& text, Settings& settings) {
    auto endpoint = parse_endpoint(text, "https://host:9000");
    if (!endpoint) {
        return wrong(endpoint.error().message);
    }
    settings.scheme = endpoint->scheme;
    settings.host = endpoint->host;
    // A client does not send the scheme's own port, so it is not signed.
    const std::string own_port = settings.scheme == "http" ? ":80" : ":443";
    if (settings.host.ends_with(own_port)) {
        settings.host.resize(settings.host.size() - own_port.size());
    }
    return {};
}

bool is_region(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '.' || c == '_';
    });
}

Result<void> set_region(const std::string& text, Settings& settings) {
    settings.region = text;
    return is_region(text) ? Result<void>() : wrong("region is a word, as in region=eu-central-1");
}

Result<void> set_style(const std::string& text, Settings& settings) {
    settings.virtual_host = text == "virtual";
    return text == "virtual" || text == "path" ? Result<void>()
                                               : wrong("style is \"path\" or \"virtual\"");
}

Result<void> set_variant(const std::string& text, Settings& settings) {
    settings.variant = variant_of_name(text);
    if (settings.variant != nullptr) {
        return {};
    }
    std::string known;
    for (const auto& row : variants()) {
        known += (known.empty() ? "" : ", ") + std::string(row.name);
    }
    return wrong("variant is one of " + known);
}

template <std::string Settings::*Member>
Result<void> set_text(const std::string& text, Settings& settings) {
    settings.*Member = text;
    return text.empty() ? wrong("an option is empty") : Result<void>();
}

template <std::string CredentialOptions::*Member>
Result<void> set_credential(const std::string& text, Settings& settings) {
    settings.credentials.*Member = text;
    return text.empty() ? wrong("profile or credentials is empty") : Result<void>();
}

/// Of the names that have a "/": media/'s (media/FORMAT.md), a mirror's and the probe's. A new kind
/// of object needs its row here, or no rule can be made for it.
constexpr auto kFolders =
    std::to_array<std::string_view>({"head/", "log/", "mirror/", "packs/", "probe/"});

/// One that fits no name would be taken, and protect nothing.
Result<void> check_prefix(std::string_view prefix) {
    const auto within = [&](std::string_view folder) { return prefix.starts_with(folder); };
    if (std::any_of(kFolders.begin(), kFolders.end(), within)) {
        return {};
    }
    std::string known;
    for (const auto folder : kFolders) {
        known += (known.empty() ? "" : ", ") + std::string(folder);
    }
    return wrong("no object's name begins with \"" + std::string(prefix) +
                 "\", so a rule of class, tag or lock for it would do nothing; there are " + known +
                 ", and a rule without a prefix is for all names");
}

/// "packs:GLACIER", "log/1:a=b": a prefix that lacks its "/:" would be taken for a part of the
/// value, and the rule for one of all names.
Result<void> check_separator(std::string_view rule) {
    for (const auto folder : kFolders) {
        const auto word = folder.substr(0, folder.size() - 1);
        const auto next = rule.substr(std::min(word.size(), rule.size())).substr(0, 1);
        if (rule.starts_with(word) && (next == ":" || next == "/" || next.empty())) {
            return wrong("found \"" + std::string(rule) +
                         "\" in class, tag or lock; expected a prefix that ends with \"/:\" before "
                         "its value, as in " +
                         std::string(folder) + ":VALUE");
        }
    }
    return {};
}

/// [NAME-PREFIX:]VALUE,...; the prefix ends with "/", so that a ":" may stand in the value.
template <std::vector<ObjectRule> Settings::*Member>
Result<void> set_rules(const std::string& text, Settings& settings) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(','), rest.size());
        auto rule = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const auto separator = rule.find("/:");
        ObjectRule made;
        if (separator != std::string_view::npos) {
            made.name_prefix = rule.substr(0, separator + 1);
            TL_CHECK(check_prefix(made.name_prefix));
            rule.remove_prefix(separator + 2);
        } else {
            TL_CHECK(check_separator(rule));
        }
        made.value = rule;
        if (rule.empty()) {
            return wrong("class, tag and lock are lists of PREFIX/:VALUE with \",\" between them");
        }
        (settings.*Member).push_back(std::move(made));
    }
    return {};
}

/// Stores may have classes of their own, of words like Amazon's.
Result<void> set_classes(const std::string& text, Settings& settings) {
    TL_CHECK(set_rules<&Settings::classes>(text, settings));
    const auto part_of_word = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    };
    for (const auto& rule : settings.classes) {
        if (!std::all_of(rule.value.begin(), rule.value.end(), part_of_word)) {
            return wrong("found \"" + rule.value +
                         "\" in class; expected a storage class, a word of letters, digits, _ and "
                         "-, as in class=GLACIER_IR or class=packs/:GLACIER_IR");
        }
    }
    return {};
}

/// "a=b;c=d" becomes the "a=b&c=d" of x-amz-tagging, encoded.
Result<void> set_tags(const std::string& text, Settings& settings) {
    TL_CHECK(set_rules<&Settings::tags>(text, settings));
    for (auto& rule : settings.tags) {
        std::string header;
        std::string_view rest = rule.value;
        while (!rest.empty()) {
            const auto end = std::min(rest.find(';'), rest.size());
            const auto pair = rest.substr(0, end);
            rest.remove_prefix(std::min(end + 1, rest.size()));
            const auto equals = pair.find('=');
            if (equals == 0 || equals == std::string_view::npos) {
                return wrong("found \"" + std::string(pair) +
                             "\" in tag; expected name=value, with \";\" between several, as in "
                             "tag=packs/:kind=pack;who=me");
            }
            header += (header.empty() ? "" : "&") + encoded(pair.substr(0, equals)) + "=" +
                      encoded(pair.substr(equals + 1));
        }
        rule.value = header;
    }
    return {};
}

Result<void> set_locks(const std::string& text, Settings& settings) {
    TL_CHECK(set_rules<&Settings::locks>(text, settings));
    for (const auto& rule : settings.locks) {
        if (!parse_lock(rule.value)) {
            return wrong("found \"" + rule.value +
                         "\" in lock; expected GOVERNANCE:DAYS or COMPLIANCE:DAYS, 1 to 36500 "
                         "days, as in lock=packs/:COMPLIANCE:30");
        }
    }
    return {};
}

Result<void> set_encryption(const std::string& text, Settings& settings) {
    settings.encryption = text;
    return text == "AES256" || text == "aws:kms" ? Result<void>()
                                                 : wrong("sse is \"AES256\" or \"aws:kms\"");
}

Result<void> set_payload(const std::string& text, Settings& settings) {
    settings.sign_payload = text == "signed";
    return text == "signed" || text == "unsigned" ? Result<void>()
                                                  : wrong("payload is \"signed\" or \"unsigned\"");
}

template <RateTimetable Settings::*Member>
Result<void> set_rate(const std::string& text, Settings& settings) {
    auto timetable = RateTimetable::parse(text);
    if (!timetable) {
        return wrong("of upload_limit and download_limit: " + timetable.error().message);
    }
    settings.*Member = std::move(timetable).value();
    return {};
}

Result<void> set_parallel(const std::string& text, Settings& settings) {
    const auto value = number_of(text, 64);
    settings.parallel = value.value_or(1);
    return value ? Result<void>() : wrong("parallel is 1 to 64");
}

Result<void> set_restore(const std::string& text, Settings& settings) {
    constexpr std::uint64_t kDaysMax = 365;
    const auto colon = std::min(text.find(':'), text.size());
    settings.restore.tier = text.substr(0, colon);
    const auto days = number_of(text.substr(std::min(colon + 1, text.size())), kDaysMax);
    settings.restore.days = static_cast<std::int64_t>(days.value_or(1));
    return days && is_restore_tier(settings.restore.tier)
               ? Result<void>()
               : wrong(
                     "restore is TIER:DAYS, as in restore=Standard:7; tiers are Expedited, "
                     "Standard and Bulk, days 1 to 365");
}

struct OptionRow {
    std::string_view name;
    Result<void> (*set)(const std::string&, Settings&);
};
constexpr auto kOptions = std::to_array<OptionRow>({
    {"ca", set_text<&Settings::ca_file>},
    {"class", set_classes},
    {"credentials", set_credential<&CredentialOptions::file>},
    {"download_limit", set_rate<&Settings::download_rate_max>},
    {"endpoint", set_endpoint},
    {"lock", set_locks},
    {"parallel", set_parallel},
    {"payload", set_payload},
    {"profile", set_credential<&CredentialOptions::profile>},
    {"region", set_region},
    {"restore", set_restore},
    {"sse", set_encryption},
    {"sse_key", set_text<&Settings::encryption_key>},
    {"style", set_style},
    {"tag", set_tags},
    {"upload_limit", set_rate<&Settings::upload_rate_max>},
    {"variant", set_variant},
});

Result<void> take_option(const std::string& name, const std::string& value, Settings& settings) {
    const auto* row = std::find_if(kOptions.begin(), kOptions.end(),
                                   [&](const OptionRow& r) { return r.name == name; });
    if (row != kOptions.end()) {
        return row->set(value, settings);
    }
    std::string known;
    for (const auto& option : kOptions) {
        known += (known.empty() ? "" : ", ") + std::string(option.name);
    }
    return wrong("there is no option \"" + name + "\"; there are " + known);
}

/// s3.eu-central-1.amazonaws.com, s3.us-west-004.backblazeb2.com: the label behind "s3".
std::string region_in(std::string_view host, const Variant& variant) {
    constexpr std::string_view kService = "s3.";
    if (variant.host_suffix.empty() || !host.starts_with(kService) ||
        host.size() <= kService.size() + variant.host_suffix.size()) {
        return std::string(variant.region);
    }
    const auto label =
        host.substr(kService.size(), host.size() - kService.size() - variant.host_suffix.size());
    return std::string(label);
}

Result<void> check_variant(const Settings& settings) {
    struct Wish {
        bool wanted;
        bool offered;
        std::string_view what;
    };
    const auto& variant = *settings.variant;
    const auto wishes = std::to_array<Wish>({
        {!settings.classes.empty(), variant.storage_classes, "storage classes"},
        {!settings.tags.empty(), variant.tags, "tags"},
        {!settings.locks.empty(), variant.object_lock, "object lock"},
        {!settings.encryption.empty(), variant.encryption, "encryption of its own (sse)"},
    });
    for (const auto& wish : wishes) {
        if (wish.wanted && !wish.offered) {
            return Error{Errc::unsupported, "S3 store: " + std::string(variant.name) + " has no " +
                                                std::string(wish.what)};
        }
    }
    return {};
}

/// DEEP_ARCHIVE has nothing expedited.
Result<void> check_restore(const Settings& settings) {
    for (const auto& rule : settings.classes) {
        if (is_archive_class(rule.value) && !restore_time(rule.value, settings.restore.tier)) {
            return wrong("restore: " + rule.value + " has no tier " + settings.restore.tier);
        }
    }
    return {};
}

Result<void> complete(const StoreUrl& url, Settings& settings) {
    if (settings.host.empty()) {
        const auto region = settings.region.empty() ? "us-east-1" : settings.region;
        settings.host = "s3." + region + ".amazonaws.com";
    }
    if (settings.variant == nullptr) {
        settings.variant = &variant_of_host(settings.host.substr(0, settings.host.rfind(':')));
    }
    if (settings.region.empty()) {
        settings.region = region_in(settings.host, *settings.variant);
    }
    if (!url.options.contains("style")) {
        // The certificate of *.s3.amazonaws.com does not cover a bucket with dots.
        settings.virtual_host =
            settings.variant->virtual_host && settings.bucket.find('.') == std::string::npos;
    }
    if (!settings.sign_payload && settings.scheme != "https") {
        return wrong("payload=unsigned needs an https endpoint: nothing else protects the bytes");
    }
    TL_CHECK(check_restore(settings));
    return check_variant(settings);
}

}  // namespace

Result<Settings> settings_of(const StoreUrl& url) {
    Settings settings;
    settings.bucket = url.authority;
    TL_CHECK(check_bucket(settings.bucket));
    settings.prefix = url.path.substr(std::min<std::size_t>(1, url.path.size()));
    if (!settings.prefix.empty() && !settings.prefix.ends_with('/')) {
        settings.prefix += '/';
    }
    constexpr std::size_t kPrefixMax = 256;  // with a name of 512 well within the 1,024 of a key
    if (settings.prefix.size() > kPrefixMax) {
        return wrong("the prefix has at most 256 bytes");
    }
    for (const auto& [name, value] : url.options) {
        TL_CHECK(take_option(name, value, settings));
    }
    TL_CHECK(complete(url, settings));
    return settings;
}

std::string display_url(const Settings& settings) {
    return "s3://" + settings.bucket + "/" + encoded_path(settings.prefix) +
           "?endpoint=" + settings.scheme + "://" + settings.host;
}

const std::string* value_for(const std::vector<ObjectRule>& rules, std::string_view name) noexcept {
    const auto found = std::find_if(rules.begin(), rules.end(), [&](const ObjectRule& rule) {
        return name.starts_with(rule.name_prefix);
    });
    return found == rules.end() ? nullptr : &found->value;
}

std::optional<LockRule> parse_lock(std::string_view text) {
    const auto colon = std::min(text.find(':'), text.size());
    const auto mode = text.substr(0, colon);
    constexpr std::uint64_t kDaysMax = 36500;
    const auto days = number_of(text.substr(std::min(colon + 1, text.size())), kDaysMax);
    if ((mode != "GOVERNANCE" && mode != "COMPLIANCE") || !days) {
        return std::nullopt;
    }
    return LockRule{std::string(mode), static_cast<std::int64_t>(*days)};
}

}  // namespace tapeloft::s3
