// The table at the end of a directory: where its children are, found by name or by position.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/source_window.h"

namespace tapeloft::media {

struct ChildRange {
    std::uint64_t position = 0;  ///< of its FILENAME
    std::uint64_t end = 0;       ///< behind all that is in it
};

/// Nothing of it is kept: it is read through the window where it is needed, so a directory may have
/// any number of children. The window must outlive this.
class GoodbyeTable {
  public:
    /// Children of one name's hash that are looked at; more is no honest archive.
    static constexpr std::size_t kSameHashMax = 64;

    /// Of the directory whose FILENAME (the root's ENTRY) stands at `begin` and whose last byte is
    /// before `end`. Errors: corrupt (no table ends there, or it is another's), the source's.
    static Awaitable<Result<GoodbyeTable>> open(SourceWindow& window, std::uint64_t begin,
                                                std::uint64_t end);

    /// Of its ENTRY.
    [[nodiscard]] std::uint64_t entry_position() const noexcept { return entry_; }
    [[nodiscard]] std::uint64_t start() const noexcept { return start_; }

    /// Children whose names have the hash of `name`: mostly one or none. Reads about log2(children)
    /// items. Errors: corrupt, the source's.
    Awaitable<Result<std::vector<ChildRange>>> find(std::string_view name);
    /// The first children, `most` (1 or more) at most, that begin at `position` or behind it, in
    /// their order. Reads the whole table.
    Awaitable<Result<std::vector<ChildRange>>> next_from(std::uint64_t position, std::size_t most);

  private:
    struct Item {
        std::uint64_t hash = 0;
        ChildRange range;
    };

    GoodbyeTable(SourceWindow& window, std::uint64_t entry, std::uint64_t start,
                 std::uint64_t children)
        : window_(&window), entry_(entry), start_(start), children_(children) {}
    [[nodiscard]] Result<Item> decode(ByteView bytes) const;
    Awaitable<Result<Item>> item(std::uint64_t slot);

    SourceWindow* window_;
    std::uint64_t entry_;
    std::uint64_t start_;  ///< of the GOODBYE
    std::uint64_t children_;
};

}  // namespace tapeloft::media
