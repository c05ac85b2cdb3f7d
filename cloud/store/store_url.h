// scheme://authority/path?name=value&name=value, as RFC 3986 has it, without what could hold a
// secret.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "cloud/base/result.h"

namespace tapeloft {

struct StoreUrl {
    std::string scheme;     ///< lower case: "file", "s3"
    std::string authority;  ///< what a provider makes of it: a bucket; may be empty
    std::string path;       ///< decoded; empty, or begins with "/"
    std::map<std::string, std::string, std::less<>> options;  ///< of the query, decoded
};

/// Errors: invalid_argument, which says what is wrong and never repeats the URL. User names and
/// passwords (RFC 3986 §3.2.1) are refused: a URL is shown to people.
[[nodiscard]] Result<StoreUrl> parse_store_url(std::string_view url);

/// Where a server is.
struct Endpoint {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< with ":PORT" where one was given
};

/// "https://host:9000", a "/" at its end is left out; example: one for the message. Errors:
/// invalid_argument, which says what was expected.
[[nodiscard]] Result<Endpoint> parse_endpoint(std::string_view text, std::string_view example);

/// A path as it stands in a URL: RFC 3986 §3.3, other bytes as %XX.
[[nodiscard]] std::string encoded_url_path(std::string_view path);

}  // namespace tapeloft
