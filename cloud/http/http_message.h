// Requests and responses as values, for HTTP/1.1 (RFC 9110, RFC 9112).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"

namespace tapeloft {

struct HttpHeader {
    std::string name;   ///< lower case; RFC 9110 §5.1 has no other difference
    std::string value;  ///< one line, not empty
};

struct HttpRequest {
    std::string method;  ///< "GET", "HEAD", "PUT", "POST", "DELETE"
    std::string url;     ///< http or https; path and query are sent byte for byte as they stand
    std::vector<HttpHeader> headers;
    Buffer body;                             ///< of PUT and POST; its length is always announced
    std::size_t response_max = 64UL * 1024;  ///< bytes of the response's body
};

struct HttpResponse {
    int status = 0;                   ///< RFC 9110 §15; also what is no success
    std::vector<HttpHeader> headers;  ///< of the last answer, in its order
    Buffer body;                      ///< whole

    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const noexcept {
        for (const auto& row : headers) {
            if (row.name == name) {
                return row.value;
            }
        }
        return std::nullopt;
    }
};

}  // namespace tapeloft
