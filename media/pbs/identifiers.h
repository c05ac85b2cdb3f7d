// Names of things in the world of Proxmox Backup Server.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft::media {

/// SHA-256: of a chunk's plaintext, with the id key behind it where the chunk is encrypted.
using PbsDigest = std::array<std::uint8_t, 32>;
using PbsUuid = std::array<std::uint8_t, 16>;

/// Lower case with hyphens.
[[nodiscard]] std::string uuid_text(const PbsUuid& uuid);
[[nodiscard]] std::optional<PbsUuid> parse_uuid(std::string_view text) noexcept;

/// One component of an id or a namespace, or the name of a datastore: a letter, digit or
/// underscore, then those, dots and hyphens, 256 at most. Never "..", never empty, no slash.
[[nodiscard]] bool is_pbs_name(std::string_view text) noexcept;

/// `[ns/<a>/ns/<b>/...]<type>/<id>/<time>`, each part checked: the text is safe as a path.
struct SnapshotName {
    std::vector<std::string> namespaces;  ///< from the root down, 7 at most
    std::string type;                     ///< vm, ct or host
    std::string id;
    std::string time;         ///< 2024-06-05T07:04:24Z
    std::int64_t time_s = 0;  ///< the same, Unix time

    [[nodiscard]] std::string text() const;
    /// "a/b"; empty: the root
    [[nodiscard]] std::string namespace_text() const;
    /// The path of its group below a datastore.
    [[nodiscard]] std::string group_path() const;
    friend bool operator==(const SnapshotName&, const SnapshotName&) = default;
};

/// Errors: invalid_argument.
[[nodiscard]] Result<SnapshotName> parse_snapshot_name(std::string_view text);

/// `[<store>:]<snapshot>[:<archive>]`, as people type it. Errors: invalid_argument.
struct SnapshotReference {
    std::string store;  ///< empty: any
    SnapshotName snapshot;
    std::string archive;  ///< empty: all
};
[[nodiscard]] Result<SnapshotReference> parse_snapshot_reference(std::string_view text);

/// A file name in a snapshot: safe as a path component, and what its suffix says.
enum class SnapshotFileKind : std::uint8_t { blob, fixed_index, dynamic_index };
[[nodiscard]] std::optional<SnapshotFileKind> snapshot_file_kind(std::string_view name) noexcept;

}  // namespace tapeloft::media
