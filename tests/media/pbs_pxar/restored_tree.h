// What stands in a directory, in the words of the fixture's listings.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include <nlohmann/json.hpp>

namespace tapeloft::media {

/// By path, "." for the directory itself. Hard links are files; "inode" tells which are one.
[[nodiscard]] std::map<std::string, nlohmann::json> describe_tree(
    const std::filesystem::path& root);

/// The listing of an archive in the same words: hard links have become files.
[[nodiscard]] std::map<std::string, nlohmann::json> expected_tree(const std::string& listing);

/// With all that is in it, also what is immutable.
void remove_tree(const std::filesystem::path& root);

/// Makes both alike where this process may not do everything or the file system cannot, and says
/// on the standard output what is not compared.
void leave_out_what_needs_root(std::map<std::string, nlohmann::json>& tree);

}  // namespace tapeloft::media
