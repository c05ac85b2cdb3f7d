#include "cloud/s3/sigv4.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"
#include "cloud/base/percent.h"

namespace tapeloft::s3 {
namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";

Bytes hmac_sha256(ByteView key, std::string_view text) {
    Bytes mac(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    const auto bytes = as_bytes(text);
    TL_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes.data(),
                   bytes.size(), mac.data(), &size) != nullptr);
    mac.resize(size);
    return mac;
}

/// Blanks at the ends go, runs of blanks become one.
std::string folded(std::string_view value) {
    std::string result;
    for (const char c : value) {
        const bool blank = c == ' ' || c == '\t';
        if (!blank) {
            result += c;
        } else if (!result.empty() && result.back() != ' ') {
            result += ' ';
        }
    }
    if (!result.empty() && result.back() == ' ') {
        result.pop_back();
    }
    return result;
}

/// By name alone: "x-amz-meta-a" before "x-amz-meta-a-b", whatever stands behind the colon.
std::vector<HttpHeader> sorted(std::vector<HttpHeader> headers) {
    std::stable_sort(headers.begin(), headers.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
    return headers;
}

std::string signed_names(const std::vector<HttpHeader>& headers) {
    std::string names;
    for (const auto& header : sorted(headers)) {
        names += (names.empty() ? "" : ";") + header.name;
    }
    return names;
}

std::string credential_scope(const SigningScope& scope) {
    return scope.date.substr(0, 8) + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

}  // namespace

std::string encoded(std::string_view text) {
    return percent_encoded(text);
}

std::string encoded_path(std::string_view path) {
    return percent_encoded(path, "/");
}

std::string canonical_query(const QueryPairs& pairs) {
    QueryPairs rows;
    for (const auto& [name, value] : pairs) {
        rows.emplace_back(encoded(name), encoded(value));
    }
    std::sort(rows.begin(), rows.end());
    std::string query;
    for (const auto& [name, value] : rows) {
        query += (query.empty() ? "" : "&") + name + "=" + value;
    }
    return query;
}

std::string sha256_hex(ByteView bytes) {
    const std::array parts = {bytes};
    return to_hex(digest(DigestAlgorithm::sha256, parts));
}

std::string amz_date(std::int64_t unix_s) {
    const auto time = static_cast<std::time_t>(unix_s);
    std::tm utc{};
    TL_ASSERT(gmtime_r(&time, &utc) != nullptr);
    std::array<char, 32> text{};
    const auto size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc);
    return {text.data(), size};
}

std::string canonical_request(const RequestToSign& request) {
    auto text = request.method + "\n" + request.path + "\n" + request.query + "\n";
    for (const auto& header : sorted(request.headers)) {
        text += header.name + ":" + folded(header.value) + "\n";
    }
    return text + "\n" + signed_names(request.headers) + "\n" + request.payload_hash;
}

std::string authorization(const RequestToSign& request, const SigningScope& scope,
                          const Credentials& credentials) {
    const auto covered = credential_scope(scope);
    const auto string_to_sign = std::string(kAlgorithm) + "\n" + scope.date + "\n" + covered +
                                "\n" + sha256_hex(as_bytes(canonical_request(request)));
    auto key =
        hmac_sha256(as_bytes("AWS4" + credentials.secret_access_key), scope.date.substr(0, 8));
    key = hmac_sha256(key, scope.region);
    key = hmac_sha256(key, scope.service);
    key = hmac_sha256(key, "aws4_request");
    return std::string(kAlgorithm) + " Credential=" + credentials.access_key_id + "/" + covered +
           ", SignedHeaders=" + signed_names(request.headers) +
           ", Signature=" + to_hex(hmac_sha256(key, string_to_sign));
}

}  // namespace tapeloft::s3
