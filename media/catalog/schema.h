// The tables of the catalog, as a list of steps from an empty database to today's.
#pragma once

#include <cstdint>
#include <span>

#include "cloud/base/result.h"

#include "media/catalog/sqlite.h"

namespace tapeloft::media {

/// Lifts a database of version - 1 to version. Never changed once released: new steps go to the
/// end.
struct Migration {
    std::int64_t version = 0;  ///< PRAGMA user_version after it; 1, 2, 3, ...
    const char* sql = nullptr;
};

[[nodiscard]] std::span<const Migration> migrations() noexcept;

/// PRAGMA application_id of a catalog ("TLct"); how we know that a database is ours.
inline constexpr std::int64_t kApplicationId = 0x544C6374;

/// Checks that the database is ours (or empty), not newer than the last step, and whole; nothing is
/// written. Errors: corrupt (damaged, or not ours), unsupported (newer).
Result<void> check_before_use(Database& database, std::span<const Migration> steps);

/// Applies the steps that are missing, each in a transaction of its own. Errors: as Database.
Result<void> migrate(Database& database, std::span<const Migration> steps);

}  // namespace tapeloft::media
