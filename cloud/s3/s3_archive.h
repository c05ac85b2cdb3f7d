// What gives nothing at once: the classes GLACIER and DEEP_ARCHIVE, the archive tiers of
// INTELLIGENT_TIERING; and RestoreObject.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/http/http_message.h"
#include "cloud/s3/s3_settings.h"

namespace tapeloft::s3 {

/// How long a restore takes at most, as the vendor says; unset: objects of this class (or in this
/// tier of INTELLIGENT_TIERING) can be read at once, or it has no such tier.
[[nodiscard]] std::optional<std::chrono::seconds> restore_time(std::string_view storage_class,
                                                               std::string_view tier) noexcept;
[[nodiscard]] bool is_archive_class(std::string_view storage_class) noexcept;
[[nodiscard]] bool is_restore_tier(std::string_view tier) noexcept;

/// What a HEAD says of an object.
struct ArchiveState {
    std::string archive;     ///< the class, or tier of INTELLIGENT_TIERING, it is in; empty: none
    bool restoring = false;  ///< asked for, and not there yet
    std::optional<std::int64_t> readable_until_s;  ///< Unix time: there is a copy until then

    friend bool operator==(const ArchiveState&, const ArchiveState&) = default;
};
[[nodiscard]] ArchiveState archive_state_of(const HttpResponse& head);

/// How an object in `archive` is asked for, of what the settings wish: out of DEEP_ARCHIVE_ACCESS
/// nothing is expedited, it is Standard then.
[[nodiscard]] std::string_view restore_tier(std::string_view archive, const Settings& settings);
/// The body of a POST ?restore. What was in a tier of INTELLIGENT_TIERING comes back for good, not
/// for days.
[[nodiscard]] std::string restore_body(std::string_view archive, const Settings& settings);

}  // namespace tapeloft::s3
