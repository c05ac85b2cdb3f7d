// How the well-known stores that speak S3 differ, as rows.
#pragma once

#include <span>
#include <string_view>

namespace tapeloft::s3 {

struct Variant {
    std::string_view name;         ///< of the option "variant"
    std::string_view host_suffix;  ///< of its endpoints, by which it is recognised; empty: none
    std::string_view region;       ///< where neither the URL nor the host names one
    bool virtual_host = false;     ///< the bucket is part of the host unless the URL says otherwise
    /// A condition that is answered 412 also holds among writers at once.
    bool atomic_conditions = false;
    /// Compares x-amz-content-sha256 with the body; where not, Content-MD5 is sent as well.
    bool checks_sha256 = false;
    bool storage_classes = false;
    bool tags = false;
    bool object_lock = false;
    bool encryption = false;  ///< x-amz-server-side-encryption
};

/// The first one is for a store that is none of the others: it may have everything.
[[nodiscard]] std::span<const Variant> variants() noexcept;

/// Null: no such name.
[[nodiscard]] const Variant* variant_of_name(std::string_view name) noexcept;
[[nodiscard]] const Variant& variant_of_host(std::string_view host) noexcept;

}  // namespace tapeloft::s3
