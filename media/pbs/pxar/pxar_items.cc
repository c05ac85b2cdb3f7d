#include "media/pbs/pxar/pxar_items.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include <sys/stat.h>

namespace tapeloft::media {
namespace {

namespace at = layout::pxar;

Error corrupt(std::string what) {
    return {Errc::corrupt, std::move(what)};
}

/// Text that ends with the only NUL of the content.
Result<std::string> text_of(ByteView content, std::string_view what) {
    const auto text = as_text(content);
    if (text.size() < 2 || text.find('\0') != text.size() - 1) {
        return corrupt(std::string(what) + " is empty, or does not end with its only NUL");
    }
    return std::string(text.substr(0, text.size() - 1));
}

Result<void> take_mode(ByteView content, PxarEntry& entry) {
    static constexpr std::array<std::pair<mode_t, FileKind>, 7> kKinds = {{
        {S_IFREG, FileKind::file},
        {S_IFDIR, FileKind::directory},
        {S_IFLNK, FileKind::symlink},
        {S_IFBLK, FileKind::block_device},
        {S_IFCHR, FileKind::character_device},
        {S_IFIFO, FileKind::fifo},
        {S_IFSOCK, FileKind::socket},
    }};
    const auto mode = at::entry::Mode::load(content);
    const auto kind = std::ranges::find(kKinds, static_cast<mode_t>(mode & S_IFMT),
                                        &std::pair<mode_t, FileKind>::first);
    if ((mode & ~std::uint64_t{S_IFMT | 07777}) != 0 || kind == kKinds.end()) {
        return corrupt("an ENTRY has the impossible mode " + std::to_string(mode));
    }
    entry.kind = kind->second;
    auto& attributes = entry.attributes;
    attributes.mode = static_cast<std::uint32_t>(mode);
    attributes.flags = at::entry::Flags::load(content);
    attributes.uid = at::entry::Uid::load(content);
    attributes.gid = at::entry::Gid::load(content);
    return {};
}

constexpr auto kAny = std::numeric_limits<std::uint64_t>::max() - kPxarHeaderSize;
constexpr std::uint32_t kNanoseconds = 1'000'000'000;

Result<void> take_entry(ByteView content, PxarEntry& entry) {
    TL_CHECK(take_mode(content, entry));
    entry.attributes.mtime = {at::entry::Seconds::load(content),
                              at::entry::Nanoseconds::load(content)};
    if (entry.attributes.mtime.nanoseconds >= kNanoseconds) {
        return corrupt("an ENTRY has more than 999999999 nanoseconds");
    }
    return {};
}

Result<void> take_entry_v1(ByteView content, PxarEntry& entry) {
    TL_CHECK(take_mode(content, entry));
    const auto time = at::entry::V1Time::load(content);
    entry.attributes.mtime = {static_cast<std::int64_t>(time / kNanoseconds),
                              static_cast<std::uint32_t>(time % kNanoseconds)};
    return {};
}

Result<void> take_xattr(ByteView content, PxarEntry& entry) {
    const auto text = as_text(content);
    const auto length = text.find('\0');
    if (length == 0 || length == std::string_view::npos || length > 255) {
        return corrupt("an XATTR has no name, or one that is too long");
    }
    const auto value = content.subspan(length + 1);
    entry.attributes.xattrs.push_back(
        {std::string(text.substr(0, length)), Bytes(value.begin(), value.end())});
    return {};
}

Result<std::uint8_t> permissions_at(ByteView content, std::size_t offset) {
    const auto permissions = load_little_endian<8>(content.subspan(offset));
    if (permissions > 7) {
        return corrupt("an ACL has the impossible permissions " + std::to_string(permissions));
    }
    return static_cast<std::uint8_t>(permissions);
}

Result<void> add_permission(ByteView content, std::vector<AclPermission>& list) {
    const auto id = load_little_endian<8>(content);
    if (id > std::numeric_limits<std::uint32_t>::max()) {
        return corrupt("an ACL has the impossible id " + std::to_string(id));
    }
    TL_TRY(const auto permissions, permissions_at(content, 8));
    list.push_back({static_cast<std::uint32_t>(id), permissions});
    return {};
}

Result<void> take_acl_user(ByteView content, PxarEntry& entry) {
    return add_permission(content, entry.attributes.acl.users);
}

Result<void> take_acl_group(ByteView content, PxarEntry& entry) {
    return add_permission(content, entry.attributes.acl.groups);
}

Result<void> take_acl_group_object(ByteView content, PxarEntry& entry) {
    TL_TRY(entry.attributes.acl.group_object, permissions_at(content, 0));
    return {};
}

Result<void> take_acl_default(ByteView content, PxarEntry& entry) {
    if (entry.attributes.default_acl) {
        return corrupt("an entry has two ACL_DEFAULT");
    }
    DefaultAcl acl;
    TL_TRY(acl.user_object, permissions_at(content, 0));
    TL_TRY(acl.group_object, permissions_at(content, 8));
    TL_TRY(acl.other, permissions_at(content, 16));
    if (load_little_endian<8>(content.subspan(24)) != std::numeric_limits<std::uint64_t>::max()) {
        TL_TRY(acl.mask, permissions_at(content, 24));
    }
    entry.attributes.default_acl = std::move(acl);
    return {};
}

Result<void> take_default_permission(ByteView content, PxarEntry& entry,
                                     std::vector<AclPermission> DefaultAcl::*list) {
    if (!entry.attributes.default_acl) {
        return corrupt("an entry has default permissions but no ACL_DEFAULT before them");
    }
    return add_permission(content, (*entry.attributes.default_acl).*list);
}

Result<void> take_acl_default_user(ByteView content, PxarEntry& entry) {
    return take_default_permission(content, entry, &DefaultAcl::users);
}

Result<void> take_acl_default_group(ByteView content, PxarEntry& entry) {
    return take_default_permission(content, entry, &DefaultAcl::groups);
}

Result<void> take_capability(ByteView content, PxarEntry& entry) {
    entry.attributes.capability = Bytes(content.begin(), content.end());
    return {};
}

Result<void> take_quota_project(ByteView content, PxarEntry& entry) {
    const auto project = load_little_endian<8>(content);
    // Linux has 32 bits for it; cut off it would be another project's.
    if (project > std::numeric_limits<std::uint32_t>::max()) {
        return corrupt("a QUOTA_PROJID has the impossible id " + std::to_string(project));
    }
    entry.attributes.quota_project = static_cast<std::uint32_t>(project);
    return {};
}

Result<void> take_symlink(ByteView content, PxarEntry& entry) {
    TL_TRY(entry.target, text_of(content, "the target of a symbolic link"));
    return {};
}

Result<void> take_device(ByteView content, PxarEntry& entry) {
    const auto major = load_little_endian<8>(content);
    const auto minor = load_little_endian<8>(content.subspan(8));
    // Linux has 12 bits for the one and 20 for the other.
    if (major >= 1U << 12U || minor >= 1U << 20U) {
        return corrupt("a DEVICE has impossible numbers");
    }
    entry.major = static_cast<std::uint32_t>(major);
    entry.minor = static_cast<std::uint32_t>(minor);
    return {};
}

Result<void> take_payload_ref(ByteView content, PxarEntry& entry) {
    const auto offset = load_little_endian<8>(content);
    entry.size = load_little_endian<8>(content.subspan(8));
    if (offset > kAny || entry.size > kAny - offset) {
        return corrupt("a PAYLOAD_REF points behind everything");
    }
    entry.payload_offset = offset + kPxarHeaderSize;
    entry.payload_apart = true;
    return {};
}

bool is_safe_path(std::string_view path) {
    while (true) {
        const auto slash = path.find('/');
        if (!is_safe_name(path.substr(0, slash))) {
            return false;
        }
        if (slash == std::string_view::npos) {
            return true;
        }
        path.remove_prefix(slash + 1);
    }
}

Result<void> take_hardlink(ByteView content, PxarEntry& entry) {
    const auto back = load_little_endian<8>(content);
    TL_TRY(entry.target, text_of(content.subspan(8), "the target of a hard link"));
    if (entry.target.front() == '/') {
        entry.target.erase(0, 1);
    }
    if (!is_safe_path(entry.target)) {
        return corrupt("the target of a hard link leads out of the archive");
    }
    if (back == 0 || back > entry.position) {
        return corrupt("a hard link points before the archive");
    }
    entry.kind = FileKind::hardlink;
    entry.target_position = entry.position - back;
    return {};
}

struct ItemRow {
    std::uint64_t type;
    std::string_view name;
    bool attribute;
    std::uint64_t least;  ///< bytes of content
    std::uint64_t most;
    Result<void> (*take)(ByteView content, PxarEntry& entry);
};

// clang-format off
constexpr std::array<ItemRow, 21> kItems = {{
    {at::kEntry,           "ENTRY",             true, 40, 40, take_entry},
    {at::kEntryV1,         "ENTRY of version 1", true, 32, 32, take_entry_v1},
    {at::kFilename,        "FILENAME",          false, 2, kPxarNameMax + 1, nullptr},
    {at::kXattr,           "XATTR",             true, 2, kPxarXattrMax, take_xattr},
    {at::kAclUser,         "ACL_USER",          true, 16, 16, take_acl_user},
    {at::kAclGroup,        "ACL_GROUP",         true, 16, 16, take_acl_group},
    {at::kAclGroupObject,  "ACL_GROUP_OBJ",     true, 8, 8, take_acl_group_object},
    {at::kAclDefault,      "ACL_DEFAULT",       true, 32, 32, take_acl_default},
    {at::kAclDefaultUser,  "ACL_DEFAULT_USER",  true, 16, 16, take_acl_default_user},
    {at::kAclDefaultGroup, "ACL_DEFAULT_GROUP", true, 16, 16, take_acl_default_group},
    {at::kCapability,      "FCAPS",             true, 1, 1024, take_capability},
    {at::kQuotaProject,    "QUOTA_PROJID",      true, 8, 8, take_quota_project},
    {at::kSymlink,         "SYMLINK",           false, 2, kPxarTargetMax + 1, take_symlink},
    {at::kDevice,          "DEVICE",            false, 16, 16, take_device},
    {at::kPayload,         "PAYLOAD",           false, 0, kAny, nullptr},
    {at::kPayloadRef,      "PAYLOAD_REF",       false, 16, 16, take_payload_ref},
    {at::kHardlink,        "HARDLINK",          false, 10, 8 + kPxarPathMax + 1,
                                                                             take_hardlink},
    {at::kGoodbye,         "GOODBYE",           false, 24, kAny, nullptr},
    {at::kFormatVersion,   "FORMAT_VERSION",    false, 8, 8, nullptr},
    {at::kPrelude,         "PRELUDE",           false, 0, kAny, nullptr},
    {at::kPayloadStart,    "PAYLOAD_START",     false, 0, 0, nullptr},
}};
// clang-format on

const ItemRow* find_row(std::uint64_t type) {
    const auto row = std::ranges::find(kItems, type, &ItemRow::type);
    return row == kItems.end() ? nullptr : &*row;
}

}  // namespace

Result<PxarItem> decode_item(ByteView header) {
    const auto type = at::Type::load(header);
    const auto size = at::Size::load(header);
    const auto* row = find_row(type);
    if (row == nullptr) {
        return corrupt("something that is no item of a pxar archive");
    }
    if (size < kPxarHeaderSize || size - kPxarHeaderSize < row->least ||
        size - kPxarHeaderSize > row->most) {
        return corrupt(std::string(row->name) + " with the impossible size " +
                       std::to_string(size));
    }
    return PxarItem{type, size - kPxarHeaderSize};
}

std::string_view item_name(std::uint64_t type) noexcept {
    const auto* row = find_row(type);
    return row == nullptr ? "unknown item" : row->name;
}

bool is_attribute(std::uint64_t type) noexcept {
    const auto* row = find_row(type);
    return row != nullptr && row->attribute;
}

Result<void> decode_content(std::uint64_t type, ByteView content, PxarEntry& entry) {
    const auto* row = find_row(type);
    TL_ASSERT(row != nullptr && row->take != nullptr);
    return row->take(content, entry);
}

Result<std::string> decode_filename(ByteView content) {
    TL_TRY(auto name, text_of(content, "a name"));
    if (!is_safe_name(name)) {
        return corrupt("the name \"" + name + "\" leads out of its directory");
    }
    return name;
}

}  // namespace tapeloft::media
