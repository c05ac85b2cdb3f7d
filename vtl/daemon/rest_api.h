// The REST interface of the administration, without its transport: a request in, an answer out.
#pragma once

#include <memory>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/daemon/client_memory.h"
#include "vtl/daemon/served_library.h"

namespace tapeloft::vtl::daemon {

struct RestRequest {
    std::string method;  ///< "GET", "POST", "DELETE", ...
    std::string target;  ///< "/v1/events?after=7", percent-encoded
    std::string body;    ///< JSON, or empty
    /// Memory that the client sent along with its connection; null: none.
    std::shared_ptr<ClientMemory> memory;
};

/// A body that is not JSON and of any length. One call at a time, on any executor.
class RestBody {
  public:
    RestBody() = default;
    RestBody(const RestBody&) = delete;
    RestBody& operator=(const RestBody&) = delete;
    virtual ~RestBody() = default;

    /// The next bytes; none: that was all. After an error there is nothing more.
    virtual Awaitable<Result<Buffer>> next() = 0;
    /// The last call, also where not all was fetched.
    virtual Awaitable<void> close() = 0;
};

struct RestResponse {
    unsigned status = 200;             ///< HTTP
    std::string body;                  ///< JSON; an error is {"error": {"code", "message"}}
    std::string allow;                 ///< with status 405: the methods that there are
    std::unique_ptr<RestBody> stream;  ///< if there is one, it is the body
};

/// Stateless: every fact is fetched from the library when it is asked for, on the strand of whoever
/// owns it. Several requests may be under way at once, on any executor.
class RestApi {
  public:
    explicit RestApi(ServedSystem served) : served_(std::move(served)) {}

    /// Never fails: what cannot be done is an answer with status 4xx or 5xx.
    [[nodiscard]] Awaitable<RestResponse> handle(RestRequest request) const;

  private:
    const ServedSystem served_;
};

}  // namespace tapeloft::vtl::daemon
