// The few file operations the spool is made of, so that tests can fail any of them and simulate a
// power loss. All block; call them on the disk executor. No call throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

/// An open file. preadv may run on several threads at once, also beside a pwritev of other bytes.
class File {
  public:
    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    virtual ~File() = default;

    /// Writes the parts one behind the other from `offset` on: all of it, or an error (then any
    /// part of it may stand there). At most kPartsMax parts.
    static constexpr std::size_t kPartsMax = 1024;
    virtual Result<void> pwritev(std::uint64_t offset, std::span<const ByteView> parts) = 0;
    /// Fills the parts one behind the other with what stands from `offset` on. Bytes read: fewer
    /// than asked only at the end of the file. At most kPartsMax parts.
    virtual Result<std::size_t> preadv(std::uint64_t offset,
                                       std::span<const MutableByteView> parts) = 0;
    Result<std::size_t> pread(std::uint64_t offset, MutableByteView into) {
        return preadv(offset, std::span(&into, 1));
    }
    /// The same without waiting for a disk: only what lies in the page cache; 0 where there is
    /// none.
    virtual std::size_t pread_cached(std::uint64_t /*offset*/, MutableByteView /*into*/) {
        return 0;
    }
    /// Content and length survive a power loss; the name needs FileSystem::sync_directory as well.
    virtual Result<void> fdatasync() = 0;
    virtual Result<void> truncate(std::uint64_t length) = 0;
    virtual Result<std::uint64_t> length() = 0;
    /// Asks the kernel to begin writing back; promises nothing.
    virtual void start_writeback() = 0;
};

class FileSystem {
  public:
    FileSystem() = default;
    FileSystem(const FileSystem&) = delete;
    FileSystem& operator=(const FileSystem&) = delete;
    virtual ~FileSystem() = default;

    /// A new, empty file for reading and writing. Errors: already_exists, no_space, io.
    virtual Result<std::unique_ptr<File>> create(const std::filesystem::path& path) = 0;
    /// An existing file for reading and writing. Errors: not_found, io.
    virtual Result<std::unique_ptr<File>> open(const std::filesystem::path& path) = 0;
    /// Errors: not_found, io.
    virtual Result<void> remove(const std::filesystem::path& path) = 0;
    /// Another name, in a directory that exists, for a file that is there; nothing has that name
    /// yet. Errors: not_found, io.
    virtual Result<void> rename(const std::filesystem::path& from,
                                const std::filesystem::path& to) = 0;
    /// The names created, changed and removed in `directory` so far survive a power loss.
    virtual Result<void> sync_directory(const std::filesystem::path& directory) = 0;
    /// Makes the directory where it is missing (its parent exists); true: it was made.
    virtual Result<bool> make_directory(const std::filesystem::path& directory) = 0;
    /// Removes an empty directory; a missing one is no error.
    virtual Result<void> remove_directory(const std::filesystem::path& directory) = 0;

    struct Entry {
        std::string name;
        bool is_directory = false;
        std::uint64_t length = 0;  ///< bytes; 0 for a directory
    };
    /// What is in `directory`, sorted by name; a missing directory is empty.
    virtual Result<std::vector<Entry>> list(const std::filesystem::path& directory) = 0;
};

/// The operating system's; lives as long as the program.
[[nodiscard]] FileSystem& posix_file_system() noexcept;

}  // namespace tapeloft::media
