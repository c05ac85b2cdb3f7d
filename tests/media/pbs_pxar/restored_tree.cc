#include "tests/media/pbs_pxar/restored_tree.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/media/pbs_pxar/golden.h"

namespace tapeloft::media {
namespace {

std::string type_of(mode_t mode) {
    static const std::map<mode_t, std::string> kNames = {
        {S_IFREG, "file"},    {S_IFDIR, "directory"}, {S_IFLNK, "symlink"}, {S_IFBLK, "blockdev"},
        {S_IFCHR, "chardev"}, {S_IFIFO, "fifo"},      {S_IFSOCK, "socket"}};
    return kNames.at(mode & S_IFMT);
}

nlohmann::json acl_of(ByteView value) {
    std::vector<AclEntry> list;
    for (std::size_t i = 4; i + 8 <= value.size(); i += 8) {
        AclEntry entry;
        entry.tag = static_cast<AclTag>(load_little_endian<2>(value.subspan(i)));
        entry.permissions = static_cast<std::uint8_t>(load_little_endian<2>(value.subspan(i + 2)));
        entry.id = static_cast<std::uint32_t>(load_little_endian<4>(value.subspan(i + 4)));
        list.push_back(entry);
    }
    return describe_acl(list);
}

void add_xattrs(const std::string& path, nlohmann::json& json) {
    std::array<char, 65536> names{};
    const auto size = ::llistxattr(path.c_str(), names.data(), names.size());
    for (const char* name = names.data(); size > 0 && name < names.data() + size;
         name += std::string_view(name).size() + 1) {
        Bytes value(65536);
        const auto length = ::lgetxattr(path.c_str(), name, value.data(), value.size());
        value.resize(length < 0 ? 0 : static_cast<std::size_t>(length));
        const std::string key = name;
        if (key == "system.posix_acl_access") {
            json["acl_access"] = acl_of(value);
        } else if (key == "system.posix_acl_default") {
            json["acl_default"] = acl_of(value);
        } else if (key == "security.capability") {
            json["fcaps_base64"] = base64(value);
        } else if (key != "security.selinux") {
            json["xattrs_base64"][key] = base64(value);
        }
    }
}

void add_flags(const std::string& path, nlohmann::json& json) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    int flags = 0;
    if (descriptor >= 0 && ::ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == 0) {
        const auto bits = ((flags & FS_NOATIME_FL) != 0 ? 0x20000U : 0U) |
                          ((flags & FS_NODUMP_FL) != 0 ? 0x100000U : 0U);
        if (bits != 0) {
            json["flags"] = bits;
        }
    }
    ::close(descriptor);
}

nlohmann::json describe_path(const std::string& path, const std::string& name) {
    struct stat status = {};
    TL_ASSERT(::lstat(path.c_str(), &status) == 0);
    std::array<char, 16> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    nlohmann::json json = {{"path", name},
                           {"type", type_of(status.st_mode)},
                           {"mode", mode.data()},
                           {"uid", status.st_uid},
                           {"gid", status.st_gid},
                           {"mtime", status.st_mtim.tv_sec},
                           {"mtime_nanos", status.st_mtim.tv_nsec}};
    if (S_ISREG(status.st_mode)) {
        std::ifstream file(path, std::ios::binary);
        const Bytes content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
        json["size"] = content.size();
        json["sha256"] = sha256_hex(content);
        json["inode"] = status.st_ino;
    }
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
        add_flags(path, json);
    }
    if (S_ISLNK(status.st_mode)) {
        json["target"] = std::filesystem::read_symlink(path).string();
    }
    if (S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode)) {
        json["device"] = {major(status.st_rdev), minor(status.st_rdev)};
    }
    add_xattrs(path, json);
    return json;
}

}  // namespace

std::map<std::string, nlohmann::json> describe_tree(const std::filesystem::path& root) {
    std::map<std::string, nlohmann::json> tree;
    tree["."] = describe_path(root.string(), ".");
    const auto prefix = root.string().size() + 1;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        const auto name = entry.path().string().substr(prefix);
        tree[name] = describe_path(entry.path().string(), name);
    }
    return tree;
}

std::map<std::string, nlohmann::json> expected_tree(const std::string& listing) {
    std::map<std::string, nlohmann::json> tree;
    for (const auto& entry : golden_listing(listing)) {
        const auto path = entry.at("path").get<std::string>();
        tree[path] = entry;
        if (entry.at("type") == "hardlink") {
            tree[path] = tree.at(entry.at("target").get<std::string>());
            tree[path]["path"] = path;
        }
    }
    return tree;
}

void remove_tree(const std::filesystem::path& root) {
    const auto free = [](const std::filesystem::path& path) {
        const int descriptor = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
        int flags = 0;
        if (descriptor >= 0 && ::ioctl(descriptor, FS_IOC_GETFLAGS, &flags) == 0 &&
            (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) != 0) {
            flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
            ::ioctl(descriptor, FS_IOC_SETFLAGS, &flags);
        }
        ::close(descriptor);
    };
    if (!std::filesystem::exists(root)) {
        return;
    }
    free(root);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
        if (entry.is_directory() || entry.is_regular_file()) {
            free(entry.path());
        }
    }
    std::filesystem::remove_all(root);
}

void leave_out_what_needs_root(std::map<std::string, nlohmann::json>& tree) {
    if (::geteuid() == 0) {
        return;
    }
    std::cout << "not root: owners, devices, capabilities, setuid bits and"
                 " data of files of mode 0000 are not compared\n";
    std::erase_if(tree, [](const auto& entry) {
        return entry.second.at("type") == "blockdev" || entry.second.at("type") == "chardev";
    });
    for (auto& [path, entry] : tree) {
        entry.erase("uid");
        entry.erase("gid");
        entry.erase("fcaps_base64");
        if (entry.at("mode") == "0000") {
            entry.erase("size");
            entry.erase("sha256");
        }
        entry["mode"] = "0" + entry.at("mode").get<std::string>().substr(1);
    }
}

}  // namespace tapeloft::media
