#include "cloud/s3/s3_objects.h"

#include "cloud/base/timestamps.h"

namespace tapeloft::s3 {

std::vector<HttpHeader> headers_of_new(const Settings& settings, std::string_view name,
                                       std::int64_t now_unix_s) {
    constexpr std::int64_t kDay_s = 86400;
    std::vector<HttpHeader> headers;
    if (const auto* storage_class = value_for(settings.classes, name)) {
        headers.push_back({"x-amz-storage-class", *storage_class});
    }
    if (const auto* tags = value_for(settings.tags, name)) {
        headers.push_back({"x-amz-tagging", *tags});
    }
    if (!settings.encryption.empty()) {
        headers.push_back({"x-amz-server-side-encryption", settings.encryption});
    }
    if (!settings.encryption_key.empty()) {
        headers.push_back({"x-amz-server-side-encryption-aws-kms-key-id", settings.encryption_key});
    }
    if (const auto* text = value_for(settings.locks, name)) {
        const auto lock = parse_lock(*text);
        TL_ASSERT(lock.has_value());
        headers.push_back({"x-amz-object-lock-mode", lock->mode});
        headers.push_back(
            {"x-amz-object-lock-retain-until-date", iso_time(now_unix_s + lock->days * kDay_s)});
    }
    return headers;
}

}  // namespace tapeloft::s3
