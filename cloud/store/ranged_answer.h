// Ranges of objects over HTTP: RFC 9110 §14, as far as providers need it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/http/http_message.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

/// Unset: the header is missing, or no number.
[[nodiscard]] std::optional<std::uint64_t> content_length(const HttpResponse& response);

/// "bytes=0-9" or "bytes=10-"; a length of 0 has no such header.
[[nodiscard]] std::string range_header(const ByteRange& range);

/// The body of a 206, which must hold exactly what was asked for; what the store clipped passes the
/// end. name: the object, for the message. Errors: transient (another range, or less),
/// invalid_argument (the range passes the end of the object).
[[nodiscard]] Result<Buffer> checked_part(HttpResponse response, const ByteRange& range,
                                          const std::string& name);

}  // namespace tapeloft
