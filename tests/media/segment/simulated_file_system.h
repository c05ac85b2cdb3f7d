// A disk in memory that knows what would survive a power loss, and that fails when it is told to.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>

#include "media/segment/file.h"

namespace tapeloft::media {

class SimulatedFileSystem final : public FileSystem {
  public:
    static constexpr std::size_t kSector = 512;

    /// Asked before each call that changes or syncs something, by name ("pwritev", "fdatasync",
    /// "truncate", "create", "remove", "rename", "sync_directory", "make_directory"); an Error is
    /// returned. A pwritev that fails has written some of its sectors; an fdatasync that fails has
    /// made some durable.
    std::function<std::optional<Error>(const std::string& call)> before_call;
    /// The same for "preadv" and "open".
    std::function<std::optional<Error>(const std::string& call)> before_read;

    bool cached = false;             ///< all of each file lies in the page cache
    std::uint64_t reads = 0;         ///< preadv calls so far
    std::uint64_t cached_reads = 0;  ///< pread_cached calls that found something
    std::uint64_t syncs = 0;         ///< fdatasync and sync_directory calls so far
    std::uint64_t renames = 0;       ///< that succeeded
    std::uint64_t writebacks = 0;    ///< start_writeback calls so far

    Result<std::unique_ptr<File>> create(const std::filesystem::path& path) override;
    Result<std::unique_ptr<File>> open(const std::filesystem::path& path) override;
    Result<void> remove(const std::filesystem::path& path) override;
    Result<void> rename(const std::filesystem::path& from,
                        const std::filesystem::path& to) override;
    Result<void> sync_directory(const std::filesystem::path& directory) override;
    Result<bool> make_directory(const std::filesystem::path& directory) override;
    Result<void> remove_directory(const std::filesystem::path& directory) override;
    Result<std::vector<Entry>> list(const std::filesystem::path& directory) override;

    /// The machine loses its power: of what was not synced, every sector, length and name is kept
    /// or lost at random. Files that are open stay usable but belong to nothing any more.
    void lose_power(std::mt19937_64& random);

    /// The bytes of a file, to look at or to damage; the file exists.
    Bytes& content(const std::filesystem::path& path);
    [[nodiscard]] std::vector<std::filesystem::path> files() const;

  private:
    friend class SimulatedFile;
    struct Inode {
        Bytes now;
        Bytes durable;
        std::set<std::size_t> dirty;  ///< sectors
    };

    std::optional<Error> ask(const std::string& call);
    std::mt19937_64 damage_{1};
    mutable std::mutex mutex_;
    std::map<std::filesystem::path, std::shared_ptr<Inode>> names_;
    std::map<std::filesystem::path, std::shared_ptr<Inode>> durable_names_;
    std::set<std::filesystem::path> directories_;
    std::set<std::filesystem::path> durable_directories_;
};

}  // namespace tapeloft::media
