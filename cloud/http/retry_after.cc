#include "cloud/http/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "cloud/base/timestamps.h"

namespace tapeloft {
namespace {

std::int64_t time_of(const HttpResponse& response) {
    const auto date = parse_http_time(response.header("date").value_or(""));
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return date.value_or(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

}  // namespace

std::chrono::seconds retry_after(const HttpResponse& response) {
    const auto text = response.header("retry-after").value_or("");
    std::int64_t seconds = 0;
    if (const auto at = parse_http_time(text)) {
        seconds = *at - time_of(response);
    } else if (!text.empty() && text.find_first_not_of("0123456789") == text.npos) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
        seconds = error == std::errc() ? seconds : kRetryAfterMax.count();  // too many digits
    }
    return std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, kRetryAfterMax.count()));
}

}  // namespace tapeloft
