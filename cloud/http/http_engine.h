// HTTP requests of many coroutines over one set of kept connections. The only user of libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/http/http_message.h"
#include "cloud/http/rate_timetable.h"

namespace tapeloft {

inline constexpr std::size_t kSmallBodyMax = 1024UL * 1024;  ///< of a request

struct HttpLimits {
    /// Requests at once, the rest wait in order; 1 or more. A quarter of them, at least one, is
    /// kept from bodies over kSmallBodyMax: nobody reads, or ends what many uploads are for, behind
    /// uploads that take minutes. So where there is only one, another request may go beside it.
    std::size_t parallel = 16;
    std::chrono::milliseconds connect_time_max{10000};  ///< name, TCP and TLS
    std::chrono::milliseconds stall_time_max{60000};    ///< without a byte in either direction
    /// The same, from when a body was handed to the kernel until the first byte of the answer:
    /// the rest of it is still on its way, and then the server has to store it.
    std::chrono::milliseconds answer_time_max{300000};
    /// Of one request, once it has begun. What moves at all is slow, not dead: this only ends what
    /// would never end.
    std::chrono::milliseconds total_time_max{3600000};
    RateTimetable upload_rate_max = {};    ///< of all bodies together
    RateTimetable download_rate_max = {};  ///< likewise
    /// What timetables go by. Called on the engine's thread.
    std::function<RateTimetable::Minute()> minute_of_week = [] {
        return local_minute_of_week(std::chrono::system_clock::now());
    };
    std::string ca_file = {};  ///< PEM, in place of the system's authorities; empty: those
};

/// The same of a server in place of which another can be asked.
[[nodiscard]] HttpLimits with_less_patience(HttpLimits limits);

inline constexpr std::size_t kHttpHeaderBytesMax = 64UL * 1024;  ///< of a response

/// One thread drives all requests (curl_multi_poll); callers come from any thread and resume on
/// their own executor. A connection is kept and used again; a request that meets one which the
/// server has just closed is repeated by libcurl on a new one, its body from the beginning.
///
/// Nothing is followed, decoded or added: a redirect is a response like any other (its request
/// would need another signature), and the path is not normalised. A body over 1 MiB is asked for
/// first (Expect: 100-continue, RFC 9110 §10.1.1), waits a second for the word and sends then
/// without.
///
/// Invariants: a response is whole or an error; its body has at most response_max bytes and its
/// headers kHttpHeaderBytesMax. An error names host and path, never the query or a header.
class HttpEngine {
  public:
    /// log: gets a line of severity debug when a request ends, without its query, its headers and
    /// its body; outlives the engine. Errors: io (no thread, no memory).
    [[nodiscard]] static Result<std::unique_ptr<HttpEngine>> start(HttpLimits limits,
                                                                   EventLog* log = nullptr);

    HttpEngine(const HttpEngine&) = delete;
    HttpEngine& operator=(const HttpEngine&) = delete;
    ~HttpEngine();  ///< end()

    /// Errors: transient (no connection, time-out, cut short, not HTTP, too long; the server may
    /// have done what was asked), denied (the server's certificate), invalid_argument (URL or
    /// header), cancelled (shut_down() came first), io (the CA file; no memory to begin).
    Awaitable<Result<HttpResponse>> send(HttpRequest request);

    /// Ends every request as cancelled, at once; those that come later too. Any thread.
    void shut_down();
    /// The same, and waits for the thread: none is under way any more.
    void end();

  private:
    class Loop;
    HttpEngine(std::unique_ptr<Loop> loop, EventLog* log);

    const std::unique_ptr<Loop> loop_;
    EventLog* const log_;
};

}  // namespace tapeloft
