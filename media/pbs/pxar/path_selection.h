// Which paths of an archive are wanted. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft::media {

/// Shell patterns over bytes: '*' any number, '?' one, "[a-z]" and "[!a-z]" one of a set, '\' takes
/// the next as it is. A '/' is nothing special here. Time: product of both lengths at most.
[[nodiscard]] bool glob_match(std::string_view pattern, std::string_view text) noexcept;
/// One of *, ?, [ and \ is in it.
[[nodiscard]] bool has_glob(std::string_view pattern) noexcept;

/// Patterns of paths from the root of an archive; a leading or trailing '/' does not matter. Each
/// component matches a name that is equal to it, or that it matches as a glob ('*' does not cross a
/// '/'); the component "**" matches any number of directories, none too. What is in a directory
/// that matches is wanted as well. No pattern at all: everything is wanted.
class PathSelection {
  public:
    PathSelection() = default;
    /// Errors: invalid_argument ("." or ".." or an empty component, NUL).
    static Result<PathSelection> make(const std::vector<std::string>& patterns);

    struct Match {
        bool selected = false;
        bool below = false;  ///< something in it may be selected
    };
    /// path: as PxarEntry::path. hits: one for each pattern; those that match the path itself are
    /// set.
    [[nodiscard]] Match match(std::string_view path, std::vector<bool>* hits = nullptr) const;

    [[nodiscard]] bool is_everything() const noexcept { return patterns_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return patterns_.size(); }
    [[nodiscard]] const std::string& text(std::size_t index) const { return patterns_[index].text; }
    /// The components before the first with a glob, as a path.
    [[nodiscard]] const std::string& prefix(std::size_t index) const {
        return patterns_[index].prefix;
    }
    /// It has no glob: the prefix is all of it.
    [[nodiscard]] bool is_literal(std::size_t index) const { return patterns_[index].literal; }

  private:
    struct Pattern {
        std::string text;
        std::string prefix;
        bool literal = true;
        std::vector<std::string> components;
    };

    std::vector<Pattern> patterns_;
};

}  // namespace tapeloft::media
