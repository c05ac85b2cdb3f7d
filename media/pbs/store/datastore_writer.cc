#include "media/pbs/store/datastore_writer.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChunkFolders = 65536;
constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0644;
constexpr std::string_view kGroupOwner = "root@pam\n";

Error failed(const fs::path& path, std::string_view what) {
    const int error = errno;
    return error_from_errno(path.string() + ": " + std::string(what), error);
}

class Descriptor {
  public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }
    [[nodiscard]] int get() const noexcept { return number_; }
    [[nodiscard]] bool is_open() const noexcept { return number_ >= 0; }

  private:
    int number_;
};

Result<void> write_all(const fs::path& file, int descriptor, ByteView bytes) {
    while (!bytes.empty()) {
        const auto size = ::write(descriptor, bytes.data(), bytes.size());
        if (size < 0 && errno != EINTR) {
            return failed(file, "write");
        }
        bytes = bytes.subspan(size < 0 ? 0 : static_cast<std::size_t>(size));
    }
    return {};
}

}  // namespace

Result<DatastoreWriter> DatastoreWriter::open(fs::path folder, DatastoreOwner owner) {
    DatastoreWriter writer(std::move(folder), owner);
    const auto& base = writer.folder_;
    std::error_code error;
    const bool is_datastore = fs::is_directory(base / ".chunks", error);
    if (!is_datastore && fs::exists(base, error) && !fs::is_empty(base, error)) {
        return Error{Errc::precondition,
                     base.string() + " is neither empty nor a datastore; nothing was written"};
    }
    fs::create_directories(base, error);
    TL_CHECK(writer.make_folder(base));
    TL_CHECK(writer.make_folder(base / ".chunks"));
    for (std::uint32_t number = 0; number < kChunkFolders; ++number) {
        const auto bytes = std::to_array(
            {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number & 0xFFU)});
        TL_CHECK(writer.make_folder(base / ".chunks" / to_hex(bytes)));
    }
    if (!fs::exists(base / ".lock", error)) {
        TL_CHECK(writer.write_file(base / ".lock", {}, false));
    }
    return writer;
}

Result<void> DatastoreWriter::make_folder(const fs::path& folder) const {
    const bool made = ::mkdir(folder.c_str(), kFolderMode) == 0;
    if (!made && errno != EEXIST) {
        return failed(folder, "mkdir");
    }
    if (made && ::geteuid() == 0 && ::lchown(folder.c_str(), owner_.uid, owner_.gid) != 0) {
        return failed(folder, "chown");
    }
    return {};
}

Result<void> DatastoreWriter::make_folders(const fs::path& below) const {
    auto folder = folder_;
    for (const auto& part : below) {
        folder /= part;
        TL_CHECK(make_folder(folder));
    }
    return {};
}

Result<void> DatastoreWriter::write_file(const fs::path& file, ByteView bytes, bool durable) const {
    const auto temporary = fs::path(file.string() + ".tmp");
    ::unlink(temporary.c_str());
    {
        const Descriptor out(::open(
            temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kFileMode));
        if (!out.is_open()) {
            return failed(temporary, "open");
        }
        TL_CHECK(write_all(temporary, out.get(), bytes));
        if (::geteuid() == 0 && ::fchown(out.get(), owner_.uid, owner_.gid) != 0) {
            return failed(temporary, "chown");
        }
        if (durable && ::fsync(out.get()) != 0) {
            return failed(temporary, "fsync");
        }
    }
    if (::rename(temporary.c_str(), file.c_str()) != 0) {
        return failed(file, "rename");
    }
    const Descriptor folder(::open(file.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (durable && (!folder.is_open() || ::fsync(folder.get()) != 0)) {
        return failed(file.parent_path(), "fsync");
    }
    return {};
}

fs::path DatastoreWriter::chunk_file(const PbsDigest& digest) const {
    return folder_ / ".chunks" / to_hex(ByteView(digest).first(2)) / to_hex(digest);
}

bool DatastoreWriter::has_chunk(const PbsDigest& digest) const {
    std::error_code error;
    const auto size = fs::file_size(chunk_file(digest), error);
    return !error && size > 0;
}

Result<void> DatastoreWriter::touch_chunk(const PbsDigest& digest) const {
    const auto file = chunk_file(digest);
    const auto times = std::to_array<timespec>({{0, UTIME_NOW}, {0, UTIME_OMIT}});
    return ::utimensat(AT_FDCWD, file.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0
               ? Result<void>()
               : failed(file, "utimensat");
}

Result<void> DatastoreWriter::write_chunk(const PbsDigest& digest, ByteView blob) const {
    return write_file(chunk_file(digest), blob, false);
}

bool DatastoreWriter::has_snapshot(const SnapshotName& name) const {
    std::error_code error;
    return fs::exists(folder_ / name.text() / "index.json.blob", error);
}

Result<void> DatastoreWriter::write_snapshot(const SnapshotName& name,
                                             const std::vector<File>& files) const {
    if (has_snapshot(name)) {
        return Error{Errc::already_exists, (folder_ / name.text()).string() + " is there already"};
    }
    TL_CHECK(make_folders(name.text()));
    const auto owner = folder_ / name.group_path() / "owner";
    std::error_code error;
    if (!fs::exists(owner, error)) {
        TL_CHECK(write_file(owner, as_bytes(kGroupOwner), false));
    }
    for (const auto& [file, bytes] : files) {
        TL_ASSERT(is_pbs_name(file));
        const bool last = &file == &files.back().first;
        if (last) {
            TL_CHECK(sync());
        }
        TL_CHECK(write_file(folder_ / name.text() / file, bytes, last));
    }
    return {};
}

Result<void> DatastoreWriter::sync() const {
    const Descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return folder.is_open() && ::syncfs(folder.get()) == 0 ? Result<void>()
                                                           : failed(folder_, "syncfs");
}

}  // namespace tapeloft::media
