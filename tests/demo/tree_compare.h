// Compares two directory trees byte by byte.
#pragma once

#include <cstdint>
#include <filesystem>

#include "cloud/base/result.h"

namespace tapeloft::tests {

struct TreeSummary {
    std::uint64_t files = 0;
    std::uint64_t bytes = 0;   ///< in regular files
    std::uint64_t others = 0;  ///< directories and symbolic links
};

/// Equal: what was compared. Different: an Error (corrupt) that names the first difference. Looked
/// at: names, types, permissions, symbolic link targets, contents.
[[nodiscard]] Result<TreeSummary> compare_trees(const std::filesystem::path& left,
                                                const std::filesystem::path& right);

}  // namespace tapeloft::tests
