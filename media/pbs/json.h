// JSON out of bytes that nobody vouches for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

using PbsJson = nlohmann::json;  // members sorted bytewise, as canonical JSON wants them

/// An object, nested 64 deep at most, so that whoever walks it may recurse. what: for the message.
/// Errors: corrupt.
[[nodiscard]] Result<PbsJson> parse_json_object(std::string_view what, ByteView text);

// Members of an object; another type than the one asked for: corrupt.
[[nodiscard]] Result<std::string> json_text(const PbsJson& object, const char* name);
[[nodiscard]] Result<std::int64_t> json_integer(const PbsJson& object, const char* name);
[[nodiscard]] Result<std::uint64_t> json_unsigned(const PbsJson& object, const char* name);
/// Nothing: it is missing or null.
[[nodiscard]] Result<std::optional<std::string>> json_optional_text(const PbsJson& object,
                                                                    const char* name);

}  // namespace tapeloft::media
