// The REST interface of the administration, without its transport: a request in, an answer out.
#pragma once

#include <string>

#include "cloud/base/awaitable.h"

#include "vtl/daemon/served_library.h"

namespace tapeloft::vtl::daemon {

struct RestRequest {
    std::string method;  ///< "GET", "POST", "DELETE", ...
    std::string target;  ///< "/v1/events?after=7", percent-encoded
    std::string body;    ///< JSON, or empty
};

struct RestResponse {
    unsigned status = 200;  ///< HTTP
    std::string body;       ///< JSON; an error is {"error": {"code", "message"}}
    std::string allow;      ///< with status 405: the methods that there are
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
