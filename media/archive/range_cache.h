// Ranges of packs on the local disk, sealed as they are in the store. It may lose anything at any
// time: what is missing is fetched again, and what is damaged fails its tag.
#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/chunk/chunk.h"
#include "media/segment/file.h"

namespace tapeloft::media {

/// A folder of files, one a range, named PACK-OFFSET-LENGTH in hexadecimal digits. Any thread;
/// every call blocks on the disk. Nothing is synced. What was not used for longest goes first;
/// after a start that order is not known.
class RangeCache {
  public:
    /// A file counts at least this, so that there are never too many. In bytes.
    static constexpr std::uint64_t kCostMin = 64ULL * 1024;

    /// Makes the folder where it is missing (its parent exists), looks at what is in it, and
    /// removes what is too much. Files of other names are left alone. limit: bytes. Errors: io.
    [[nodiscard]] static Result<std::unique_ptr<RangeCache>> open(
        const std::filesystem::path& folder, std::uint64_t limit,
        FileSystem& files = posix_file_system());

    /// The bytes, if one cached range has all of them; else an empty buffer.
    [[nodiscard]] Buffer find(const PackId& pack, std::uint32_t offset, std::uint32_t length);
    /// Whether find() would have it, as far as is known; asks no disk.
    [[nodiscard]] bool holds(const PackId& pack, std::uint32_t offset, std::uint32_t length) const {
        const std::lock_guard lock(mutex_);
        Key key;
        return has(pack, offset, std::uint64_t{offset} + length, key);
    }
    /// Makes room first. A failure is no error: then it is not cached.
    void insert(const PackId& pack, std::uint32_t offset, const Buffer& bytes);
    /// Removes every range that has a byte of these.
    void drop(const PackId& pack, std::uint32_t offset, std::uint32_t length);

    /// What the files count, in bytes; never over the limit.
    [[nodiscard]] std::uint64_t used() const;

  private:
    struct Key {
        PackId pack{};
        std::uint32_t offset = 0;
        std::uint32_t length = 0;

        friend auto operator<=>(const Key&, const Key&) = default;
        [[nodiscard]] std::uint64_t end() const noexcept { return std::uint64_t{offset} + length; }
        [[nodiscard]] std::uint64_t cost() const noexcept {
            return length < kCostMin ? kCostMin : length;
        }
    };
    using Order = std::list<Key>;  ///< used last: first

    RangeCache(std::filesystem::path folder, std::uint64_t limit, FileSystem& files)
        : folder_(std::move(folder)), limit_(limit), files_(files) {}

    static bool parse(const std::string& name, Key& key);
    [[nodiscard]] std::filesystem::path path_of(const Key& key) const;
    [[nodiscard]] bool has(const PackId& pack, std::uint64_t offset, std::uint64_t end,
                           Key& found) const;
    void forget(const Key& key);
    void make_room(std::uint64_t cost, std::vector<Key>& evicted);
    void remove_files(const std::vector<Key>& keys);
    [[nodiscard]] bool write(const Key& key, const Buffer& bytes);

    const std::filesystem::path folder_;
    const std::uint64_t limit_;
    FileSystem& files_;

    mutable std::mutex mutex_;  ///< never held over a file operation
    std::map<Key, Order::iterator> ranges_;
    Order order_;
    std::uint64_t used_ = 0;  ///< of ranges_, and of what is being written
};

}  // namespace tapeloft::media
