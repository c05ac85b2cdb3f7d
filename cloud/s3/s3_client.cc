#include "cloud/s3/s3_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "cloud/base/base64.h"
#include "cloud/base/digest.h"
#include "cloud/base/hex.h"
#include "cloud/base/timestamps.h"

namespace tapeloft::s3 {
namespace {

constexpr std::size_t kDigestInline = 64UL * 1024;  ///< bytes; more is done elsewhere
constexpr unsigned kMendsMax = 3;                   ///< region, clock and keys, each once
constexpr std::int64_t kSkewIgnored_s = 60;

Bytes md5_of(ByteView bytes) {
    const std::array parts = {bytes};
    return digest(DigestAlgorithm::md5, parts);
}

/// Of an object that the store encrypts by KMS, asked for or because the bucket says so, the ETag
/// looks like an MD5 and is none.
bool is_md5(std::string_view etag, const HttpResponse& response) {
    const auto encryption = response.header("x-amz-server-side-encryption").value_or("");
    return etag.size() == 32 && etag.find_first_not_of("0123456789abcdefABCDEF") == etag.npos &&
           !encryption.starts_with("aws:kms");
}

/// Keys that the store does not take any more; the file may hold newer ones, or all of what was
/// half written when it was read.
bool is_about_keys(std::string_view code) {
    constexpr auto kCodes =
        std::to_array<std::string_view>({"ExpiredToken", "InvalidToken", "TokenRefreshRequired",
                                         "InvalidAccessKeyId", "SignatureDoesNotMatch"});
    return std::find(kCodes.begin(), kCodes.end(), code) != kCodes.end();
}

}  // namespace

UnixClock system_unix_clock() {
    return [] {
        const auto now = std::chrono::system_clock::now().time_since_epoch();
        return static_cast<std::int64_t>(
            std::chrono::duration_cast<std::chrono::seconds>(now).count());
    };
}

std::string etag_of(const HttpResponse& response) {
    auto etag = std::string(response.header("etag").value_or(""));
    std::erase(etag, '"');
    return etag;
}

Client::Client(Settings settings, HttpEngine& engine, Environment environment, StoreContext context,
               UnixClock clock)
    : settings_(std::move(settings)),
      engine_(engine),
      source_(settings_.credentials, std::move(environment)),
      context_(std::move(context)),
      clock_(std::move(clock)),
      place_{settings_.host, settings_.region} {}

std::optional<std::int64_t> Client::clock_ahead_s() const noexcept {
    const auto ahead = ahead_s_.load();
    return ahead == kUnknown ? std::nullopt : std::optional(ahead);
}

Client::Place Client::place() const {
    const std::lock_guard lock(mutex_);
    return place_;
}

Awaitable<Result<HttpResponse>> Client::send(Call call) {
    if (call.with_md5 && !has_digest(DigestAlgorithm::md5)) {
        co_return Error{Errc::unsupported,
                        call.method + " " + call.key +
                            ": Content-MD5 has to go with it, and the OpenSSL of this machine has "
                            "no MD5 (it keeps to FIPS 140)"};
    }
    const auto payload = co_await digest_payload(call);
    for (unsigned mends = 0;; ++mends) {
        TL_CO_TRY(const auto keys, co_await credentials());
        auto request = signed_request(call, payload, keys);
        TL_CO_TRY(auto response, co_await engine_.send(std::move(request)));
        note_clock(response);
        if (is_success(response)) {
            const auto etag = etag_of(response);
            if (call.with_md5 && is_md5(etag, response) && settings_.encryption != "aws:kms" &&
                etag != to_hex(payload.md5)) {
                co_return Error{Errc::corrupt, call.method + " " + call.key +
                                                   ": the store's ETag is that of another body"};
            }
            co_return response;
        }
        if (mends >= kMendsMax || !co_await mend(refusal_of(response), keys)) {
            co_return response;
        }
    }
}

Awaitable<Result<HttpResponse>> Client::send_for_success(Call call, std::string what) {
    TL_CO_TRY(auto response, co_await send(std::move(call)));
    if (!is_success(response)) {
        co_return error_of(refusal_of(response), what);
    }
    co_return response;
}

Awaitable<Result<Credentials>> Client::credentials() {
    const auto now = clock_();
    if (auto known = source_.known(now)) {
        co_return *std::move(known);
    }
    auto disk = context_.disk;
    auto job = [this, now] { return source_.read(now); };
    co_return co_await run_on(std::move(disk), std::move(job));
}

Awaitable<Client::Payload> Client::digest_payload(const Call& call) {
    auto job = [body = call.body, with_md5 = call.with_md5, known = call.sha256,
                sign = settings_.sign_payload] {
        Payload payload;
        payload.sha256 = !sign   ? std::string(kUnsignedPayload)
                         : known ? to_hex(*known)
                                 : sha256_hex(body.view());
        payload.md5 = with_md5 ? md5_of(body.view()) : Bytes();
        return payload;
    };
    const bool hashes = call.with_md5 || (settings_.sign_payload && !call.sha256);
    if (!hashes || call.body.size() <= kDigestInline) {
        co_return job();
    }
    auto cpu = context_.cpu;
    co_return co_await run_on(std::move(cpu), std::move(job));
}

HttpRequest Client::signed_request(const Call& call, const Payload& payload,
                                   const Credentials& keys) const {
    const auto [endpoint, region] = place();
    const auto host = settings_.virtual_host ? settings_.bucket + "." + endpoint : endpoint;
    RequestToSign plain;
    plain.method = call.method;
    plain.path =
        encoded_path((settings_.virtual_host ? "/" : "/" + settings_.bucket + "/") + call.key);
    plain.query = canonical_query(call.query);
    plain.payload_hash = payload.sha256;
    plain.headers = call.headers;
    const SigningScope scope{amz_date(clock_() + signed_ahead_s_), region};
    plain.headers.push_back({"x-amz-date", scope.date});
    plain.headers.push_back({"x-amz-content-sha256", payload.sha256});
    if (!keys.session_token.empty()) {
        plain.headers.push_back({"x-amz-security-token", keys.session_token});
    }
    if (!payload.md5.empty()) {
        plain.headers.push_back({"content-md5", to_base64(payload.md5)});
    }
    HttpRequest request;
    request.headers = plain.headers;
    plain.headers.push_back({"host", host});  // which libcurl sends, from the URL
    request.headers.push_back({"authorization", authorization(plain, scope, keys)});
    request.method = call.method;
    request.url = settings_.scheme + "://" + host + plain.path +
                  (plain.query.empty() ? "" : "?" + plain.query);
    request.body = call.body;
    request.response_max = call.response_max;
    return request;
}

void Client::note_clock(const HttpResponse& response) {
    if (const auto date = response.header("date")) {
        if (const auto time = parse_http_time(*date)) {
            ahead_s_ = *time - clock_();
        }
    }
}

Awaitable<bool> Client::mend(const Refusal& refusal, const Credentials& used) {
    if (refusal.code == "RequestTimeTooSkewed") {
        co_return mend_clock();
    }
    if (is_about_keys(refusal.code)) {
        co_return co_await mend_keys(used);
    }
    if (refusal.code.empty() && (refusal.status == 400 || refusal.status == 403) &&
        refusal.region.empty()) {  // an answer to HEAD does not say why
        co_return mend_clock() || co_await mend_keys(used);
    }
    const bool about_region =
        refusal.status == 301 || refusal.status == 307 || refusal.status == 400;
    co_return about_region && !refusal.region.empty() && mend_place(refusal.region);
}

bool Client::mend_place(const std::string& region) {
    const std::lock_guard lock(mutex_);
    if (region == place_.region) {
        return false;
    }
    // At AWS the region is a part of the endpoint too.
    if (place_.host == "s3." + place_.region + ".amazonaws.com") {
        place_.host = "s3." + region + ".amazonaws.com";
    }
    place_.region = region;
    return true;
}

bool Client::mend_clock() {
    const auto ahead = ahead_s_.load();
    if (ahead == kUnknown || std::abs(ahead - signed_ahead_s_) < kSkewIgnored_s) {
        return false;
    }
    signed_ahead_s_ = ahead;
    return true;
}

Awaitable<bool> Client::mend_keys(const Credentials& used) {
    auto disk = context_.disk;
    auto job = [this, now = clock_()] { return source_.read(now); };
    const auto newer = co_await run_on(std::move(disk), std::move(job));
    co_return newer && !(*newer == used);
}

}  // namespace tapeloft::s3
