// Whether a restore made exactly what the listing of an archive says.
#pragma once

#include <filesystem>
#include <string>

namespace tapeloft::media {

/// Fails the test where root is not what the listing says, no more and no less. with_flags: false
/// where the file system has no chattr flags.
void expect_restored(const std::filesystem::path& root, const std::string& listing,
                     bool with_flags);

}  // namespace tapeloft::media
