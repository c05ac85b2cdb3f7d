// The few file operations a file store is made of, so that tests can fail any of them and simulate
// a power loss. All block; any thread, many at once. No call throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

namespace tapeloft {

/// A folder in use by this process; given back by the destructor.
class FolderLock {
  public:
    FolderLock() = default;
    FolderLock(const FolderLock&) = delete;
    FolderLock& operator=(const FolderLock&) = delete;
    virtual ~FolderLock() = default;

    /// Nobody else uses the folder, nor begins to before share().
    [[nodiscard]] virtual bool alone() const noexcept = 0;
    virtual Result<void> share() = 0;
};

class StoreFiles {
  public:
    StoreFiles() = default;
    StoreFiles(const StoreFiles&) = delete;
    StoreFiles& operator=(const StoreFiles&) = delete;
    virtual ~StoreFiles() = default;

    /// A new file with these bytes, which survive a power loss; its name needs sync_folder() too.
    /// After an error any part of it may be there. Errors: already_exists, no_space, io.
    virtual Result<void> write_new(const std::filesystem::path& path, ByteView bytes) = 0;
    /// A second name for a file. Errors: already_exists (nothing is changed), io.
    virtual Result<void> link(const std::filesystem::path& from,
                              const std::filesystem::path& to) = 0;
    /// Another name for a file, in place of the file that has it. Errors: io.
    virtual Result<void> rename(const std::filesystem::path& from,
                                const std::filesystem::path& to) = 0;
    /// Removes a file. Errors: not_found (also where it is a folder), io.
    virtual Result<void> remove(const std::filesystem::path& path) = 0;
    /// Makes a folder where none is; its parent exists. Errors: already_exists (it is a file), io.
    virtual Result<void> make_folder(const std::filesystem::path& path) = 0;
    /// The names made and removed in the folder so far survive a power loss. Errors: not_found, io.
    virtual Result<void> sync_folder(const std::filesystem::path& path) = 0;
    /// All names and files made so far under the folder survive a power loss, whoever made them.
    virtual Result<void> sync_tree(const std::filesystem::path& path) = 0;
    virtual Result<std::unique_ptr<FolderLock>> lock_folder(const std::filesystem::path& path) = 0;

    enum class Kind : std::uint8_t { absent, file, folder };
    struct Status {
        Kind kind = Kind::absent;
        std::uint64_t size = 0;  ///< bytes, of a file
    };
    virtual Result<Status> look_at(const std::filesystem::path& path) = 0;
    /// Errors: not_found, invalid_argument (the range passes the end), corrupt (over
    /// kObjectSizeMax, or it became shorter meanwhile), io.
    virtual Result<Buffer> read(const std::filesystem::path& path, const ByteRange& range) = 0;
    /// Every file and folder in the folder, in any order; a missing folder is empty.
    using Visit = std::function<void(std::string_view name, Kind kind)>;
    virtual Result<void> scan(const std::filesystem::path& path, const Visit& visit) = 0;
};

/// The operating system's; lives as long as the program.
[[nodiscard]] StoreFiles& posix_store_files() noexcept;

}  // namespace tapeloft
