// Objects as files: packs/ab/cd is the file ROOT/packs/ab/cd.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_files.h"

namespace tapeloft {

/// Any thread; the work is done on the disk executor, as much at once as that has threads. A name
/// that is a folder of other names is invalid_argument. Folders stay when their last object goes.
/// After io of a put or a remove either state may be there.
///
/// Invariants: a file under an object's name is whole and was fsynced before it got the name; what
/// open() finds is durable before anything is read, so what a reader saw outlives a power loss.
class FileStore final : public ObjectStore {
  public:
    /// Makes the folder where it is missing (its parent exists), removes what interrupted puts left
    /// behind unless another FileStore uses the folder, and waits for the file system to be on
    /// disk. Blocks. root: absolute. files outlives the store. Errors: invalid_argument, denied,
    /// not_found, io.
    [[nodiscard]] static Result<std::unique_ptr<FileStore>> open(
        const std::filesystem::path& root, Executor disk, StoreFiles& files = posix_store_files());

    [[nodiscard]] const StoreCapabilities& capabilities() const noexcept override {
        return capabilities_;
    }
    [[nodiscard]] const std::string& url() const noexcept override { return url_; }

    Awaitable<Result<void>> put(std::string name, Buffer body, PutOptions options) override;
    Awaitable<Result<Buffer>> get(std::string name, ByteRange range) override;
    Awaitable<Result<ObjectInfo>> head(std::string name) override;
    Awaitable<Result<ObjectPage>> list(std::string prefix, std::string after,
                                       std::size_t limit) override;
    Awaitable<Result<void>> remove(std::string name) override;

  private:
    FileStore(std::filesystem::path root, Executor disk, StoreFiles& files,
              std::unique_ptr<FolderLock> lock);

    /// "There is no such object" is said only where the store is there: a disk that is not mounted
    /// has lost nothing. transient then.
    template <typename T>
    [[nodiscard]] Result<T> or_away(Result<T> done);
    [[nodiscard]] Result<void> check_there();

    Result<void> put_now(const std::string& name, const Buffer& body, PutOptions options);
    Result<void> give_name(const std::filesystem::path& temporary, const std::string& name,
                           PutOptions options);
    Result<Buffer> get_now(const std::string& name, const ByteRange& range);
    Result<ObjectInfo> head_now(const std::string& name);
    Result<void> remove_now(const std::string& name);
    Result<void> make_folders(const std::string& name);
    std::filesystem::path next_temporary();

    const StoreCapabilities capabilities_{.put_if_absent = true, .local = true};
    const std::filesystem::path root_;
    const std::string url_;
    const Executor disk_;
    StoreFiles& files_;
    const std::unique_ptr<FolderLock> lock_;
    const std::string temporary_prefix_;  ///< no other FileStore has it
    std::atomic<std::uint64_t> temporaries_ = 0;

    static constexpr std::size_t kKnownFoldersMax = 4096;
    std::mutex mutex_;
    std::set<std::string, std::less<>> known_folders_;  ///< they are there, durably; some of them
};

}  // namespace tapeloft
