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
    before_ = bytes_per_second(now);
}

double RateMeter::last_rate(Time now) const {
    return is_idle(now) ? before_ : bytes_per_second(now);
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

void ArchiveProgress::taken(CartridgeId cartridge, std::uint64_t bytes) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    auto& way = cartridges_[cartridge];
    way.meter.add(bytes, now);
    way.under_way += bytes;
    all_.add(bytes, now);
}

void ArchiveProgress::stored(CartridgeId cartridge, std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    auto& way = cartridges_[cartridge];
    way.under_way -= std::min(way.under_way, bytes);
}

void ArchiveProgress::dropped(CartridgeId cartridge) {
    const std::lock_guard lock(mutex_);
    const auto found = cartridges_.find(cartridge);
    if (found != cartridges_.end()) {
        found->second.under_way = 0;
    }
}

ArchiveProgress::Rates ArchiveProgress::rates() const {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    Rates rates;
    rates.all = {all_.bytes_per_second(now), all_.last_rate(now), 0};
    for (const auto& [cartridge, way] : cartridges_) {
        const auto& meter = way.meter;
        rates.cartridges[cartridge] = {meter.bytes_per_second(now), meter.last_rate(now),
                                       way.under_way};
        rates.all.under_way += way.under_way;
    }
    return rates;
}

}  // namespace tapeloft::media
