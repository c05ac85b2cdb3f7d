// Signed requests to one bucket. Names, conditions and capabilities are the store's business.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/sha256.h"
#include "cloud/http/http_engine.h"
#include "cloud/s3/credentials.h"
#include "cloud/s3/s3_errors.h"
#include "cloud/s3/s3_settings.h"
#include "cloud/s3/sigv4.h"
#include "cloud/store/store_context.h"

namespace tapeloft::s3 {

struct Call {
    std::string method;
    std::string key = {};  ///< whole; empty: the bucket itself
    QueryPairs query = {};
    std::vector<HttpHeader> headers = {};  ///< all of them are signed
    Buffer body = {};
    std::optional<Sha256Digest> sha256 = {};  ///< of the body, where it is known
    /// Content-MD5 goes along, and an ETag in the answer that is an MD5 is compared with it.
    bool with_md5 = false;
    std::size_t response_max = 64UL * 1024;  ///< bytes
};

/// Seconds since 1970, as this machine has them.
using UnixClock = std::function<std::int64_t()>;
[[nodiscard]] UnixClock system_unix_clock();

/// Any thread.
class Client {
  public:
    /// engine outlives the client. Bodies are hashed on context.cpu, files of keys read on
    /// context.disk.
    Client(Settings settings, HttpEngine& engine, Environment environment, StoreContext context,
           UnixClock clock = system_unix_clock());

    /// The answer, whatever its status. What a store refuses because of the region, the clock of
    /// this machine or keys that were renewed meanwhile is signed anew and sent once more. Errors:
    /// those of HttpEngine::send(); denied (no keys); corrupt (the ETag is of another body).
    Awaitable<Result<HttpResponse>> send(Call call);

    /// The same, where only success will do. what: for the message, "put packs/ab/abcd".
    Awaitable<Result<HttpResponse>> send_for_success(Call call, std::string what);

    [[nodiscard]] const Settings& settings() const noexcept { return settings_; }
    /// What the store's clock is ahead of ours, as of the last answer; unset: it never told.
    [[nodiscard]] std::optional<std::int64_t> clock_ahead_s() const noexcept;
    /// By the store's clock, where it has told it: it counts times of retention by its own.
    [[nodiscard]] std::int64_t now_unix_s() const { return clock_() + clock_ahead_s().value_or(0); }

  private:
    struct Place {
        std::string host;
        std::string region;
    };
    struct Payload {
        std::string sha256;  ///< hexadecimal, or kUnsignedPayload
        Bytes md5;           ///< empty unless asked for
    };

    Awaitable<Result<Credentials>> credentials();
    Awaitable<Payload> digest_payload(const Call& call);
    HttpRequest signed_request(const Call& call, const Payload& payload,
                               const Credentials& keys) const;
    void note_clock(const HttpResponse& response);
    Awaitable<bool> mend(const Refusal& refusal, const Credentials& used);
    bool mend_place(const std::string& region);
    bool mend_clock();
    Awaitable<bool> mend_keys(const Credentials& used);
    [[nodiscard]] Place place() const;

    const Settings settings_;
    HttpEngine& engine_;
    CredentialSource source_;
    const StoreContext context_;
    const UnixClock clock_;
    static constexpr std::int64_t kUnknown = INT64_MAX;
    std::atomic<std::int64_t> ahead_s_ = kUnknown;  ///< of the store's clock
    std::atomic<std::int64_t> signed_ahead_s_ = 0;  ///< what signatures add to our clock
    mutable std::mutex mutex_;
    Place place_;
};

/// A header of an answer without its quotes; the ETag of CopyObject and others has none.
[[nodiscard]] std::string etag_of(const HttpResponse& response);

[[nodiscard]] inline bool is_success(const HttpResponse& response) noexcept {
    return response.status >= 200 && response.status < 300;
}

}  // namespace tapeloft::s3
