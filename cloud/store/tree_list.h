// One page of the names under a folder, in the byte order of whole names.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "cloud/base/result.h"
#include "cloud/store/object_store.h"
#include "cloud/store/store_files.h"

namespace tapeloft {

/// ObjectStore::list() over files; what is no object name is passed over. Blocks. Reads the folders
/// that may hold names of this page, each at least once, and keeps at most limit + 1 names for each
/// level of folders, however many there are. limit: 1 to kListLimitMax. Errors: io, denied.
[[nodiscard]] Result<ObjectPage> list_tree(StoreFiles& files, const std::filesystem::path& root,
                                           const std::string& prefix, const std::string& after,
                                           std::size_t limit);

}  // namespace tapeloft
