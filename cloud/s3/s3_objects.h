// What objects of one store are called in their bucket, and what goes with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/http/http_message.h"
#include "cloud/s3/s3_settings.h"

namespace tapeloft::s3 {

[[nodiscard]] inline std::string key_of(const Settings& settings, std::string_view name) {
    return settings.prefix + std::string(name);
}

/// Class, tags, encryption and retention of a new object. now_unix_s: retention counts from it.
[[nodiscard]] std::vector<HttpHeader> headers_of_new(const Settings& settings,
                                                     std::string_view name,
                                                     std::int64_t now_unix_s);

/// How long nobody may remove an object.
struct Retention {
    std::string mode;  ///< "COMPLIANCE" or "GOVERNANCE"
    std::int64_t until_unix_s = 0;
};
/// What the lock rule of a new object wants; unset: none fits its name.
[[nodiscard]] std::optional<Retention> retention_of_new(const Settings& settings,
                                                        std::string_view name,
                                                        std::int64_t now_unix_s);
/// Whether the answer to a HEAD tells of it, or of more.
[[nodiscard]] bool is_retained(const HttpResponse& head, const Retention& wanted);

/// Whether a new object of this name is put under a lock.
[[nodiscard]] inline bool is_locked(const Settings& settings, std::string_view name) {
    return value_for(settings.locks, name) != nullptr;
}

}  // namespace tapeloft::s3
