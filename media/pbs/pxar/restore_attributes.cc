#include "media/pbs/pxar/restore_attributes.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace tapeloft::media {
namespace {

class Applier {
  public:
    Applier(int descriptor, const PxarEntry& entry)
        : descriptor_(descriptor),
          entry_(entry),
          by_path_(entry.kind != FileKind::file && entry.kind != FileKind::directory),
          path_("/proc/self/fd/" + std::to_string(descriptor)) {}

    std::vector<AttributeProblem> run() {
        const bool owned = set_owner();
        set_xattrs();
        set_acls();
        set_mode(owned);
        if (entry_.attributes.capability) {
            set_xattr(AttributeKind::capability, "security.capability",
                      *entry_.attributes.capability);
        }
        set_quota_project();
        set_mtime();
        set_flags();
        return std::move(problems_);
    }

  private:
    bool check(AttributeKind kind, bool done, std::string_view what) {
        if (!done) {
            problems_.push_back({kind, error_from_errno(what, errno).message});
        }
        return done;
    }

    bool set_owner() {
        // chown takes this number for "leave it as it is".
        constexpr std::uint32_t kNobody = 0xFFFFFFFF;
        const auto uid = entry_.attributes.uid;
        const auto gid = entry_.attributes.gid;
        bool done = false;
        if (uid == kNobody || gid == kNobody) {
            errno = EINVAL;
        } else {
            const int flags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW;
            done = ::fchownat(descriptor_, "", uid, gid, flags) == 0;
        }
        return check(AttributeKind::owner, done,
                     "owner " + std::to_string(uid) + ":" + std::to_string(gid));
    }

    void set_xattr(AttributeKind kind, const std::string& name, ByteView value) {
        const auto* bytes = value.data();
        // An O_PATH descriptor has no attributes of its own; its magic link leads to the file, also
        // where that is a symbolic link.
        const int set = by_path_ ? ::setxattr(path_.c_str(), name.c_str(), bytes, value.size(), 0)
                                 : ::fsetxattr(descriptor_, name.c_str(), bytes, value.size(), 0);
        check(kind, set == 0, name);
    }

    void set_xattrs() {
        for (const auto& xattr : entry_.attributes.xattrs) {
            // What else there may be is the kernel's: ACLs and capabilities have items of their
            // own.
            const bool allowed =
                xattr.name.starts_with("user.") || xattr.name.starts_with("trusted.") ||
                (xattr.name.starts_with("security.") && xattr.name != "security.capability");
            if (!allowed) {
                problems_.push_back(
                    {AttributeKind::xattr, xattr.name + ": not an attribute that is restored"});
                continue;
            }
            set_xattr(AttributeKind::xattr, xattr.name, xattr.value);
        }
    }

    void set_acls() {
        if (const auto list = access_acl(entry_.attributes); !list.empty()) {
            set_xattr(AttributeKind::acl, "system.posix_acl_access", encode_acl(list));
        }
        if (const auto list = default_acl(entry_.attributes); !list.empty()) {
            set_xattr(AttributeKind::acl, "system.posix_acl_default", encode_acl(list));
        }
    }

    void set_mode(bool owned) {
        if (entry_.kind == FileKind::symlink) {
            return;
        }
        auto mode = static_cast<mode_t>(entry_.attributes.mode & 07777U);
        if (!owned && (mode & (S_ISUID | S_ISGID)) != 0) {
            mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
            problems_.push_back(
                {AttributeKind::mode, "setuid and setgid: the owner could not be set"});
        }
        const int set = by_path_ ? ::chmod(path_.c_str(), mode) : ::fchmod(descriptor_, mode);
        check(AttributeKind::mode, set == 0, "mode");
    }

    void set_quota_project() {
        if (!entry_.attributes.quota_project) {
            return;
        }
        fsxattr attributes = {};
        const bool done = !by_path_ && ::ioctl(descriptor_, FS_IOC_FSGETXATTR, &attributes) == 0;
        attributes.fsx_projid = *entry_.attributes.quota_project;
        if (by_path_) {
            errno = EOPNOTSUPP;
        }
        check(AttributeKind::quota_project,
              done && ::ioctl(descriptor_, FS_IOC_FSSETXATTR, &attributes) == 0,
              "quota project " + std::to_string(*entry_.attributes.quota_project));
    }

    void set_mtime() {
        std::array<timespec, 2> times{};
        times[0].tv_nsec = UTIME_OMIT;
        times[1].tv_sec = static_cast<time_t>(entry_.attributes.mtime.seconds);
        times[1].tv_nsec = static_cast<long>(entry_.attributes.mtime.nanoseconds);
        const int set = by_path_ ? ::utimensat(AT_FDCWD, path_.c_str(), times.data(), 0)
                                 : ::futimens(descriptor_, times.data());
        check(AttributeKind::mtime, set == 0, "time");
    }

    void set_flags() {
        static constexpr std::array<std::pair<std::uint64_t, unsigned>, 10> kFlags = {{
            {0x10000, FS_APPEND_FL},
            {0x20000, FS_NOATIME_FL},
            {0x40000, FS_COMPR_FL},
            {0x80000, FS_NOCOW_FL},
            {0x100000, FS_NODUMP_FL},
            {0x200000, FS_DIRSYNC_FL},
            {0x400000, FS_IMMUTABLE_FL},
            {0x800000, FS_SYNC_FL},
            {0x1000000, FS_NOCOMP_FL},
            {0x2000000, FS_PROJINHERIT_FL},
        }};
        int wanted = 0;
        for (const auto& [bit, flag] : kFlags) {
            if ((entry_.attributes.flags & bit) != 0) {
                wanted |= static_cast<int>(flag);
            }
        }
        if (wanted == 0) {
            return;
        }
        int flags = 0;
        if (by_path_) {
            errno = EOPNOTSUPP;
        }
        bool done = !by_path_ && ::ioctl(descriptor_, FS_IOC_GETFLAGS, &flags) == 0;
        flags |= wanted;
        done = done && ::ioctl(descriptor_, FS_IOC_SETFLAGS, &flags) == 0;
        check(AttributeKind::flags, done, "chattr flags");
    }

    int descriptor_;
    const PxarEntry& entry_;
    bool by_path_;
    std::string path_;
    std::vector<AttributeProblem> problems_;
};

}  // namespace

std::string_view to_string(AttributeKind kind) noexcept {
    static constexpr std::array<std::string_view, kAttributeKinds> kNames = {
        "owner",      "mode",          "extended attribute", "ACL",
        "capability", "quota project", "modification time",  "chattr flags"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::vector<AttributeProblem> apply_attributes(int descriptor, const PxarEntry& entry) {
    return Applier(descriptor, entry).run();
}

Bytes encode_acl(const std::vector<AclEntry>& list) {
    constexpr std::size_t kHeader = 4;
    constexpr std::size_t kEntry = 8;
    constexpr std::uint32_t kVersion = 2;
    constexpr std::uint32_t kNoId = 0xFFFFFFFF;
    Bytes bytes(kHeader + kEntry * list.size());
    store_little_endian<4>(bytes, kVersion);
    auto rest = MutableByteView(bytes).subspan(kHeader);
    for (const auto& entry : list) {
        const bool named = entry.tag == AclTag::user || entry.tag == AclTag::group;
        store_little_endian<2>(rest, static_cast<std::uint16_t>(entry.tag));
        store_little_endian<2>(rest.subspan(2), entry.permissions);
        store_little_endian<4>(rest.subspan(4), named ? entry.id : kNoId);
        rest = rest.subspan(kEntry);
    }
    return bytes;
}

}  // namespace tapeloft::media
