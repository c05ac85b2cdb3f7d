// Files in memory that know what would survive a power loss, and that fail when they are told to.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "cloud/store/store_files.h"

namespace tapeloft::tests {

class SimulatedStoreFiles final : public StoreFiles {
  public:
    using Path = std::filesystem::path;

    /// Asked before each step that changes or syncs something ("write", "fsync", "link", "rename",
    /// "remove", "make_folder", "sync_folder", "sync_tree"); an Error is returned instead.
    std::function<std::optional<Error>(const std::string& step)> before_step;
    bool alone = true;  ///< what the next lock_folder() finds

    Result<void> write_new(const Path& path, ByteView bytes) override;
    Result<void> link(const Path& from, const Path& to) override;
    Result<void> rename(const Path& from, const Path& to) override;
    Result<void> remove(const Path& path) override;
    Result<void> make_folder(const Path& path) override;
    Result<void> sync_folder(const Path& path) override;
    Result<void> sync_tree(const Path& path) override;
    Result<std::unique_ptr<FolderLock>> lock_folder(const Path& path) override;
    Result<Status> look_at(const Path& path) override;
    Result<Buffer> read(const Path& path, const ByteRange& range) override;
    Result<void> scan(const Path& path, const Visit& visit) override;

    /// Of what was not synced every byte and every name is kept or lost at random.
    void lose_power(std::mt19937_64& random);

    /// The files in a folder.
    [[nodiscard]] std::vector<Path> files_in(const Path& folder) const;
    [[nodiscard]] std::size_t scans() const noexcept { return scans_; }

  private:
    struct Inode {
        Bytes bytes;
        bool durable = false;
    };
    using Names = std::map<Path, std::shared_ptr<Inode>>;

    [[nodiscard]] std::optional<Error> ask(const std::string& step) const;

    std::mt19937_64 damage_{1};
    std::size_t scans_ = 0;
    Names names_;
    Names durable_names_;
    std::set<Path> folders_{"/"};
    std::set<Path> durable_folders_{"/"};
};

}  // namespace tapeloft::tests
