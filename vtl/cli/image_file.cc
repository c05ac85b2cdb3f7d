#include "vtl/cli/image_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapeloft::vtl::cli {
namespace {

constexpr mode_t kFileMode = 0600;  // what was backed up may be secret
constexpr std::size_t kHoleSize = 4096;

Error failed(const std::string& path, std::string_view what) {
    const int error = errno;
    return error_from_errno(path + ": " + std::string(what), error);
}

bool is_zero(ByteView bytes) {
    return bytes.empty() || (bytes.front() == 0 &&
                             std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace

Result<std::unique_ptr<ImageFile>> ImageFile::open(std::string path, std::uint64_t size) {
    struct stat state {};
    const bool there = ::stat(path.c_str(), &state) == 0;
    const bool is_device = there && S_ISBLK(state.st_mode);
    if (there && !is_device) {
        return Error{Errc::already_exists, path + " is there already; nothing was written"};
    }
    const int flags = is_device ? O_WRONLY | O_EXCL : O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const int descriptor = ::open(path.c_str(), flags | O_CLOEXEC, kFileMode);
    if (descriptor < 0) {
        return failed(path, "open");
    }
    std::unique_ptr<ImageFile> file(new ImageFile(path, descriptor, is_device));
    if (is_device) {
        const auto length = ::lseek(descriptor, 0, SEEK_END);
        if (length < 0 || static_cast<std::uint64_t>(length) < size) {
            return Error{Errc::precondition, path + " has " + std::to_string(length) +
                                                 " bytes, and the image " + std::to_string(size) +
                                                 "; nothing was written"};
        }
    } else if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) {
        return failed(path, "ftruncate");
    }
    return file;
}

ImageFile::~ImageFile() {
    ::close(descriptor_);
}

Result<void> ImageFile::write(std::uint64_t offset, ByteView bytes) {
    while (!bytes.empty()) {
        auto piece = bytes;
        if (!is_device_) {
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
            ::pwrite(descriptor_, piece.data(), piece.size(), static_cast<off_t>(offset));
        if (size < 0 && errno != EINTR) {
            return failed(path_, "write");
        }
        const auto done = size < 0 ? 0 : static_cast<std::size_t>(size);
        bytes = bytes.subspan(done);
        offset += done;
    }
    return {};
}

Result<void> ImageFile::sync() const {
    return ::fsync(descriptor_) == 0 ? Result<void>() : failed(path_, "fsync");
}

}  // namespace tapeloft::vtl::cli
