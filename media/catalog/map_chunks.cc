#include "media/catalog/map_chunks.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tapeloft::media {
namespace {

// media/FORMAT.md, "Segment map": bytes of an item of each list before the chunks, and of a chunk.
constexpr auto kItemSizes = std::to_array<std::size_t>({9, 5, 14, 4});
constexpr std::size_t kChunkSize = 36;

/// Cuts a list off the front of `map`: its count, then its items.
std::optional<ByteView> take_list(ByteView& map, std::size_t item_size) {
    constexpr std::size_t kCount = 4;
    if (map.size() < kCount) {
        return std::nullopt;
    }
    const auto count = load_little_endian<kCount>(map);
    map = map.subspan(kCount);
    if (count > map.size() / item_size) {
        return std::nullopt;
    }
    const auto list = map.first(count * item_size);
    map = map.subspan(list.size());
    return list;
}

}  // namespace

Result<std::vector<Fingerprint>> chunks_of_map(ByteView map) {
    constexpr std::size_t kSkip = 4;
    bool sound = std::ranges::all_of(
        kItemSizes, [&map](std::size_t size) { return take_list(map, size).has_value(); });
    std::optional<ByteView> list;
    if (sound && map.size() >= kSkip) {
        map = map.subspan(kSkip);
        list = take_list(map, kChunkSize);
    }
    if (!list || !map.empty()) {
        return Error{Errc::corrupt, "a segment map in the catalog is damaged"};
    }
    std::vector<Fingerprint> chunks(list->size() / kChunkSize);
    for (std::size_t i = 0; i < chunks.size(); ++i) {
        std::copy_n(list->begin() + static_cast<std::ptrdiff_t>(i * kChunkSize), chunks[i].size(),
                    chunks[i].begin());
    }
    return chunks;
}

}  // namespace tapeloft::media
