// What a pxar archive knows of one file.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

enum class FileKind : std::uint8_t {
    file,
    directory,
    symlink,
    hardlink,
    block_device,
    character_device,
    fifo,
    socket,
};

/// "file", "directory", "symlink", "hardlink", "block device", ...
[[nodiscard]] std::string_view to_string(FileKind kind) noexcept;

struct FileTime {
    std::int64_t seconds = 0;       ///< since 1970, UTC
    std::uint32_t nanoseconds = 0;  ///< below 10^9
    auto operator<=>(const FileTime&) const = default;
};

struct Xattr {
    std::string name;
    Bytes value;
};

struct AclPermission {
    std::uint32_t id = 0;          ///< of a user or group
    std::uint8_t permissions = 0;  ///< read 4, write 2, execute 1
};

/// What the mode does not tell: owner and others are its bits, and with group_object its bits of
/// the group are the mask.
struct AccessAcl {
    std::vector<AclPermission> users;
    std::vector<AclPermission> groups;
    std::optional<std::uint8_t> group_object;
};

struct DefaultAcl {
    std::uint8_t user_object = 0;
    std::uint8_t group_object = 0;
    std::uint8_t other = 0;
    std::optional<std::uint8_t> mask;
    std::vector<AclPermission> users;
    std::vector<AclPermission> groups;
};

struct FileAttributes {
    std::uint32_t mode = 0;   ///< type and permissions, as st_mode
    std::uint64_t flags = 0;  ///< DOS and chattr flags in pxar's own bits
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    FileTime mtime;
    std::vector<Xattr> xattrs;
    AccessAcl acl;
    std::optional<DefaultAcl> default_acl;
    std::optional<Bytes> capability;  ///< value of security.capability
    std::optional<std::uint32_t> quota_project;
};

struct PxarEntry {
    /// From the archive's root, with no slash at either end; the root itself is "". No component is
    /// empty, "." or "..", none holds '/' or NUL; otherwise any bytes.
    std::string path;
    FileKind kind = FileKind::file;
    FileAttributes attributes;  ///< of a hardlink: none
    std::string target;         ///< symlink: any bytes but NUL; hardlink: a path as above
    std::uint64_t size = 0;     ///< bytes of a file
    std::uint32_t major = 0;    ///< of a device
    std::uint32_t minor = 0;

    std::uint64_t position = 0;        ///< of its FILENAME; the root's ENTRY
    std::uint64_t entry_position = 0;  ///< of its ENTRY; of a hardlink, of its HARDLINK
    /// Behind it; of a directory, where its first child or its GOODBYE begins.
    std::uint64_t end = 0;
    std::uint64_t payload_offset = 0;   ///< of the first byte of a file
    bool payload_apart = false;         ///< it stands in the payload stream
    std::uint64_t target_position = 0;  ///< hardlink: FILENAME of an earlier file

    [[nodiscard]] std::string_view name() const noexcept;
};

/// Tags as in <sys/acl.h> and in the extended attribute that the kernel takes.
enum class AclTag : std::uint16_t {
    user_object = 0x01,
    user = 0x02,
    group_object = 0x04,
    group = 0x08,
    mask = 0x10,
    other = 0x20,
};

struct AclEntry {
    AclTag tag = AclTag::other;
    std::uint8_t permissions = 0;
    std::uint32_t id = 0;  ///< user and group only
    bool operator==(const AclEntry&) const = default;
};

/// The whole list in the order the kernel wants; empty: there is none beyond the mode.
[[nodiscard]] std::vector<AclEntry> access_acl(const FileAttributes& attributes);
[[nodiscard]] std::vector<AclEntry> default_acl(const FileAttributes& attributes);

/// A path may be appended to a directory that is held open: one component, and no way out.
[[nodiscard]] bool is_safe_name(std::string_view name) noexcept;

/// parent and name as one path.
[[nodiscard]] std::string join_path(std::string parent, std::string_view name);

/// Errors that cost what was to be read and nothing else: a chunk is damaged or missing, or the
/// archive is not what it should be.
[[nodiscard]] bool is_damage(const Error& error) noexcept;

}  // namespace tapeloft::media
