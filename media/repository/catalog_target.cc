#include "media/repository/catalog_target.h"

#include <vector>

namespace tapeloft::media {

Result<void> CatalogTarget::add_library(const LibraryState& state, const StreamId& stream,
                                        const StreamHead& head) {
    library_ = state.name;
    auto kept = state;
    // A value store takes an empty value for none.
    std::erase_if(kept.values, [](const OwnedValue& owned) { return owned.value.value.empty(); });
    return archive_.restore_library(kept, stream, head);
}

Result<void> CatalogTarget::add_packs(std::span<const PackContents> packs, const StreamId& index,
                                      const StreamHead& head) {
    return archive_.add_packs({library_, packs, index, head});
}

Result<void> CatalogTarget::add_cartridge(const RecoveredCartridge& cartridge) {
    ArchiveCatalog::RestoredCartridge restored;
    restored.state = cartridge.state();
    restored.state_differs = !cartridge.is_as_logged();
    std::erase_if(restored.state.values,
                  [](const NamedValue& value) { return value.value.empty(); });
    restored.stream = cartridge.stream();
    restored.head = cartridge.head();
    restored.capacities = cartridge.capacities();
    const auto& segments = cartridge.segments();
    for (const auto& segment : segments) {
        restored.segments.push_back({segment.segment, segment.append.sequence});
    }
    const auto map_of = [&](std::size_t i) { return cartridge.map(segments[i]); };
    TL_CHECK(archive_.restore_cartridge(restored, map_of));
    return {};
}

}  // namespace tapeloft::media
