#include "cloud/http/rate_limit.h"

#include <algorithm>
#include <cmath>

namespace tapeloft {

void RateLimit::refill(Time now) {
    const std::chrono::duration<double> passed = now - refilled_;
    const auto rate = static_cast<double>(bytes_per_s_);
    credit_ = std::min(credit_ + rate * passed.count(), rate / 10);
    refilled_ = now;
}

void RateLimit::set_rate(std::uint64_t bytes_per_s) {
    if (bytes_per_s == 0) {
        credit_ = 0;
    }
    bytes_per_s_ = bytes_per_s;
}

bool RateLimit::may_go(Time now) {
    if (bytes_per_s_ == 0) {
        return true;
    }
    refill(now);
    return credit_ > 0;
}

void RateLimit::took(std::size_t bytes) {
    if (bytes_per_s_ == 0) {
        return;
    }
    credit_ -= static_cast<double>(bytes);
}

std::chrono::milliseconds RateLimit::wait(Time now) {
    if (may_go(now)) {
        return std::chrono::milliseconds(0);
    }
    const auto seconds = -credit_ / static_cast<double>(bytes_per_s_);
    return std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1000)) + 1);
}

}  // namespace tapeloft
