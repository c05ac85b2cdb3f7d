// Owner, mode, times and all else that a file has beside its content, given to a file that was
// made.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {

enum class AttributeKind : std::uint8_t {
    owner,
    mode,
    xattr,
    acl,
    capability,
    quota_project,
    mtime,
    flags,
};
inline constexpr std::size_t kAttributeKinds = 8;

/// "owner", "mode", "extended attribute", ...
[[nodiscard]] std::string_view to_string(AttributeKind kind) noexcept;

/// One that could not be given to a file.
struct AttributeProblem {
    AttributeKind kind = AttributeKind::owner;
    std::string detail;  ///< which one, and why not
};

/// Gives a file all of its attributes, in this order: owner; extended attributes and ACLs; mode
/// (after the owner: chown takes setuid away; without it where the owner could not be set);
/// capability (chown would take it away); quota project; time; chattr flags last, as an immutable
/// file takes nothing any more. descriptor: of the file; with O_PATH for one that is neither a file
/// nor a directory (then /proc must be mounted). Returns what could not be done; the rest is.
[[nodiscard]] std::vector<AttributeProblem> apply_attributes(int descriptor,
                                                             const PxarEntry& entry);

/// The extended attribute system.posix_acl_access or _default: version 2, as Linux has it.
[[nodiscard]] Bytes encode_acl(const std::vector<AclEntry>& list);

}  // namespace tapeloft::media
