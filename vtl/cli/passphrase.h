// Passphrases: out of a file, or typed on the terminal without being seen.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cloud/base/result.h"

namespace tapeloft::vtl::cli {

/// Asks on the controlling terminal. Blocks. Errors: precondition (there is no terminal), cancelled
/// (nothing was typed).
[[nodiscard]] Result<std::string> ask_passphrase(const std::string& prompt);

/// What reads the key file: nothing where it is plain, else the contents of passphrase_file, or
/// what is typed where that is empty. Errors: as read_secret_file(), KeyFile::is_wrapped() and
/// ask_passphrase().
[[nodiscard]] Result<std::optional<std::string>> passphrase_of(
    const std::filesystem::path& key_file, const std::string& passphrase_file);

/// A new passphrase, out of the file, or typed twice where that is empty. Errors: as above, and
/// invalid_argument (it was not the same twice).
[[nodiscard]] Result<std::string> new_passphrase(const std::string& passphrase_file);

}  // namespace tapeloft::vtl::cli
