#include "cloud/sia/sia_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "cloud/store/bucket_name.h"

namespace tapeloft::sia {
namespace {

Error wrong(std::string what) {
    return {Errc::invalid_argument, "Sia store: " + std::move(what)};
}

std::optional<std::uint64_t> number_of(std::string_view text, std::uint64_t most) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value == 0 || value > most) {
        return std::nullopt;
    }
    return value;
}

/// As renterd has them: 3 to 63 of a-z 0-9 "-", and no "-" at the ends.
bool is_bucket(std::string_view name) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    };
    return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), good) &&
           name.front() != '-' && name.back() != '-';
}

Result<void> check_bucket(const std::string& name) {
    constexpr std::string_view kRule = "a-z 0-9 - with a letter or digit at both ends";
    return is_bucket(name) ? Result<void>() : wrong(bad_bucket("sia", kRule, name));
}

Result<void> set_endpoint(const std::string& text, Settings& settings) {
    auto endpoint = parse_endpoint(text, "http://localhost:9980");
    if (!endpoint) {
        return wrong(endpoint.error().message);
    }
    settings.endpoint = endpoint->scheme + "://" + endpoint->host;
    return {};
}

template <std::string Settings::*Member>
Result<void> set_path(const std::string& text, Settings& settings) {
    settings.*Member = text;
    return text.starts_with('/') ? Result<void>()
                                 : wrong("password_file and ca are absolute paths");
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

struct OptionRow {
    std::string_view name;
    Result<void> (*set)(const std::string&, Settings&);
};
constexpr auto kOptions = std::to_array<OptionRow>({
    {"ca", set_path<&Settings::ca_file>},
    {"download_limit", set_rate<&Settings::download_rate_max>},
    {"endpoint", set_endpoint},
    {"parallel", set_parallel},
    {"password_file", set_path<&Settings::password_file>},
    {"upload_limit", set_rate<&Settings::upload_rate_max>},
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

}  // namespace

Result<Settings> settings_of(const StoreUrl& url) {
    Settings settings;
    settings.bucket = url.authority;
    TL_CHECK(check_bucket(settings.bucket));
    settings.prefix = url.path.substr(std::min<std::size_t>(1, url.path.size()));
    if (!settings.prefix.empty() && !settings.prefix.ends_with('/')) {
        settings.prefix += '/';
    }
    constexpr std::size_t kPrefixMax = 256;
    if (settings.prefix.size() > kPrefixMax) {
        return wrong("the prefix has at most 256 bytes");
    }
    // A server may fold these before it looks.
    const auto parts = "/" + settings.prefix;
    for (const auto* each : {"//", "/./", "/../"}) {
        if (parts.find(each) != std::string::npos) {
            return wrong("the prefix has no empty part and none that is \".\" or \"..\"");
        }
    }
    for (const auto& [name, value] : url.options) {
        TL_CHECK(take_option(name, value, settings));
    }
    return settings;
}

std::string display_url(const Settings& settings) {
    return "sia://" + settings.bucket + "/" + encoded_url_path(settings.prefix) +
           "?endpoint=" + settings.endpoint;
}

}  // namespace tapeloft::sia
