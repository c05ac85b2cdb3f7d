#include "vtl/cli/image_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapeloft::vtl::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPartSuffix = ".tapeloft-part";
constexpr mode_t kFileMode = 0600;  // what was backed up may be secret
constexpr std::size_t kHoleSize = 4096;

Error failed(const std::string& path, std::string_view what) {
    const int number = errno;
    auto error = error_from_errno(path + ": " + std::string(what), number);
    if (number == EFBIG) {  // others may fit
        error.code = Errc::precondition;
    }
    return error;
}

Error already_there(const std::string& path) {
    return {Errc::already_exists, path + " is there already; it was left as it is"};
}

bool is_zero(ByteView bytes) {
    return bytes.empty() || (bytes.front() == 0 &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

Result<std::unique_ptr<ImageFile>> ImageFile::open(std::string path, std::uint64_t size) {
    struct stat state {};
    const bool is_device = ::stat(path.c_str(), &state) == 0 && S_ISBLK(state.st_mode);
    if (!is_device && ::lstat(path.c_str(), &state) == 0) {
        return already_there(path);
    }
    std::unique_ptr<ImageFile> file(new ImageFile(std::move(path)));
    TL_CHECK(is_device ? file->open_device(size) : file->begin_file(size));
    return file;
}

Result<void> ImageFile::open_device(std::uint64_t size) {
    descriptor_ = Descriptor(::open(path_.c_str(), O_WRONLY | O_EXCL | O_CLOEXEC));
    if (!descriptor_.is_open()) {
        return failed(path_, "open");
    }
    const auto length = ::lseek(descriptor_.get(), 0, SEEK_END);
    if (length < 0 || static_cast<std::uint64_t>(length) < size) {
        return Error{Errc::precondition, path_ + " has " + std::to_string(length) +
                                             " bytes, and the image " + std::to_string(size) +
                                             "; nothing was written"};
    }
    return {};
}

Result<void> ImageFile::begin_file(std::uint64_t size) {
    const fs::path path(path_);
    const auto part = path.parent_path() / ("." + path.filename().string() + kPartSuffix);
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    descriptor_ = Descriptor(::open(part.c_str(), flags, kFileMode));
    if (!descriptor_.is_open() && errno == ENOENT) {
        return Error{Errc::precondition, path_ + ": its folder is not there; nothing was written"};
    }
    if (!descriptor_.is_open()) {
        return failed(part, "open");
    }
    // Whoever had it may have given it its name before it could be locked.
    struct stat opened {};
    struct stat named {};
    if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0 ||
        ::fstat(descriptor_.get(), &opened) != 0 || ::lstat(part.c_str(), &named) != 0 ||
        opened.st_ino != named.st_ino || !S_ISREG(opened.st_mode)) {
        return Error{Errc::already_exists,
                     path_ + " is being written by another process, as " + part.string()};
    }
    part_ = part.string();
    if (::ftruncate(descriptor_.get(), 0) != 0 ||
        ::ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) {
        return failed(part_, "ftruncate");
    }
    return {};
}

ImageFile::~ImageFile() {
    if (!part_.empty()) {
        ::unlink(part_.c_str());
    }
}

Result<void> ImageFile::write(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        auto piece = bytes;
        if (!part_.empty()) {
            // To the next border of a page, so that whole pages of zeros stay holes.
            piece = bytes.first(std::min(bytes.size(), kHoleSize - offset % kHoleSize));
            if (is_zero(piece)) {
                bytes = bytes.subspan(piece.size());
                offset += piece.size();
                continue;
            }
            auto end = piece.size();
            while (end < bytes.size() &&
                   !is_zero(bytes.subspan(end, std::min(kHoleSize, bytes.size() - end)))) {
                end += std::min(kHoleSize, bytes.size() - end);
            }
            piece = bytes.first(end);
        }
        const auto size =
            ::pwrite(descriptor_.get(), piece.data(), piece.size(), static_cast<off_t>(offset));
        if (size < 0 && errno != EINTR) {
            return failed(path_, "write");
        }
        const auto done = size < 0 ? 0 : static_cast<std::size_t>(size);
        bytes = bytes.subspan(done);
        offset += done;
    }
    return {};
}

Result<void> ImageFile::finish() {
    if (::fsync(descriptor_.get()) != 0) {
        return failed(path_, "fsync");
    }
    return part_.empty() ? Result<void>() : give_name();
}

Result<void> ImageFile::give_name() {
    int renamed = ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
    struct stat state {};
    // A network file system may know no such flag.
    if (renamed != 0 && errno == EINVAL && ::lstat(path_.c_str(), &state) != 0) {
        renamed = ::rename(part_.c_str(), path_.c_str());
    }
    if (renamed != 0 && (errno == EEXIST || errno == EINVAL)) {
        return already_there(path_);
    }
    if (renamed != 0) {
        return failed(path_, "rename");
    }
    part_.clear();
    const auto parent = fs::path(path_).parent_path();
    const Descriptor folder(
        ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.is_open() && ::fsync(folder.get()) == 0 ? Result<void>()
                                                          : failed(path_, "sync its folder");
}

}  // namespace tapeloft::vtl::cli
