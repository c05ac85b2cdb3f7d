// What is said of a bucket that no store can have.
#pragma once

#include <string>
#include <string_view>

namespace tapeloft {

/// rule: what its name is made of, "a-z 0-9 -". name: as it was found; may hold anything.
[[nodiscard]] std::string bad_bucket(std::string_view scheme, std::string_view rule,
                                     const std::string& name);

}  // namespace tapeloft
