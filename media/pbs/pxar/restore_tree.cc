#include "media/pbs/pxar/restore_tree.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace tapeloft::media {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
/// Zeros become holes in pieces of this size; most file systems have such blocks.
constexpr std::size_t kHoleSize = 4096;
constexpr const char* kOpenFiles = "/proc/self/fd";

Error failed(std::string_view what, const std::string& path) {
    static constexpr std::array<std::pair<int, Errc>, 11> kCodes = {{
        {EEXIST, Errc::already_exists},
        {EPERM, Errc::denied},
        {EACCES, Errc::denied},
        {ENAMETOOLONG, Errc::invalid_argument},
        {EINVAL, Errc::invalid_argument},
        {EILSEQ, Errc::invalid_argument},
        {ENOTDIR, Errc::invalid_argument},
        {ELOOP, Errc::invalid_argument},
        {EMLINK, Errc::invalid_argument},
        {EFBIG, Errc::invalid_argument},
        {EOPNOTSUPP, Errc::unsupported},
    }};
    const int number = errno;
    auto error = error_from_errno(std::string(what) + " " + path, number);
    const auto* row = std::ranges::find(kCodes, number, &std::pair<int, Errc>::first);
    if (row != kCodes.end()) {
        error.code = row->second;
    }
    return error;
}

bool is_zero(ByteView bytes) {
    return bytes.empty() || (bytes.front() == 0 &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

/// As much of the beginning as is of one kind: zeros in whole pieces, or not.
std::size_t run_length(std::uint64_t offset, ByteView bytes, bool& zero) {
    std::size_t length = 0;
    while (length < bytes.size()) {
        const auto to_border = kHoleSize - static_cast<std::size_t>((offset + length) % kHoleSize);
        const auto piece = bytes.subspan(length, std::min(to_border, bytes.size() - length));
        const bool piece_zero = is_zero(piece);
        if (length == 0) {
            zero = piece_zero;
        } else if (zero != piece_zero) {
            break;
        }
        length += piece.size();
    }
    return length;
}

}  // namespace

Result<void> RestoredFile::write(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        bool zero = false;
        const auto length = run_length(offset, bytes, zero);
        if (!zero) {
            TL_CHECK(write_all(offset, bytes.first(length)));
        }
        offset += length;
        bytes = bytes.subspan(length);
    }
    return {};
}

Result<void> RestoredFile::write_all(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        const auto count =
            ::pwrite(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return failed("write", path_);
        }
        offset += static_cast<std::uint64_t>(count);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

Result<std::vector<AttributeProblem>> RestoredFile::finish(const PxarEntry& entry) {
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(entry.size)) != 0) {
        return failed("set the length of", path_);
    }
    // No name can be given any more to a file that an attribute makes immutable.
    if (!is_named_) {
        TL_CHECK(give_name(entry));
    }
    return apply_attributes(descriptor_.get(), entry);
}

Result<void> RestoredFile::give_name(const PxarEntry& entry) {
    const auto opened = std::string(kOpenFiles) + "/" + std::to_string(descriptor_.get());
    const std::string name(entry.name());
    if (::linkat(AT_FDCWD, opened.c_str(), folder_, name.c_str(), AT_SYMLINK_FOLLOW) != 0) {
        return failed("make the file", path_);
    }
    is_named_ = true;
    return {};
}

