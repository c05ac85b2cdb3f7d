#include "media/pbs/pxar/path_selection.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {
namespace {

struct SetMatch {
    bool matches = false;
    std::size_t length = 0;  ///< of the set in the pattern
};

/// pattern begins with '['. None: the set is not closed, so '[' stands for itself.
std::optional<SetMatch> match_set(std::string_view pattern, char byte) noexcept {
    const auto value = static_cast<unsigned char>(byte);
    std::size_t at = 1;
    const bool inverted = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
    at += inverted ? 1U : 0U;
    bool found = false;
    for (bool first = true; at < pattern.size(); first = false) {
        if (pattern[at] == ']' && !first) {
            return SetMatch{found != inverted, at + 1};
        }
        at += pattern[at] == '\\' && at + 1 < pattern.size() ? 1U : 0U;
        const auto low = static_cast<unsigned char>(pattern[at++]);
        auto high = low;
        if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
            high = static_cast<unsigned char>(pattern[at + 1]);
            at += 2;
        }
        found = found || (low <= value && value <= high);
    }
    return std::nullopt;
}

/// Bytes of the pattern that match this one byte; 0: they do not.
std::size_t match_one(std::string_view pattern, char byte) noexcept {
    if (pattern.empty()) {
        return 0;
    }
    if (pattern.front() == '?') {
        return 1;
    }
    if (pattern.front() == '[') {
        if (const auto set = match_set(pattern, byte)) {
            return set->matches ? set->length : 0;
        }
    }
    if (pattern.front() == '\\' && pattern.size() > 1) {
        return pattern[1] == byte ? 2 : 0;
    }
    return pattern.front() == byte ? 1 : 0;
}

constexpr std::string_view kAnyDepth = "**";

bool component_matches(const std::string& pattern, std::string_view name) {
    return pattern == name || (has_glob(pattern) && glob_match(pattern, name));
}

/// Components of a pattern that may come next, after some components of a path.
class Progress {
  public:
    explicit Progress(const std::vector<std::string>& components)
        : components_(components), live_(components.size() + 1) {
        add(live_, 0);
    }

    void advance(std::string_view name) {
        std::vector<bool> next(live_.size());
        for (std::size_t i = 0; i < components_.size(); ++i) {
            if (!live_[i]) {
                continue;
            }
            if (components_[i] == kAnyDepth) {
                add(next, i);
            } else if (component_matches(components_[i], name)) {
                add(next, i + 1);
            }
        }
        live_ = std::move(next);
    }

    [[nodiscard]] bool is_complete() const { return live_.back(); }
    [[nodiscard]] bool is_alive() const { return std::ranges::find(live_, true) != live_.end(); }

  private:
    void add(std::vector<bool>& states, std::size_t i) const {
        states[i] = true;
        for (; i < components_.size() && components_[i] == kAnyDepth; ++i) {
            states[i + 1] = true;
        }
    }

    const std::vector<std::string>& components_;
    std::vector<bool> live_;
};

}  // namespace

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
    std::size_t p = 0;
    std::size_t t = 0;
    // Where to go on when the text does not fit: only the last '*' has to take more.
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (const auto length = match_one(pattern.substr(p), text[t]); length != 0) {
            p += length;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool has_glob(std::string_view pattern) noexcept {
    return pattern.find_first_of("*?[\\") != std::string_view::npos;
}

Result<PathSelection> PathSelection::make(const std::vector<std::string>& patterns) {
    PathSelection selection;
    for (const auto& text : patterns) {
        Pattern pattern;
        pattern.text = text;
        auto rest = std::string_view(text);
        rest.remove_prefix(std::min(rest.find_first_not_of('/'), rest.size()));
        rest = rest.substr(0, rest.find_last_not_of('/') + 1);
        while (!rest.empty()) {
            const auto slash = std::min(rest.find('/'), rest.size());
            const auto component = rest.substr(0, slash);
            rest.remove_prefix(std::min(slash + 1, rest.size()));
            if (!is_safe_name(component)) {
                return Error{Errc::invalid_argument,
                             "\"" + text +
                                 "\": a path in an archive has no \".\", no \"..\" and "
                                 "no empty component"};
            }
            pattern.literal = pattern.literal && !has_glob(component);
            if (pattern.literal) {
                pattern.prefix = join_path(std::move(pattern.prefix), component);
            }
            pattern.components.emplace_back(component);
        }
        selection.patterns_.push_back(std::move(pattern));
    }
    return selection;
}

PathSelection::Match PathSelection::match(std::string_view path, std::vector<bool>* hits) const {
    Match match;
    match.selected = match.below = is_everything();
    for (std::size_t i = 0; i < patterns_.size(); ++i) {
        Progress progress(patterns_[i].components);
        bool selected = progress.is_complete();
        for (auto rest = path; !rest.empty() && progress.is_alive();) {
            const auto slash = std::min(rest.find('/'), rest.size());
            progress.advance(rest.substr(0, slash));
            rest.remove_prefix(std::min(slash + 1, rest.size()));
            selected = selected || progress.is_complete();
        }
        if (hits != nullptr && progress.is_complete()) {
            (*hits)[i] = true;
        }
        match.selected = match.selected || selected;
        match.below = match.below || selected || progress.is_alive();
    }
    return match;
}

}  // namespace tapeloft::media
