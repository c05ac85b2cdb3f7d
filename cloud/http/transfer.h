// One request on one libcurl easy handle: what libcurl asks for while it runs.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include <curl/curl.h>

#include "cloud/base/result.h"
#include "cloud/base/signal.h"
#include "cloud/http/http_engine.h"
#include "cloud/http/http_message.h"
#include "cloud/http/rate_limit.h"

namespace tapeloft::http {

struct EasyDeleter {
    void operator()(CURL* handle) const noexcept { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;

/// What the caller waits for. `result` is written by the engine's thread before done.set().
struct Exchange {
    HttpRequest request;
    Signal done;
    std::optional<Result<HttpResponse>> result;
    // Like result, for the log.
    std::chrono::steady_clock::time_point begun{};  ///< the epoch: it never was
    std::size_t sent = 0;                           ///< bytes of the body that libcurl has taken
    std::size_t received = 0;                       ///< bytes of the answer's body

    [[nodiscard]] bool uploads() const noexcept { return request.body.size() > kSmallBodyMax; }
    void finish(Result<HttpResponse> outcome) {
        result.emplace(std::move(outcome));
        done.set();
    }
};

/// What all transfers of an engine share; the engine's thread only.
struct SharedRates {
    RateLimit upload;
    RateLimit download;
};

/// Lives on the engine's thread. libcurl holds its address from prepare() on.
class Transfer {
  public:
    using Time = std::chrono::steady_clock::time_point;

    Transfer(std::shared_ptr<Exchange> exchange, EasyHandle handle, SharedRates& rates);
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer();

    /// Sets every option of the handle. Errors: invalid_argument, io.
    Result<void> prepare(const HttpLimits& limits);

    /// The outcome as libcurl says it; the caller resumes.
    void finish(CURLcode code);
    void fail(Error error) { finish(Result<HttpResponse>(std::move(error))); }

    /// When a byte last moved, or might not because of a rate limit.
    [[nodiscard]] Time last_progress() const noexcept { return last_progress_; }
    /// How long no byte may move now.
    [[nodiscard]] std::chrono::milliseconds silence_max(const HttpLimits& limits) const noexcept;
    [[nodiscard]] bool uploads() const noexcept { return exchange_->uploads(); }
    [[nodiscard]] bool paused() const noexcept { return waits_for_ != nullptr; }
    /// How long still; 0 where it is not paused, or may go on.
    [[nodiscard]] std::chrono::milliseconds pause_left(Time now) const {
        return paused() ? waits_for_->wait(now) : std::chrono::milliseconds(0);
    }
    /// Lets libcurl ask again.
    void resume();

    [[nodiscard]] CURL* handle() const noexcept { return handle_.get(); }
    /// The handle, for another transfer.
    [[nodiscard]] EasyHandle release() { return std::move(handle_); }
    /// "PUT https://host/path" without the query.
    [[nodiscard]] std::string what() const;

  private:
    static std::size_t on_read(char* into, std::size_t size, std::size_t count, void* self);
    static int on_seek(void* self, curl_off_t offset, int origin);
    static std::size_t on_header(char* line, std::size_t size, std::size_t count, void* self);
    static std::size_t on_write(char* bytes, std::size_t size, std::size_t count, void* self);

    template <typename Value>
    void set(CURLoption option, Value value);
    void finish(Result<HttpResponse> outcome);
    Result<void> set_headers();
    Result<void> add_header(const std::string& line);
    [[nodiscard]] bool has_announced_length() const;
    void set_method();
    void set_limits(const HttpLimits& limits);
    bool make_room(std::size_t bytes);
    void take_header(std::string_view line);

    const std::shared_ptr<Exchange> exchange_;
    EasyHandle handle_;
    SharedRates& rates_;
    curl_slist* headers_ = nullptr;
    char error_text_[CURL_ERROR_SIZE] = {};
    Time last_progress_;
    RateLimit* waits_for_ = nullptr;
    std::size_t sent_ = 0;
    std::size_t header_bytes_ = 0;
    bool answering_ = false;  ///< more than 1xx has come
    HttpResponse response_;
    Buffer body_;  ///< its first received_ bytes are the body so far
    std::size_t received_ = 0;
    std::optional<Error> refused_option_;  ///< the first one that libcurl did not take
    std::string refused_;                  ///< why a callback ended the transfer
};

}  // namespace tapeloft::http
