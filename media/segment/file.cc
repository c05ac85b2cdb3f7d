#include "media/segment/file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tapeloft::media {
namespace {

Error failed(std::string_view what, const std::filesystem::path& path) {
    const int error = errno;
    return error_from_errno(std::string(what) + " " + path.string(), error);
}

class PosixFile final : public File {
  public:
    PosixFile(int descriptor, std::filesystem::path path)
        : descriptor_(descriptor), path_(std::move(path)) {}
    ~PosixFile() override { ::close(descriptor_); }

    Result<void> pwritev(std::uint64_t offset, std::span<const ByteView> parts) override {
        TL_ASSERT(parts.size() <= kPartsMax);
        std::array<iovec, kPartsMax> vectors;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        for (std::size_t i = 0; i < parts.size(); ++i) {
            // The kernel only reads from the parts of a write; iovec has no const form.
            auto* base = const_cast<std::uint8_t*>(parts[i].data());  // NOLINT
            vectors[i] = {base, parts[i].size()};
        }
        return write_all(offset, std::span(vectors).first(parts.size()));
    }

    Result<std::size_t> preadv(std::uint64_t offset,
                               std::span<const MutableByteView> parts) override {
        TL_ASSERT(parts.size() <= kPartsMax);
        std::array<iovec, kPartsMax> vectors;  // NOLINT(cppcoreguidelines-pro-type-member-init)
        for (std::size_t i = 0; i < parts.size(); ++i) {
            vectors[i] = {parts[i].data(), parts[i].size()};
        }
        auto rest = std::span(vectors).first(parts.size());
        std::size_t done = 0;
        while (!rest.empty()) {
            const auto count = ::preadv(descriptor_, rest.data(), static_cast<int>(rest.size()),
                                        static_cast<off_t>(offset + done));
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                return failed("read", path_);
            }
            if (count == 0) {
                break;
            }
            done += static_cast<std::size_t>(count);
            rest = behind(rest, static_cast<std::size_t>(count));
        }
        return done;
    }

    std::size_t pread_cached(std::uint64_t offset, MutableByteView into) override {
        const iovec part = {into.data(), into.size()};
        const auto count = ::preadv2(descriptor_, &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
        return count < 0 ? 0 : static_cast<std::size_t>(count);
    }

    Result<void> fdatasync() override {
        if (::fdatasync(descriptor_) != 0) {
            return failed("fdatasync", path_);
        }
        return {};
    }

    Result<void> truncate(std::uint64_t length) override {
        if (::ftruncate(descriptor_, static_cast<off_t>(length)) != 0) {
            return failed("truncate", path_);
        }
        return {};
    }

    Result<std::uint64_t> length() override {
        struct stat status = {};
        if (::fstat(descriptor_, &status) != 0) {
            return failed("stat", path_);
        }
        return static_cast<std::uint64_t>(status.st_size);
    }

    void start_writeback() override {
        // Only a hint: a failure shows again in fdatasync.
        ::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE);
    }

  private:
    Result<void> write_all(std::uint64_t offset, std::span<iovec> rest) {
        while (!rest.empty()) {
            const auto count = ::pwritev(descriptor_, rest.data(), static_cast<int>(rest.size()),
                                         static_cast<off_t>(offset));
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                return failed("write", path_);
            }
            offset += static_cast<std::uint64_t>(count);
            rest = behind(rest, static_cast<std::size_t>(count));
        }
        return {};
    }

    /// What is left of the parts when `count` bytes of them are done.
    static std::span<iovec> behind(std::span<iovec> parts, std::size_t count) {
        while (!parts.empty() && count >= parts.front().iov_len) {
            count -= parts.front().iov_len;
            parts = parts.subspan(1);
        }
        if (!parts.empty()) {
            auto* base = static_cast<std::uint8_t*>(parts.front().iov_base);
            parts.front() = {base + count, parts.front().iov_len - count};
        }
        return parts;
    }

    int descriptor_;
    std::filesystem::path path_;
};

class PosixFileSystem final : public FileSystem {
  public:
    Result<std::unique_ptr<File>> create(const std::filesystem::path& path) override {
        return open_with(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, "create");
    }

    Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override {
        return open_with(path, O_RDWR | O_CLOEXEC, "open");
    }

    Result<void> remove(const std::filesystem::path& path) override {
        if (::unlink(path.c_str()) != 0) {
            return failed("remove", path);
        }
        return {};
    }

    Result<void> rename(const std::filesystem::path& from,
                        const std::filesystem::path& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) {
            return failed("rename", from);
        }
        return {};
    }

    Result<void> sync_directory(const std::filesystem::path& directory) override {
        const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (descriptor < 0) {
            return failed("open", directory);
        }
        const PosixFile file(descriptor, directory);
        if (::fsync(descriptor) != 0) {
            return failed("fsync", directory);
        }
        return {};
    }

    Result<bool> make_directory(const std::filesystem::path& directory) override {
        if (::mkdir(directory.c_str(), 0700) == 0) {
            return true;
        }
        if (errno == EEXIST) {
            return false;
        }
        return failed("make directory", directory);
    }

    Result<void> remove_directory(const std::filesystem::path& directory) override {
        if (::rmdir(directory.c_str()) != 0 && errno != ENOENT) {
            return failed("remove directory", directory);
        }
        return {};
    }

    Result<std::vector<Entry>> list(const std::filesystem::path& directory) override {
        std::vector<Entry> entries;
        std::error_code error;
        std::filesystem::directory_iterator next(directory, error);
        const std::filesystem::directory_iterator end;
        while (!error && next != end) {
            Entry entry;
            entry.name = next->path().filename().string();
            entry.is_directory = next->is_directory(error);
            entry.length = entry.is_directory || error ? 0 : next->file_size(error);
            entries.push_back(std::move(entry));
            next.increment(error);
        }
        if (error && error != std::errc::no_such_file_or_directory) {
            return error_from_errno("list " + directory.string(), error.value());
        }
        std::sort(entries.begin(), entries.end(),
                  [](const Entry& a, const Entry& b) { return a.name < b.name; });
        return entries;
    }

  private:
    static Result<std::unique_ptr<File>> open_with(const std::filesystem::path& path, int flags,
                                                   std::string_view what) {
        const int descriptor = ::open(path.c_str(), flags, 0600);
        if (descriptor < 0 && errno == EEXIST) {
            return Error{Errc::already_exists, "create " + path.string() + ": it is there already"};
        }
        if (descriptor < 0) {
            return failed(what, path);
        }
        return std::unique_ptr<File>(std::make_unique<PosixFile>(descriptor, path));
    }
};

}  // namespace

FileSystem& posix_file_system() noexcept {
    static PosixFileSystem system;
    return system;
}

}  // namespace tapeloft::media
