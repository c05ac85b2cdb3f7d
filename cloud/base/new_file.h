// Files that are there with all that is in them, or not at all. Blocks; any thread.
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include <sys/types.h>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft {

struct NewFileOptions {
    mode_t mode = 0600;
    std::optional<std::pair<uid_t, gid_t>> owner = std::nullopt;  ///< nothing: this process
    bool durable = true;  ///< file and name survive a power loss when the call returns
};

// Written beside its name, then named. After an error what had the name still has it, and nothing
// stays beside it. Errors: not_found (its folder), denied (also: the owner), no_space, io.

/// Takes the place of what has the name.
[[nodiscard]] Result<void> replace_file(const std::filesystem::path& file, ByteView bytes,
                                        const NewFileOptions& options = {});
/// Errors: already_exists too.
[[nodiscard]] Result<void> create_file(const std::filesystem::path& file, ByteView bytes,
                                       const NewFileOptions& options = {});

}  // namespace tapeloft
