// AWS Signature Version 4 for requests whose body is known: pure functions, no clock, no network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/http/http_message.h"
#include "cloud/s3/credentials.h"

namespace tapeloft::s3 {

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

/// The word in place of a body's hash; only over TLS.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// All but A-Z a-z 0-9 - . _ ~ as %XX in capitals; "/" stays where it separates the parts of a
/// path.
[[nodiscard]] std::string encoded(std::string_view text);
[[nodiscard]] std::string encoded_path(std::string_view path);

/// name=value&..., encoded and in the byte order of the encoded names; "=" also without a value.
[[nodiscard]] std::string canonical_query(const QueryPairs& pairs);

[[nodiscard]] std::string sha256_hex(ByteView bytes);

/// "20130524T000000Z".
[[nodiscard]] std::string amz_date(std::int64_t unix_s);

struct RequestToSign {
    std::string method;
    std::string path;   ///< encoded, as it is sent
    std::string query;  ///< canonical_query(), as it is sent
    /// Those that are signed: host, x-amz-date, every other x-amz-*; in any order. Names in lower
    /// case.
    std::vector<HttpHeader> headers;
    std::string payload_hash;  ///< of x-amz-content-sha256
};

struct SigningScope {
    std::string date;  ///< amz_date(), the same as in x-amz-date
    std::string region;
    std::string service = "s3";
};

/// What is hashed to be signed; SignatureDoesNotMatch answers of AWS repeat the server's one.
[[nodiscard]] std::string canonical_request(const RequestToSign& request);

/// The value of the header Authorization.
[[nodiscard]] std::string authorization(const RequestToSign& request, const SigningScope& scope,
                                        const Credentials& credentials);

}  // namespace tapeloft::s3
