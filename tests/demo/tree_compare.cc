#include "tests/demo/tree_compare.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace tapeloft::tests {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& directory) {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) {
        names.insert(entry.path().filename().string());
    }
    return names;
}

Error difference(const fs::path& where, const std::string& what) {
    return {Errc::corrupt, where.string() + ": " + what};
}

Result<std::uint64_t> compare_files(const fs::path& left, const fs::path& right) {
    constexpr std::size_t kChunk = 1U << 16U;  // more would be fresh memory for each file
    std::ifstream left_stream(left, std::ios::binary);
    std::ifstream right_stream(right, std::ios::binary);
    std::vector<char> left_bytes(kChunk);
    std::vector<char> right_bytes(kChunk);
    std::uint64_t total = 0;
    while (left_stream || right_stream) {
        left_stream.read(left_bytes.data(), kChunk);
        right_stream.read(right_bytes.data(), kChunk);
        const auto size = left_stream.gcount();
        if (size != right_stream.gcount() ||
            !std::equal(left_bytes.begin(), left_bytes.begin() + size, right_bytes.begin())) {
            return difference(left, "contents differ");
        }
        total += static_cast<std::uint64_t>(size);
    }
    return total;
}

Result<void> compare_entry(const fs::path& left, const fs::path& right, TreeSummary& summary);

Result<void> compare_directories(const fs::path& left, const fs::path& right,
                                 TreeSummary& summary) {
    const auto names = names_in(left);
    if (names != names_in(right)) {
        return difference(left, "the two folders do not hold the same names");
    }
    for (const auto& name : names) {
        TL_CHECK(compare_entry(left / name, right / name, summary));
    }
    return {};
}

Result<void> compare_entry(const fs::path& left, const fs::path& right, TreeSummary& summary) {
    const auto left_status = fs::symlink_status(left);
    const auto right_status = fs::symlink_status(right);
    if (left_status.type() != right_status.type() ||
        (left_status.permissions() != right_status.permissions() && !fs::is_symlink(left_status))) {
        return difference(left, "type or permissions differ");
    }
    if (fs::is_regular_file(left_status)) {
        TL_TRY(const auto bytes, compare_files(left, right));
        ++summary.files;
        summary.bytes += bytes;
        return {};
    }
    ++summary.others;
    if (fs::is_symlink(left_status) && fs::read_symlink(left) != fs::read_symlink(right)) {
        return difference(left, "symbolic link targets differ");
    }
    if (fs::is_directory(left_status)) {
        return compare_directories(left, right, summary);
    }
    return {};
}

}  // namespace

Result<TreeSummary> compare_trees(const fs::path& left, const fs::path& right) {
    TreeSummary summary;
    TL_CHECK(compare_directories(left, right, summary));
    return summary;
}

}  // namespace tapeloft::tests
