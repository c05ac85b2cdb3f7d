// A CHAP secret in a file of its own, so that the configuration holds none.
#pragma once

#include <filesystem>
#include <string>

#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

/// The bytes of the file but one newline at its end: kChapSecretLengthMin to kChapSecretLengthMax.
/// Errors: not_found, denied (also: others may read it), io, invalid_argument (no regular file,
/// wrong length); the message has the file's name, never its contents.
[[nodiscard]] Result<std::string> read_secret_file(const std::filesystem::path& file);

}  // namespace tapeloft::vtl::daemon
