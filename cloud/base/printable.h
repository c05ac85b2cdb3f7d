// What somebody else wrote, fit for a log line.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace tapeloft {

/// At most `shown` bytes ("..." where there are more), "?" for all but printable ASCII.
[[nodiscard]] inline std::string printable(std::string_view text, std::size_t shown) {
    std::string out(text.substr(0, shown));
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
    return text.size() > shown ? out + "..." : out;
}

}  // namespace tapeloft
