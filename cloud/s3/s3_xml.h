// The XML of S3, read and written. Bodies are bounded by the request that fetched them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"
#include "cloud/s3/s3_errors.h"

namespace tapeloft::s3 {

struct ListedKey {
    std::string key;  ///< whole and decoded
    std::uint64_t size = 0;
};

/// ListBucketResult with encoding-type=url.
struct ListedKeys {
    std::vector<ListedKey> keys;  ///< in the order of the answer
    bool truncated = false;
};

struct ListedUpload {
    std::string key;
    std::string id;
    std::int64_t begun_unix_s = 0;
};

/// Where the next page of uploads begins.
struct UploadMarker {
    std::string key;
    std::string id;

    friend bool operator==(const UploadMarker&, const UploadMarker&) = default;
};

/// ListMultipartUploadsResult.
struct ListedUploads {
    std::vector<ListedUpload> uploads;  ///< those that say when they were begun
    std::optional<UploadMarker> next;   ///< unset: it is the last page
};

/// Errors of all: transient (no XML, or not what was asked for).
[[nodiscard]] Result<ListedKeys> parse_list(ByteView xml);
[[nodiscard]] Result<ListedUploads> parse_uploads(ByteView xml);
/// UploadId of InitiateMultipartUploadResult.
[[nodiscard]] Result<std::string> parse_upload_id(ByteView xml);
/// CompleteMultipartUpload answers 200 before it knows: the body may be an error.
[[nodiscard]] Result<void> parse_completed(ByteView xml, std::string_view what);
/// Whether a ListVersionsResult has a version, not a delete marker, of the key.
[[nodiscard]] Result<bool> parse_has_version(ByteView xml, std::string_view key);
/// Whether a bucket's ObjectLockConfiguration says Enabled; false for any other document.
[[nodiscard]] bool parse_lock_enabled(ByteView xml);
/// Code, message and region of an Error; all empty where it is none.
[[nodiscard]] Refusal parse_error(ByteView xml);

/// DeleteObjects answers 200 whatever became of the keys: the error of the first that is still
/// there.
[[nodiscard]] Result<void> parse_deleted(ByteView xml);

/// Of a POST ?delete that is told of errors only.
[[nodiscard]] std::string delete_body(const std::vector<std::string>& keys);
/// Of a PUT ?retention.
[[nodiscard]] std::string retention_body(const std::string& mode, std::int64_t until_unix_s);
/// etags: of part 1, 2, ...
[[nodiscard]] std::string complete_body(const std::vector<std::string>& etags);

}  // namespace tapeloft::s3
