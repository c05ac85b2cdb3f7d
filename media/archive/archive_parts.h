// What archiving works with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/store/object_store.h"

#include "media/archive/progress.h"
#include "media/archive/store_access.h"
#include "media/catalog/archive_catalog.h"
#include "media/log/log_entries.h"
#include "media/repository/keys.h"
#include "media/repository/lease.h"

namespace tapeloft::media {

/// For ArchiveCatalog::work(): as many as there are.
inline constexpr std::size_t kAllSegments = std::numeric_limits<std::int32_t>::max();

/// All that is referred to outlives whoever works with it.
struct ArchiveParts {
    ObjectStore& store;
    Lease& lease;  ///< on that store
    const KeyRing& keys;
    ArchiveCatalog& catalog;
    Executor strand;
    Executor cpu;   ///< threads of low priority
    Executor disk;  ///< where the catalog and the spool may block
    StoreAccess& access;
    ArchiveProgress& progress;
    EventLog& events;
    WriterId writer{};          ///< of the catalog
    int compression_level = 3;  ///< of zstd; 0: none
};

}  // namespace tapeloft::media
