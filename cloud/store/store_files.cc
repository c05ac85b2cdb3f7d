#include "cloud/store/store_files.h"

#include <cerrno>
#include <string>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"
#include "cloud/store/request_checks.h"

namespace tapeloft {
namespace {

using Path = std::filesystem::path;

/// errno of the call that just failed.
Error failed(std::string_view what, const Path& path) {
    const int error = errno;
    // A path that leads through a file names nothing, as one that leads nowhere.
    return error_from_errno(std::string(what) + " " + path.string(),
                            error == ENOTDIR ? ENOENT : error);
}

Result<void> read_all(int file, std::uint64_t offset, MutableByteView into, const Path& path) {
    while (!into.empty()) {
        const auto count = ::pread(file, into.data(), into.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return failed("read", path);
        }
        if (count == 0) {
            return Error{Errc::corrupt, path.string() + " became shorter while it was read"};
        }
        into = into.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

StoreFiles::Kind kind_of(mode_t mode) noexcept {
    if (S_ISREG(mode)) {
        return StoreFiles::Kind::file;
    }
    return S_ISDIR(mode) ? StoreFiles::Kind::folder : StoreFiles::Kind::absent;
}

class PosixFolderLock final : public FolderLock {
  public:
    PosixFolderLock(const Path& path, int descriptor) : path_(path), folder_(descriptor) {
        alone_ = ::flock(folder_.get(), LOCK_EX | LOCK_NB) == 0;
    }
    [[nodiscard]] bool alone() const noexcept override { return alone_; }
    Result<void> share() override {
        alone_ = false;
        while (::flock(folder_.get(), LOCK_SH) != 0) {
            if (errno != EINTR) {
                return failed("lock", path_);
            }
        }
        return {};
    }

  private:
    Path path_;
    Descriptor folder_;
    bool alone_ = false;
};

class PosixStoreFiles final : public StoreFiles {
  public:
    Result<void> write_new(const Path& path, ByteView bytes) override {
        const Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (!file.is_open()) {
            return failed("create", path);
        }
        if (!write_all(file.get(), bytes)) {
            return failed("write", path);
        }
        if (::fsync(file.get()) != 0) {
            return failed("fsync", path);
        }
        return {};
    }

    Result<void> link(const Path& from, const Path& to) override {
        return ::link(from.c_str(), to.c_str()) == 0 ? Result<void>() : failed("link", to);
    }

    Result<void> rename(const Path& from, const Path& to) override {
        return ::rename(from.c_str(), to.c_str()) == 0 ? Result<void>() : failed("rename to", to);
    }

    Result<void> remove(const Path& path) override {
        if (::unlink(path.c_str()) == 0) {
            return {};
        }
        if (errno == EISDIR) {
            return Error{Errc::not_found, path.string() + " is a folder"};
        }
        return failed("remove", path);
    }

    Result<void> make_folder(const Path& path) override {
        if (::mkdir(path.c_str(), 0700) == 0) {
            return {};
        }
        auto error = failed("make folder", path);
        if (error.code == Errc::already_exists) {
            TL_TRY(const auto status, look_at(path));
            if (status.kind == Kind::folder) {
                return {};
            }
        }
        return error;
    }

    Result<void> sync_folder(const Path& path) override { return sync(path, ::fsync, "fsync"); }
    Result<void> sync_tree(const Path& path) override { return sync(path, ::syncfs, "syncfs"); }

    Result<std::unique_ptr<FolderLock>> lock_folder(const Path& path) override {
        const int folder = open_folder(path);
        if (folder < 0) {
            return failed("open", path);
        }
        return std::unique_ptr<FolderLock>(std::make_unique<PosixFolderLock>(path, folder));
    }

    Result<Status> look_at(const Path& path) override {
        struct stat status = {};
        if (::stat(path.c_str(), &status) == 0) {
            return Status{kind_of(status.st_mode), static_cast<std::uint64_t>(status.st_size)};
        }
        auto error = failed("stat", path);
        if (error.code == Errc::not_found) {
            return Status{};
        }
        return error;
    }

    Result<Buffer> read(const Path& path, const ByteRange& range) override {
        const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        struct stat status = {};
        if (!file.is_open() || ::fstat(file.get(), &status) != 0) {
            return failed("open", path);
        }
        if (kind_of(status.st_mode) != Kind::file) {
            return Error{Errc::not_found, path.string() + " is no file"};
        }
        const auto size = static_cast<std::uint64_t>(status.st_size);
        if (size > kObjectSizeMax) {
            return Error{Errc::corrupt, path.string() + " is larger than any object"};
        }
        TL_TRY(const auto length, length_of_range(range, size, path.string()));
        auto bytes = Buffer::allocate(length);
        TL_CHECK(read_all(file.get(), range.offset, bytes.mutable_view(), path));
        return bytes;
    }

    Result<void> scan(const Path& path, const Visit& visit) override {
        const auto close = [](DIR* folder) { ::closedir(folder); };
        const std::unique_ptr<DIR, decltype(close)> folder(::opendir(path.c_str()), close);
        if (folder == nullptr) {
            auto error = failed("open", path);
            return error.code == Errc::not_found ? Result<void>() : std::move(error);
        }
        while (true) {
            errno = 0;
            const auto* entry = ::readdir(folder.get());  // NOLINT(concurrency-mt-unsafe)
            if (entry == nullptr) {
                return errno == 0 ? Result<void>() : failed("read folder", path);
            }
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") {
                continue;
            }
            TL_TRY(const auto kind, kind_of_entry(path, *entry));
            if (kind != Kind::absent) {
                visit(name, kind);
            }
        }
    }

  private:
    static int open_folder(const Path& path) {
        return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }

    static Result<void> sync(const Path& path, int (*call)(int), std::string_view what) {
        const Descriptor folder(open_folder(path));
        if (!folder.is_open()) {
            return failed("open", path);
        }
        return call(folder.get()) == 0 ? Result<void>() : failed(what, path);
    }

    Result<Kind> kind_of_entry(const Path& folder, const dirent& entry) {
        if (entry.d_type == DT_REG) {
            return Kind::file;
        }
        if (entry.d_type == DT_DIR) {
            return Kind::folder;
        }
        // A link, or a file system that does not say.
        TL_TRY(const auto status, look_at(folder / entry.d_name));
        return status.kind;
    }
};

}  // namespace

StoreFiles& posix_store_files() noexcept {
    static PosixStoreFiles files;
    return files;
}

}  // namespace tapeloft
