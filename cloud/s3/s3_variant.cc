#include "cloud/s3/s3_variant.h"

#include <algorithm>
#include <array>

namespace tapeloft::s3 {
namespace {

// clang-format off
constexpr auto kVariants = std::to_array<Variant>({
    // name       host_suffix                 region       v.host atomic sha256 class  tags   lock   sse
    {"generic",  "",                         "us-east-1", false, true,  false, true,  true,  true,  true},
    {"aws",      ".amazonaws.com",           "us-east-1", true,  true,  true,  true,  true,  true,  true},
    {"rgw",      "",                         "us-east-1", false, true,  true,  true,  true,  true,  true},
    {"swift",    "",                         "us-east-1", false, false, true,  false, false, false, false},
    {"r2",       ".r2.cloudflarestorage.com", "auto",     false, true,  false, true,  false, false, false},
    {"b2",       ".backblazeb2.com",         "us-west-004", false, false, false, false, false, true, true},
    {"wasabi",   ".wasabisys.com",           "us-east-1", false, true,  false, false, true,  true,  true},
    {"minio",    "",                         "us-east-1", false, true,  true,  true,  true,  true,  true},
    {"garage",   "",                         "garage",    false, false, false, false, false, false, false},
    {"s3d",      "",                         "us-east-1", false, true,  true,  false, false, false, false},
});
// clang-format on

}  // namespace

std::span<const Variant> variants() noexcept {
    return kVariants;
}

const Variant* variant_of_name(std::string_view name) noexcept {
    const auto* row = std::find_if(kVariants.begin(), kVariants.end(),
                                   [&](const Variant& v) { return v.name == name; });
    return row == kVariants.end() ? nullptr : row;
}

const Variant& variant_of_host(std::string_view host) noexcept {
    const auto* row = std::find_if(kVariants.begin(), kVariants.end(), [&](const Variant& v) {
        return !v.host_suffix.empty() && host.ends_with(v.host_suffix);
    });
    return row == kVariants.end() ? kVariants.front() : *row;
}

}  // namespace tapeloft::s3