Result<RestoreTree> RestoreTree::open(const std::filesystem::path& target) {
    RestoreTree tree;
    tree.target_ = target.string();
    if (::mkdir(tree.target_.c_str(), 0700) != 0 && errno != EEXIST) {
        return failed("make the directory", tree.target_);
    }
    // The user names it: that it is a link to a directory is the user's will.
    Level root;
    root.descriptor = Descriptor(::open(tree.target_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root.descriptor.is_open()) {
        return failed("open the directory", tree.target_);
    }
    tree.levels_.push_back(std::move(root));
    return tree;
}

std::string RestoreTree::path_of(std::string_view name) const {
    auto path = target_;
    for (std::size_t i = 1; i < levels_.size(); ++i) {
        path += "/" + levels_[i].name;
    }
    return path.append("/").append(name);
}

Result<RestoreTree::Level> RestoreTree::open_directory(int parent, std::string_view name) const {
    Level level;
    level.name = name;
    level.descriptor = Descriptor(::openat(parent, level.name.c_str(), kDirectoryFlags));
    struct stat status = {};
    if (!level.descriptor.is_open() || ::fstat(level.descriptor.get(), &status) != 0) {
        return failed("open the directory", path_of(name));
    }
    level.device = status.st_dev;
    level.inode = status.st_ino;
    return level;
}

Result<bool> RestoreTree::enter(std::string_view name) {
    TL_ASSERT(is_safe_name(name));
    const bool made = ::mkdirat(here(), std::string(name).c_str(), 0700) == 0;
    if (!made && errno != EEXIST) {
        return failed("make the directory", path_of(name));
    }
    TL_TRY(auto level, open_directory(here(), name));
    levels_.push_back(std::move(level));
    if (levels_.size() > kOpenMax) {
        // Not the root: the way to the others begins there.
        levels_[levels_.size() - kOpenMax].descriptor = Descriptor();
    }
    return made;
}

Result<std::vector<AttributeProblem>> RestoreTree::leave(const PxarEntry* attributes) {
    TL_ASSERT(levels_.size() > 1);
    std::vector<AttributeProblem> problems;
    if (attributes != nullptr) {
        problems = apply_attributes(here(), *attributes);
    }
    levels_.pop_back();
    if (!levels_.back().descriptor.is_open()) {
        TL_CHECK(reopen());
    }
    return problems;
}

std::vector<AttributeProblem> RestoreTree::apply_to_root(const PxarEntry& root) {
    return apply_attributes(levels_.front().descriptor.get(), root);
}

/// Opens the last of the levels again, on the way from the root, and finds what it was before.
Result<void> RestoreTree::reopen() {
    for (std::size_t i = 1; i < levels_.size(); ++i) {
        if (levels_[i].descriptor.is_open()) {
            continue;
        }
        TL_TRY(auto level, open_directory(levels_[i - 1].descriptor.get(), levels_[i].name));
        if (level.device != levels_[i].device || level.inode != levels_[i].inode) {
            return Error{Errc::io, "the directory " + path_of("") +
                                       " was changed while files were restored into it"};
        }
        levels_[i].descriptor = std::move(level.descriptor);
        if (i + 1 > kOpenMax) {
            levels_[i + 1 - kOpenMax].descriptor = Descriptor();
        }
    }
    return {};
}

Result<RestoredFile> RestoreTree::create_file(std::string_view name) {
    TL_ASSERT(is_safe_name(name));
    const std::string text(name);
    struct stat status = {};
    if (::fstatat(here(), text.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
    }
    if (errno != ENOENT) {
        return failed("make the file", path_of(name));
    }
    Descriptor descriptor;
    if (::access(kOpenFiles, X_OK) == 0) {
        descriptor = Descriptor(::openat(here(), ".", O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600));
    }
    const bool is_named = !descriptor.is_open();
    if (is_named) {
        const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        descriptor = Descriptor(::openat(here(), text.c_str(), flags, 0600));
    }
    if (!descriptor.is_open()) {
        return failed("make the file", path_of(name));
    }
    return RestoredFile(std::move(descriptor), path_of(name), here(), is_named);
}

Result<void> RestoreTree::discard(const RestoredFile& file, std::string_view name) {
    if (file.is_named() && ::unlinkat(here(), std::string(name).c_str(), 0) != 0) {
        return failed("remove", path_of(name));
    }
    return {};
}

Result<std::vector<AttributeProblem>> RestoreTree::create_other(const PxarEntry& entry) {
    const std::string name(entry.name());
    TL_ASSERT(is_safe_name(name));
    int made = 0;
    if (entry.kind == FileKind::symlink) {
        made = ::symlinkat(entry.target.c_str(), here(), name.c_str());
    } else {
        const auto type = static_cast<mode_t>(entry.attributes.mode & S_IFMT);
        made = ::mknodat(here(), name.c_str(), type | S_IRUSR | S_IWUSR,
                         makedev(entry.major, entry.minor));
    }
    if (made != 0) {
        return failed("make the " + std::string(to_string(entry.kind)), path_of(name));
    }
    const Descriptor descriptor(::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    struct stat status = {};
    if (!descriptor.is_open() || ::fstat(descriptor.get(), &status) != 0) {
        return failed("open", path_of(name));
    }
    if ((status.st_mode & S_IFMT) != (entry.attributes.mode & S_IFMT)) {
        return Error{Errc::io, path_of(name) + " was replaced while files were restored"};
    }
    return apply_attributes(descriptor.get(), entry);
}

/// Opens the directory that the target of a hard link is in.
Result<Descriptor> RestoreTree::open_parent(const std::string& target) const {
    Descriptor directory(::fcntl(levels_.front().descriptor.get(), F_DUPFD_CLOEXEC, 0));
    std::size_t from = 0;
    for (auto slash = target.find('/'); directory.is_open() && slash != std::string::npos;
         slash = target.find('/', from)) {
        const auto component = target.substr(from, slash - from);
        TL_ASSERT(is_safe_name(component));
        directory = Descriptor(::openat(directory.get(), component.c_str(), kDirectoryFlags));
        from = slash + 1;
    }
    if (!directory.is_open()) {
        return failed("find the target of a hard link,", target);
    }
    return directory;
}

Result<void> RestoreTree::create_link(std::string_view name, const std::string& target) {
    TL_ASSERT(is_safe_name(name));
    TL_TRY(const auto directory, open_parent(target));
    const auto last = target.substr(target.rfind('/') + 1);  // npos + 1 is 0
    TL_ASSERT(is_safe_name(last));
    struct stat status = {};
    if (::fstatat(directory.get(), last.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return failed("find the target of a hard link,", target);
    }
    if (!S_ISREG(status.st_mode)) {
        return Error{Errc::invalid_argument,
                     "the target of the hard link " + path_of(name) + " is no file"};
    }
    if (::linkat(directory.get(), last.c_str(), here(), std::string(name).c_str(), 0) != 0) {
        return failed("link " + target + " to", path_of(name));
    }
    return {};
}

}  // namespace tapeloft::media
