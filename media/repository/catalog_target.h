// A library recovered into a catalog.
#pragma once

#include <string>

#include "media/catalog/archive_catalog.h"
#include "media/repository/recovery.h"

namespace tapeloft::media {

/// archive: of a fresh catalog; it outlives this. The catalog is durable after each call; it is
/// worth something only behind finish().
class CatalogTarget final : public RecoveryTarget {
  public:
    explicit CatalogTarget(ArchiveCatalog& archive) : archive_(archive) {}

    Result<void> add_library(const LibraryState& state, const StreamId& stream,
                             const StreamHead& head) override;
    Result<void> add_packs(std::span<const PackContents> packs, const StreamId& index,
                           const StreamHead& head) override;
    Result<void> add_cartridge(const RecoveredCartridge& cartridge) override;
    Result<void> finish() override { return {}; }

  private:
    ArchiveCatalog& archive_;
    std::string library_;
};

}  // namespace tapeloft::media
