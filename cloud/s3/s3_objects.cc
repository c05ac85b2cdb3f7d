#include "cloud/s3/s3_objects.h"

#include "cloud/base/timestamps.h"

namespace tapeloft::s3 {
namespace {

constexpr auto kLockMode = "x-amz-object-lock-mode";
constexpr auto kRetainUntil = "x-amz-object-lock-retain-until-date";

}  // namespace

std::vector<HttpHeader> headers_of_new(const Settings& settings, std::string_view name,
                                       std::int64_t now_unix_s) {
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
    if (const auto retention = retention_of_new(settings, name, now_unix_s)) {
        headers.push_back({kLockMode, retention->mode});
        headers.push_back({kRetainUntil, iso_time(retention->until_unix_s)});
    }
    return headers;
}

std::optional<Retention> retention_of_new(const Settings& settings, std::string_view name,
                                          std::int64_t now_unix_s) {
    constexpr std::int64_t kDay_s = 86400;
    const auto* const text = value_for(settings.locks, name);
    if (text == nullptr) {
        return std::nullopt;
    }
    const auto lock = parse_lock(*text);
    TL_ASSERT(lock.has_value());
    return Retention{lock->mode, now_unix_s + lock->days * kDay_s};
}

bool is_retained(const HttpResponse& head, const Retention& wanted) {
    const auto mode = head.header(kLockMode).value_or("");
    const auto date = head.header(kRetainUntil);
    const auto until = date ? parse_iso_time(*date) : std::nullopt;
    return (mode == wanted.mode || mode == "COMPLIANCE") && until && *until >= wanted.until_unix_s;
}

}  // namespace tapeloft::s3
