#include "media/pbs/pxar/pxar_entry.h"

#include <algorithm>
#include <array>

namespace tapeloft::media {
namespace {

void append(std::vector<AclEntry>& list, AclTag tag, std::vector<AclPermission> named) {
    std::ranges::stable_sort(named, {}, &AclPermission::id);
    for (const auto& entry : named) {
        list.push_back({tag, entry.permissions, entry.id});
    }
}

}  // namespace

std::string_view to_string(FileKind kind) noexcept {
    static constexpr std::array<std::string_view, 8> kNames = {
        "file",         "directory",        "symlink", "hardlink",
        "block device", "character device", "fifo",    "socket"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string_view PxarEntry::name() const noexcept {
    const auto slash = path.rfind('/');
    return slash == std::string::npos ? std::string_view(path)
                                      : std::string_view(path).substr(slash + 1);
}

std::vector<AclEntry> access_acl(const FileAttributes& attributes) {
    const auto& acl = attributes.acl;
    const bool named = !acl.users.empty() || !acl.groups.empty();
    std::vector<AclEntry> list;
    if (!named && !acl.group_object) {
        return list;
    }
    const auto of_group = static_cast<std::uint8_t>((attributes.mode >> 3U) & 7U);
    list.push_back({AclTag::user_object, static_cast<std::uint8_t>((attributes.mode >> 6U) & 7U)});
    append(list, AclTag::user, acl.users);
    list.push_back({AclTag::group_object, acl.group_object.value_or(of_group)});
    append(list, AclTag::group, acl.groups);
    list.push_back({AclTag::mask, of_group});
    list.push_back({AclTag::other, static_cast<std::uint8_t>(attributes.mode & 7U)});
    return list;
}

std::vector<AclEntry> default_acl(const FileAttributes& attributes) {
    std::vector<AclEntry> list;
    if (!attributes.default_acl) {
        return list;
    }
    const auto& acl = *attributes.default_acl;
    list.push_back({AclTag::user_object, acl.user_object});
    append(list, AclTag::user, acl.users);
    list.push_back({AclTag::group_object, acl.group_object});
    append(list, AclTag::group, acl.groups);
    if (acl.mask) {
        list.push_back({AclTag::mask, *acl.mask});
    }
    list.push_back({AclTag::other, acl.other});
    return list;
}

bool is_safe_name(std::string_view name) noexcept {
    return !name.empty() && name != "." && name != ".." &&
           name.find_first_of(std::string_view("/\0", 2)) == std::string_view::npos;
}

std::string join_path(std::string parent, std::string_view name) {
    if (!parent.empty()) {
        parent += '/';
    }
    return parent.append(name);
}

bool is_damage(const Error& error) noexcept {
    return error.code == Errc::corrupt || error.code == Errc::not_found;
}

}  // namespace tapeloft::media
