// s3://BUCKET/PREFIX?option=value&...: what a URL says of an S3 store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"
#include "cloud/http/rate_timetable.h"
#include "cloud/s3/credentials.h"
#include "cloud/s3/s3_variant.h"
#include "cloud/store/store_url.h"

namespace tapeloft::s3 {

/// What goes with the objects whose names begin with `name_prefix`; of several the first that fits.
struct ObjectRule {
    std::string name_prefix;  ///< "packs/"; empty: all
    std::string value;
};

/// How archived objects are asked for, and for how long the copy stays.
struct RestoreRule {
    std::string tier = "Standard";  ///< "Expedited", "Standard", "Bulk"
    std::int64_t days = 7;          ///< 1 to 365
};

struct Settings {
    std::string bucket;
    std::string prefix;            ///< empty, or ends with "/": before every name
    std::string scheme = "https";  ///< or "http"
    std::string host;              ///< of the endpoint; with a port unless it is the scheme's own
    std::string region;            ///< of the signature, until the store names another
    bool virtual_host = false;     ///< BUCKET.host/key, not host/BUCKET/key
    const Variant* variant = nullptr;
    CredentialOptions credentials;
    std::string ca_file;              ///< empty: the system's authorities
    std::vector<ObjectRule> classes;  ///< value: x-amz-storage-class, "STANDARD_IA"
    RestoreRule restore;              ///< of objects in archive classes
    std::vector<ObjectRule> tags;     ///< value: x-amz-tagging, "kind=pack&pool=a"
    std::vector<ObjectRule> locks;    ///< value: "COMPLIANCE:30" or "GOVERNANCE:30", days
    std::string encryption;           ///< empty, "AES256" or "aws:kms"
    std::string encryption_key;       ///< of aws:kms; empty: the store's default
    bool sign_payload = true;         ///< false: UNSIGNED-PAYLOAD; only with https
    RateTimetable upload_rate_max;
    RateTimetable download_rate_max;
    std::size_t parallel = 8;                        ///< requests at once, 1 to 64
    std::size_t multipart_threshold = 128UL << 20U;  ///< bytes; larger bodies go in parts
    std::size_t part_size = 32UL << 20U;  ///< bytes, 5 MiB or more; all parts but the last
};

/// Options: endpoint, region, profile, credentials, style (path, virtual), variant, ca, class, tag,
/// lock (lists of [NAME-PREFIX:]VALUE, "," between them), sse, sse_key, payload (signed, unsigned),
/// upload_limit, download_limit (RateTimetable::parse()), parallel, restore (TIER:DAYS). Errors:
/// invalid_argument, which names the option, also for a NAME-PREFIX that no object's name begins
/// with; unsupported (the variant has no such thing).
[[nodiscard]] Result<Settings> settings_of(const StoreUrl& url);

/// s3://BUCKET/PREFIX?endpoint=...: what a person needs to know where it is.
[[nodiscard]] std::string display_url(const Settings& settings);

/// The value of the first rule that fits the name, or null.
[[nodiscard]] const std::string* value_for(const std::vector<ObjectRule>& rules,
                                           std::string_view name) noexcept;

/// "COMPLIANCE:30" taken apart.
struct LockRule {
    std::string mode;
    std::int64_t days = 0;
};
[[nodiscard]] std::optional<LockRule> parse_lock(std::string_view text);

}  // namespace tapeloft::s3
