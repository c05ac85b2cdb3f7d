// The header of a repository, the object `tapeloft`: which repository a store holds, and whether a
// key is its key. media/FORMAT.md, "Repository header".
#pragma once

#include <string_view>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/store/object_store.h"

#include "media/repository/keys.h"

namespace tapeloft::media {

inline constexpr std::string_view kRepositoryName = "tapeloft";

/// Makes the store the repository of `keys`, if it is none yet; nothing is done where it is that
/// already. Errors: already_exists (it is another one; nothing was changed), unsupported, corrupt
/// (there is a header that cannot be read); those of the store. store, keys: until it returns.
[[nodiscard]] Awaitable<Result<void>> create_repository(ObjectStore& store, const KeyRing& keys);

/// Whether the store is the repository of `keys`. Errors: not_found (it holds no repository),
/// denied (the key is not its key), unsupported (a newer version), corrupt; those of the store.
[[nodiscard]] Awaitable<Result<void>> open_repository(ObjectStore& store, const KeyRing& keys);

}  // namespace tapeloft::media
