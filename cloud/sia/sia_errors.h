// What a refusal of renterd means, in plain words.
#pragma once

#include <string_view>

#include "cloud/base/result.h"
#include "cloud/http/http_message.h"

namespace tapeloft::sia {

[[nodiscard]] inline bool is_success(const HttpResponse& response) noexcept {
    return response.status >= 200 && response.status < 300;
}

/// A 404 that says that there is no such object, or no bucket that it could be in
/// (Client::find_bucket()); a front end says another thing.
[[nodiscard]] bool is_no_object(const HttpResponse& response) noexcept;

/// renterd answers with a status and a sentence in plain text: by what the sentence contains, else
/// by status. what: "put packs/ab/abcd", for the message.
[[nodiscard]] Error error_of(const HttpResponse& response, std::string_view what);

}  // namespace tapeloft::sia
