// The archives and file catalogs of the fixture, and what must be in them.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "cloud/base/bytes.h"

#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {

struct GoldenCatalog {
    std::string name;
    std::vector<std::pair<std::string, std::string>> archives;  ///< "root.pxar.didx", its listing
    std::size_t entries = 0;
};

/// "tree1", "ct", ...: those that have an archive.
[[nodiscard]] std::vector<std::string> golden_names();
[[nodiscard]] std::vector<GoldenCatalog> golden_catalogs();
/// "tree1.pxar", "docs.pcat1", ...
[[nodiscard]] Bytes golden_file(const std::string& name);
/// What is in tree1.pxar, in its order; paths that are not UTF-8 have their true bytes.
[[nodiscard]] std::vector<nlohmann::json> golden_listing(const std::string& name);

/// An entry in the words of a listing, but for the digest of a file's data.
[[nodiscard]] nlohmann::json describe(const PxarEntry& entry);
/// "device", "xattrs_base64", ... as a listing has them.
[[nodiscard]] nlohmann::json describe_acl(const std::vector<AclEntry>& list);
[[nodiscard]] std::string type_name(FileKind kind);
[[nodiscard]] std::string base64(ByteView bytes);
[[nodiscard]] std::string sha256_hex(ByteView bytes);
/// For messages: also what is not UTF-8.
[[nodiscard]] std::string text_of(const nlohmann::json& json);

}  // namespace tapeloft::media
