// A secret in a file of its own, so that the configuration holds none.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

#include "cloud/base/result.h"

namespace tapeloft::vtl::state {

struct SecretLength {  // bytes
    std::size_t least = 1;
    std::size_t most = 1024;
};

/// The bytes of the file but one newline at its end. Errors: not_found, denied (also: others may
/// read it), io, invalid_argument (no regular file, wrong length); the message has the file's name,
/// never its contents.
[[nodiscard]] Result<std::string> read_secret_file(const std::filesystem::path& file,
                                                   const SecretLength& length);

/// All bytes of a regular file, or of a pipe, whoever may read it. Errors: not_found, denied, io,
/// invalid_argument (of another kind, or longer than that); the message has the file's name.
[[nodiscard]] Result<std::string> read_short_file(const std::filesystem::path& file,
                                                  std::size_t most);

}  // namespace tapeloft::vtl::state
