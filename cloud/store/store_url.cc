#include "cloud/store/store_url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "cloud/base/percent.h"

namespace tapeloft {
namespace {

constexpr std::size_t kUrlMax = 4096;  ///< bytes

Error wrong_url(std::string what) {
    return {Errc::invalid_argument, "store URL: " + std::move(what)};
}

bool is_lower(char c) noexcept {
    return c >= 'a' && c <= 'z';
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// RFC 3986 §3.1, in lower case.
bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && is_lower(text.front()) &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return is_lower(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
           });
}

/// RFC 3986 §2.1. Nothing decoded holds a NUL, which would end a path early.
Result<std::string> decode(std::string_view text) {
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            decoded += text[i];
            continue;
        }
        const auto byte = percent_byte(text.substr(i));
        if (!byte || *byte == 0) {
            return wrong_url("\"%\" stands before two hexadecimal digits, and not before 00");
        }
        decoded += static_cast<char>(*byte);
        i += 2;
    }
    return decoded;
}

bool is_host(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '.' ||
               c == '_';
    });
}

/// RFC 3986 §3.2.2.
bool is_ipv6(std::string_view text) noexcept {
    return text.size() > 2 && text.starts_with('[') && text.ends_with(']') &&
           std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
               return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
                      c == '.';
           });
}

bool is_port(std::string_view text) noexcept {
    constexpr unsigned kPortMax = 65535;
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    return error == std::errc() && end == text.data() + text.size() && port >= 1 &&
           port <= kPortMax;
}

Result<void> parse_options(std::string_view query, StoreUrl& url) {
    while (!query.empty()) {
        const auto end = std::min(query.find('&'), query.size());
        const auto pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const auto equals = pair.find('=');
        if (equals == 0 || equals == std::string_view::npos) {
            return wrong_url("options are name=value, with \"&\" between them");
        }
        TL_TRY(auto name, decode(pair.substr(0, equals)));
        TL_TRY(auto value, decode(pair.substr(equals + 1)));
        if (!url.options.emplace(std::move(name), std::move(value)).second) {
            return wrong_url("an option is given twice");
        }
    }
    return {};
}

}  // namespace

Result<StoreUrl> parse_store_url(std::string_view url) {
    StoreUrl parsed;
    const auto separator = url.find("://");
    if (url.size() > kUrlMax) {
        return wrong_url("it is longer than " + std::to_string(kUrlMax) + " bytes");
    }
    if (separator == std::string_view::npos || !is_scheme(url.substr(0, separator))) {
        return wrong_url("it begins with a scheme in lower case and \"://\", as in file:///path");
    }
    if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c == '\x7f'; })) {
        return wrong_url("blanks and bytes outside ASCII are written as %XX");
    }
    if (url.find('#') != std::string_view::npos) {
        return wrong_url("it has no fragment; a \"#\" is written as %23");
    }
    parsed.scheme = url.substr(0, separator);
    auto rest = url.substr(separator + 3);
    const auto question = rest.find('?');
    if (question != std::string_view::npos) {
        TL_CHECK(parse_options(rest.substr(question + 1), parsed));
        rest = rest.substr(0, question);
    }
    const auto slash = std::min(rest.find('/'), rest.size());
    parsed.authority = rest.substr(0, slash);
    if (parsed.authority.find('@') != std::string::npos) {
        return wrong_url("it holds no user and password: a URL is shown to people");
    }
    TL_TRY(parsed.path, decode(rest.substr(slash)));
    return parsed;
}

Result<Endpoint> parse_endpoint(std::string_view text, std::string_view example) {
    const auto separator = std::min(text.find("://"), text.size());
    auto rest = text.substr(std::min(separator + 3, text.size()));
    if (rest.ends_with('/')) {
        rest.remove_suffix(1);
    }
    const Endpoint endpoint{std::string(text.substr(0, separator)), std::string(rest)};
    const auto bracket = rest.find(']');
    const auto colon = rest.find(':', bracket == std::string_view::npos ? 0 : bracket);
    const auto host = rest.substr(0, colon);
    const auto as_in = ", as in endpoint=" + std::string(example);
    if ((endpoint.scheme != "http" && endpoint.scheme != "https") ||
        !(is_host(host) || is_ipv6(host))) {
        return Error{Errc::invalid_argument, "endpoint is http:// or https:// and a host" + as_in};
    }
    if (colon != std::string_view::npos && !is_port(rest.substr(colon + 1))) {
        return Error{Errc::invalid_argument,
                     "the port of endpoint is a number from 1 to 65535" + as_in};
    }
    return endpoint;
}

std::string encoded_url_path(std::string_view path) {
    return percent_encoded(path, "!$&'()*+,;=:@/");  // RFC 3986 §3.3, pchar and "/"
}

}  // namespace tapeloft
