// The path and the query of a request target (RFC 9110, 7.1; RFC 3986, 3.3 and 3.4).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/result.h"

namespace tapeloft::vtl::daemon {

struct RestTarget {
    std::vector<std::string> segments;  ///< of the path, percent-decoded: {"v1", "events"}
    std::vector<std::pair<std::string, std::string>> query;  ///< percent-decoded

    [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
};

/// Errors: invalid_argument (no absolute path, bad percent-encoding, a parameter twice).
[[nodiscard]] Result<RestTarget> parse_rest_target(std::string_view target);

}  // namespace tapeloft::vtl::daemon
