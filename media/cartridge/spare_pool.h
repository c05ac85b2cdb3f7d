// Files that nothing names any more, kept for the next segments of any cartridge of the spool to be
// written over. media/README.md, "Spare files", says why that is safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "cloud/base/event_log.h"

#include "media/catalog/catalog.h"
#include "media/segment/file.h"
#include "media/segment/frame_format.h"

namespace tapeloft::media {

class SpoolBudget;

/// When a segment is full; smaller in tests, which thus meet every boundary.
struct SegmentLimits {
    std::uint64_t length = kSegmentLengthMax;  ///< bytes of frames; one record may pass it
    std::uint32_t frames = kSegmentFramesMax;
};

/// One of a spool; any thread; blocks. All that is referred to outlives it. Its files lie in a
/// folder of their own, whose content recover_spool() removes. They do not count into the budget,
/// and take no more than an eighth of its limit.
class SparePool {
    struct Written {
        std::mutex mutex;
        std::multiset<CartridgeId> cartridges;
    };

  public:
    static constexpr std::size_t kMax = 32;  ///< files
    /// A name that no cartridge's folder has.
    static constexpr const char* kDirectory = ".spare";

    SparePool(FileSystem& files, const std::filesystem::path& spool, SpoolBudget& budget,
              EventLog& events)
        : files_(files), directory_(spool / kDirectory), budget_(budget), events_(events) {}
    SparePool(const SparePool&) = delete;
    SparePool& operator=(const SparePool&) = delete;
    ~SparePool() { drop(); }

    /// While one is there, its cartridge may have files open for writing that leave the spool: they
    /// must not become another's, but through whoever has them open. It may outlive the pool.
    class Writing {
      public:
        Writing(SparePool& pool, CartridgeId cartridge);
        Writing(const Writing&) = delete;
        Writing& operator=(const Writing&) = delete;
        ~Writing();

      private:
        const std::shared_ptr<Written> written_;
        const CartridgeId cartridge_;
    };
    [[nodiscard]] bool is_written(CartridgeId cartridge) const;

    /// A file of `length` bytes is long enough to be of use.
    [[nodiscard]] static bool is_worth_it(const SegmentLimits& limits,
                                          std::uint64_t length) noexcept {
        return length >= kSegmentDataOffset + limits.length / 2;
    }

    /// Takes a file over, which loses its name. Its bytes are not in the budget, and nobody writes
    /// to it. False: it is too short, there are enough, or it cannot be renamed; it stays.
    bool keep(const std::filesystem::path& file, std::uint64_t length, const SegmentLimits& limits);
    /// The one kept last, which is the caller's from now on.
    std::optional<std::filesystem::path> take();
    /// Removes them all. False: there was none.
    bool drop();

  private:
    struct Spare {
        std::filesystem::path path;
        std::uint64_t length = 0;
    };

    FileSystem& files_;
    const std::filesystem::path directory_;
    SpoolBudget& budget_;
    EventLog& events_;
    const std::shared_ptr<Written> written_ = std::make_shared<Written>();
    std::mutex mutex_;
    std::vector<Spare> spares_;
    std::uint64_t next_name_ = 0;
    bool made_ = false;  ///< the folder
};

}  // namespace tapeloft::media
