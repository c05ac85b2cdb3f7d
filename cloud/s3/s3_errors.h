// What a store's refusal means to a caller.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "cloud/base/result.h"
#include "cloud/http/http_message.h"

namespace tapeloft::s3 {

/// An answer that is no success.
struct Refusal {
    int status = 0;
    std::string code;        ///< "NoSuchKey"; empty where the answer has no body (HEAD)
    std::string message;     ///< of the store
    std::string region;      ///< that it wants, where it says so
    std::string request_id;  ///< for the store's operator; may be empty
    std::chrono::seconds retry_after{0};
};

/// Reads headers and XML; a body that is no XML leaves the code empty.
[[nodiscard]] Refusal refusal_of(const HttpResponse& response);

/// By code, else by status. what: "put packs/ab/abcd", for the message.
[[nodiscard]] Error error_of(const Refusal& refusal, std::string_view what);

}  // namespace tapeloft::s3
