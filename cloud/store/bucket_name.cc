#include "cloud/store/bucket_name.h"

#include "cloud/base/printable.h"

namespace tapeloft {

std::string bad_bucket(std::string_view scheme, std::string_view rule, const std::string& name) {
    constexpr std::size_t kShown = 80;  ///< bytes
    const auto found =
        name.empty() ? std::string("there is none") : "found \"" + printable(name, kShown) + "\"";
    std::string text = "the bucket stands behind ";
    text.append(scheme).append("://, as in ").append(scheme).append("://bucket/prefix, and its ");
    return text.append("name is 3 to 63 of ").append(rule).append("; ").append(found);
}

}  // namespace tapeloft
