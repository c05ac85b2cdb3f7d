#include "media/pbs/store/datastore_writer.h"

#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/base/descriptor.h"
#include "cloud/base/hex.h"
#include "cloud/base/new_file.h"

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kChunkFolders = 65536;
constexpr std::size_t kBadNames = 10;  // the last is written over, as PBS does it
constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0644;
constexpr std::string_view kGroupOwner = "root@pam\n";

Error failed(const fs::path& path, std::string_view what) {
    const int error = errno;
    return error_from_errno(path.string() + ": " + std::string(what), error);
}

Error in_the_way(const fs::path& path) {
    return {Errc::precondition, path.string() + " is in the way: it is no folder"};
}

}  // namespace

Result<DatastoreWriter> DatastoreWriter::open(fs::path folder, DatastoreOwner owner) {
    if (!folder.has_filename()) {  // "a/" is "a"
        folder = folder.parent_path();
    }
    DatastoreWriter writer(std::move(folder), owner);
    const auto& base = writer.folder_;
    std::error_code error;
    const bool is_datastore = fs::is_directory(base / ".chunks", error);
    if (!is_datastore && fs::exists(base, error) && !fs::is_empty(base, error)) {
        return Error{Errc::precondition,
                     base.string() + " is neither empty nor a datastore; nothing was written"};
    }
    fs::create_directories(base.parent_path(), error);
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
    std::error_code error;
    if (!made && !fs::is_directory(folder, error)) {  // a link to one is one
        return in_the_way(folder);
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
    NewFileOptions options{kFileMode, std::nullopt, durable};
    if (::geteuid() == 0) {
        options.owner.emplace(owner_.uid, owner_.gid);
    }
    return replace_file(file, bytes, options);
}

fs::path DatastoreWriter::chunk_file(const PbsDigest& digest) const {
    return folder_ / ".chunks" / to_hex(ByteView(digest).first(2)) / to_hex(digest);
}

bool DatastoreWriter::has_something_for(const PbsDigest& digest) const {
    std::error_code error;
    return fs::exists(fs::symlink_status(chunk_file(digest), error));
}

Result<std::optional<Buffer>> DatastoreWriter::read_chunk(const PbsDigest& digest) const {
    const auto file = chunk_file(digest);
    const Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat state {};
    if (!open.is_open() && (errno == ENOENT || errno == ELOOP || errno == ENXIO)) {
        return std::optional<Buffer>();
    }
    if (!open.is_open() || ::fstat(open.get(), &state) != 0) {
        return failed(file, "open");
    }
    const auto size = static_cast<std::uint64_t>(state.st_size);
    if (!S_ISREG(state.st_mode) || size < layout::pbs_chunk_entry::kBlobSizeMin ||
        size > layout::pbs_chunk_entry::kBlobSizeMax) {
        return std::optional<Buffer>();
    }
    auto blob = Buffer::allocate(size);
    for (std::size_t done = 0; done < size;) {
        const auto left = blob.mutable_view().subspan(done);
        const auto got = ::read(open.get(), left.data(), left.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno != EIO) {
            return failed(file, "read");
        }
        if (got <= 0) {
            return std::optional<Buffer>();
        }
        done += static_cast<std::size_t>(got);
    }
    return std::optional(std::move(blob));
}

Result<void> DatastoreWriter::set_aside_chunk(const PbsDigest& digest) const {
    const auto file = chunk_file(digest);
    std::error_code error;
    fs::path bad;
    for (std::size_t number = 0; number < kBadNames; ++number) {
        bad = file;
        bad += "." + std::to_string(number) + ".bad";
        if (!fs::exists(fs::symlink_status(bad, error))) {
            break;
        }
    }
    return ::rename(file.c_str(), bad.c_str()) == 0 ? Result<void>() : failed(file, "rename");
}

Result<void> DatastoreWriter::touch_chunk(const PbsDigest& digest) const {
    const auto file = chunk_file(digest);
    const auto times = std::to_array<timespec>({{0, UTIME_NOW}, {0, UTIME_OMIT}});
    return ::utimensat(AT_FDCWD, file.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0
               ? Result<void>()
               : failed(file, "utimensat");
}

Result<void> DatastoreWriter::write_chunk(const PbsDigest& digest, ByteView blob) const {
    const auto file = chunk_file(digest);
    std::error_code error;
    if (fs::is_directory(fs::symlink_status(file, error))) {
        TL_CHECK(set_aside_chunk(digest));
    }
    return write_file(file, blob, false);
}

bool DatastoreWriter::has_snapshot(const SnapshotName& name) const {
    std::error_code error;
    return fs::exists(folder_ / name.text() / "index.json.blob", error);
}

Result<void> DatastoreWriter::check_folders_of(const SnapshotName& name) const {
    auto folder = folder_;
    for (const auto& part : fs::path(name.text())) {
        folder /= part;
        std::error_code error;
        if (!fs::exists(fs::symlink_status(folder, error))) {
            break;
        }
        if (!fs::is_directory(folder, error)) {
            return in_the_way(folder);
        }
    }
    return {};
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
