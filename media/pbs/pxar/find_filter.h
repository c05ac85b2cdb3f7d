// What `find` looks for, and what a list of files shows: the same for archives and catalogs. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

#include "media/pbs/pxar/path_selection.h"
#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {

/// One line of a list. A catalog knows kind, size and mtime of files, of others the kind only.
struct ListedFile {
    std::string path;
    FileKind kind = FileKind::file;
    std::optional<std::uint64_t> size;  ///< bytes; of files
    std::optional<FileTime> mtime;
    std::optional<std::uint32_t> mode;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::string target;  ///< of links, where it is known
};

[[nodiscard]] ListedFile listed(const PxarEntry& entry);

struct SizeRule {
    enum class Order : std::uint8_t { more, less, equal };
    Order order = Order::equal;
    std::uint64_t bytes = 0;
};

struct FindFilter {
    std::string name;                   ///< glob_match of the last component; "": any
    std::optional<PathSelection> path;  ///< matches the path itself, not only a folder above it
    std::vector<FileKind> kinds;        ///< none: any
    std::optional<std::int64_t> newer;  ///< changed after this second (since 1970, UTC)
    std::optional<std::int64_t> older;  ///< changed before it
    std::optional<SizeRule> size;
};

/// What is not known does not match what is asked of it.
[[nodiscard]] bool matches(const FindFilter& filter, const ListedFile& file);

/// "+10M" more than, "-4k" less than, "512" exactly so many bytes; k, M, G, T and P are powers of
/// 1024. Errors: invalid_argument.
[[nodiscard]] Result<SizeRule> parse_size_rule(std::string_view text);
/// Letters as `find -type` has them: f (hard links too), d, l, b, c, p, s; more than one with
/// commas. Errors: invalid_argument.
[[nodiscard]] Result<std::vector<FileKind>> parse_kinds(std::string_view text);
/// "2024-06-05", "2024-06-05T07:04" or "2024-06-05T07:04:24Z" (a space will do for the T), always
/// UTC; "@1717571064". Seconds since 1970. Errors: invalid_argument.
[[nodiscard]] Result<std::int64_t> parse_time(std::string_view text);

}  // namespace tapeloft::media
