#include "media/archive/progress.h"

#include <algorithm>

namespace tapeloft::media {

void RateMeter::add(std::uint64_t bytes, Time now) {
    if (!begin_ || is_idle(now)) {
        begin_ = now;
    }
    last_ = now;
    const auto at = second(now);
    auto& bucket = buckets_.at(static_cast<std::size_t>(at) % buckets_.size());
    if (bucket.second != at) {
        bucket = {at, 0};
    }
    bucket.bytes += bytes;
}

double RateMeter::bytes_per_second(Time now) const {
    if (!begin_ || is_idle(now)) {
        return 0;
    }
    const auto oldest = second(now) - static_cast<std::int64_t>(buckets_.size()) + 1;
    std::uint64_t bytes = 0;
    for (const auto& bucket : buckets_) {
        bytes += bucket.second >= oldest ? bucket.bytes : 0;
    }
    const auto from = std::max(*begin_, Time(std::chrono::seconds(oldest)));
    const std::chrono::duration<double> passed = now - from;
    return static_cast<double>(bytes) / std::max(passed.count(), 1.0);
}

bool RateMeter::is_idle(Time now) const {
    return !begin_ || now - last_ >= kWindow;
}

std::int64_t RateMeter::second(Time time) {
    return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

void ArchiveProgress::seen(CartridgeId cartridge, std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    std::erase_if(cartridges_, [now](const auto& entry) { return entry.second.is_idle(now); });
    cartridges_[cartridge].add(bytes, now);
    all_.add(bytes, now);
}

ArchiveProgress::Rates ArchiveProgress::rates() const {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    Rates rates;
    rates.all = all_.bytes_per_second(now);
    for (const auto& [cartridge, meter] : cartridges_) {
        if (!meter.is_idle(now)) {
            rates.cartridges.emplace(cartridge, meter.bytes_per_second(now));
        }
    }
    return rates;
}

}  // namespace tapeloft::media
