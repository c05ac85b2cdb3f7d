// Times as HTTP and XML write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapeloft {

/// "Fri, 24 May 2013 00:00:00 GMT" (RFC 9110 §5.6.7, the form that must be sent); unset: another.
[[nodiscard]] std::optional<std::int64_t> parse_http_time(std::string_view text);

/// "2013-05-24T00:00:00Z", a fraction of a second or "+00:00" too; unset: another.
[[nodiscard]] std::optional<std::int64_t> parse_iso_time(std::string_view text);

/// "2013-05-24T00:00:00Z".
[[nodiscard]] std::string iso_time(std::int64_t unix_s);

}  // namespace tapeloft
