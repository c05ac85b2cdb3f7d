// Storage classes that give nothing at once: GLACIER, DEEP_ARCHIVE, and RestoreObject.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/http/http_message.h"
#include "cloud/s3/s3_settings.h"

namespace tapeloft::s3 {

/// How long a restore takes at most, as the vendor says; unset: objects of this class can be read
/// at once, or the class has no such tier.
[[nodiscard]] std::optional<std::chrono::seconds> restore_time(std::string_view storage_class,
                                                               std::string_view tier) noexcept;
[[nodiscard]] bool is_archive_class(std::string_view storage_class) noexcept;
[[nodiscard]] bool is_restore_tier(std::string_view tier) noexcept;

/// What a HEAD says of an object.
struct ArchiveState {
    bool archived = false;                         ///< it is in an archive class
    bool restoring = false;                        ///< asked for, and not there yet
    std::optional<std::int64_t> readable_until_s;  ///< Unix time: there is a copy until then

    friend bool operator==(const ArchiveState&, const ArchiveState&) = default;
};
[[nodiscard]] ArchiveState archive_state_of(const HttpResponse& head);

/// The body of a POST ?restore.
[[nodiscard]] std::string restore_body(const Settings& settings);

}  // namespace tapeloft::s3
