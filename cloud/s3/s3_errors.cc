#include "cloud/s3/s3_errors.h"

#include <algorithm>
#include <array>

#include "cloud/base/printable.h"
#include "cloud/http/retry_after.h"
#include "cloud/s3/s3_xml.h"

namespace tapeloft::s3 {
namespace {

struct CodeRow {
    std::string_view code;
    Errc errc;
    std::string_view advice;  ///< what a person can do; may be empty
};

// A bucket that is not there is no missing object: an empty list would be believed.
// clang-format off
constexpr auto kCodes = std::to_array<CodeRow>({
    {"AccessDenied",                 Errc::denied,       "the keys may not do this, or the object is locked"},
    {"AccountProblem",               Errc::denied,       ""},
    {"AllAccessDisabled",            Errc::denied,       ""},
    {"AuthorizationHeaderMalformed", Errc::denied,       "is the region right?"},
    {"BadDigest",                    Errc::transient,    "the body was damaged on its way"},
    {"ConditionalRequestConflict",   Errc::transient,    ""},
    {"EntityTooLarge",               Errc::invalid_argument, ""},
    {"ExpiredToken",                 Errc::denied,       "the session token has ended"},
    {"GlacierExpeditedRetrievalNotAvailable", Errc::throttled, "expedited restores are not available just now"},
    {"IncompleteBody",               Errc::transient,    ""},
    {"InternalError",                Errc::transient,    ""},
    {"InvalidAccessKeyId",           Errc::denied,       "the store does not know this access key"},
    {"InvalidBucketName",            Errc::invalid_argument, ""},
    {"InvalidObjectState",           Errc::busy,         "the object is archived and must be restored first"},
    {"InvalidRange",                 Errc::invalid_argument, ""},
    {"InvalidToken",                 Errc::denied,       ""},
    {"KeyTooLongError",              Errc::invalid_argument, ""},
    {"NoSuchBucket",                 Errc::io,           "there is no such bucket"},
    {"NoSuchKey",                    Errc::not_found,    ""},
    {"NoSuchUpload",                 Errc::transient,    ""},
    {"NotImplemented",               Errc::unsupported,  ""},
    {"OperationAborted",             Errc::transient,    ""},
    {"PreconditionFailed",           Errc::precondition, ""},
    {"QuotaExceeded",                Errc::no_space,     "the quota at the store is used up"},
    {"RequestLimitExceeded",         Errc::throttled,    ""},
    {"RequestTimeTooSkewed",         Errc::denied,       "the clock of this machine is wrong"},
    {"RequestTimeout",               Errc::transient,    ""},
    {"ServiceUnavailable",           Errc::throttled,    ""},
    {"RestoreAlreadyInProgress",     Errc::busy,         ""},
    {"SignatureDoesNotMatch",        Errc::denied,       "is the secret key right?"},
    {"SlowDown",                     Errc::throttled,    ""},
    {"Throttling",                   Errc::throttled,    ""},
    {"TokenRefreshRequired",         Errc::denied,       "the session token must be renewed"},
    {"TooManyRequests",              Errc::throttled,    ""},
    {"UserSuspended",                Errc::denied,       "the user is suspended at the store"},
    {"XAmzContentSHA256Mismatch",    Errc::transient,    "the body was damaged on its way"},
    {"XMinioStorageFull",            Errc::no_space,     "the store is full"},
});

/// An answer without a code: to HEAD, or of something in front of the store (a proxy, a portal, a
/// load balancer without a store behind it). Such a 404 is no word about an object.
struct StatusRow {
    int least;
    int most;
    Errc errc;
};
constexpr auto kStatuses = std::to_array<StatusRow>({
    {300, 399, Errc::io},            // another region, not named
    {401, 401, Errc::denied},
    {403, 403, Errc::denied},
    {404, 404, Errc::transient},
    {408, 408, Errc::transient},
    {409, 409, Errc::transient},
    {412, 412, Errc::precondition},
    {416, 416, Errc::invalid_argument},
    {429, 429, Errc::throttled},
    {400, 499, Errc::io},
    {501, 501, Errc::unsupported},
    {503, 503, Errc::throttled},
    {507, 507, Errc::no_space},
    {500, 599, Errc::transient},
});
// clang-format on

constexpr std::size_t kShown = 200;  ///< bytes of what a store says

}  // namespace

Refusal refusal_of(const HttpResponse& response) {
    auto refusal = parse_error(response.body.view());
    refusal.status = response.status;
    refusal.retry_after = retry_after(response);
    if (const auto id = response.header("x-amz-request-id")) {
        refusal.request_id = *id;
    }
    if (const auto region = response.header("x-amz-bucket-region");
        region && refusal.region.empty()) {
        refusal.region = *region;
    }
    return refusal;
}

Error error_of(const Refusal& refusal, std::string_view what) {
    const auto* by_code = std::find_if(
        kCodes.begin(), kCodes.end(), [&](const CodeRow& row) { return row.code == refusal.code; });
    const auto* by_status =
        std::find_if(kStatuses.begin(), kStatuses.end(), [&](const StatusRow& row) {
            return row.least <= refusal.status && refusal.status <= row.most;
        });
    Error error{Errc::transient,
                std::string(what) + ": the store answers " + std::to_string(refusal.status),
                refusal.retry_after};
    if (!refusal.code.empty()) {
        error.message += " " + printable(refusal.code, kShown);
    }
    if (by_code != kCodes.end()) {
        error.code = by_code->errc;
        error.message += by_code->advice.empty() ? "" : ", " + std::string(by_code->advice);
    } else if (by_status != kStatuses.end()) {
        error.code = by_status->errc;
    }
    if (refusal.code.empty() && refusal.status >= 400 && refusal.status < 500) {
        error.message += ", and does not say why as an S3 store would: is the endpoint right?";
    }
    if (!refusal.message.empty()) {
        error.message += " (" + printable(refusal.message, kShown) + ")";
    }
    if (!refusal.request_id.empty()) {
        error.message += " [request " + printable(refusal.request_id, kShown) + "]";
    }
    return error;
}

}  // namespace tapeloft::s3
