// sia://BUCKET/PREFIX?option=value&...: what a URL says of a bucket of renterd.
#pragma once

#include <cstddef>
#include <string>

#include "cloud/base/result.h"
#include "cloud/http/rate_timetable.h"
#include "cloud/store/store_url.h"

namespace tapeloft::sia {

struct Settings {
    std::string bucket;
    std::string prefix;                              ///< empty, or ends with "/": before every name
    std::string endpoint = "http://localhost:9980";  ///< without a path and "/"
    std::string password_file;                       ///< empty: RENTERD_API_PASSWORD
    std::string ca_file;                             ///< empty: the system's authorities
    RateTimetable upload_rate_max;
    RateTimetable download_rate_max;
    std::size_t parallel = 8;  ///< requests at once, 1 to 64
};

/// Options: endpoint, password_file, ca, upload_limit, download_limit (RateTimetable::parse()),
/// parallel. Errors: invalid_argument, which names the option.
[[nodiscard]] Result<Settings> settings_of(const StoreUrl& url);

/// sia://BUCKET/PREFIX?endpoint=...: what a person needs to know where it is.
[[nodiscard]] std::string display_url(const Settings& settings);

}  // namespace tapeloft::sia
