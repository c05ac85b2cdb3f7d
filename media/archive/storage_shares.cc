#include "media/archive/storage_shares.h"

#include <algorithm>
#include <vector>

namespace tapeloft::media {

Result<std::map<CartridgeId, StorageShare>> StorageShares::of(std::span<const Wanted> wanted,
                                                              std::chrono::milliseconds patience) {
    const std::lock_guard lock(mutex_);
    const auto begin = Clock::now();
    std::vector<std::pair<Clock::time_point, Wanted>> old;
    std::map<CartridgeId, Known> kept;
    for (const auto& each : wanted) {
        const auto found = known_.find(each.cartridge);
        if (!is_good(each, begin)) {
            const bool never = found == known_.end();
            old.emplace_back(never ? Clock::time_point::min() : found->second.at, each);
        }
        if (found != known_.end()) {
            kept.insert(*found);
        }
    }
    known_ = std::move(kept);
    std::ranges::stable_sort(old, {}, [](const auto& entry) { return entry.first; });
    for (const auto& [at, each] : old) {
        const auto start = Clock::now();
        if (start - begin > patience) {
            break;
        }
        TL_TRY(const auto share, now(each.cartridge));
        known_[each.cartridge] = {each.stored, each.sequence, start, share};
    }
    std::map<CartridgeId, StorageShare> shares;
    for (const auto& [cartridge, known] : known_) {
        shares.emplace(cartridge, known.share);
    }
    return shares;
}

bool StorageShares::is_good(const Wanted& wanted, Clock::time_point time) const {
    const auto found = known_.find(wanted.cartridge);
    return found != known_.end() && found->second.stored == wanted.stored &&
           found->second.sequence == wanted.sequence && time - found->second.at < kGoodFor;
}

Result<StorageShare> StorageShares::now(CartridgeId cartridge) const {
    TL_TRY(const auto segments, catalog_.some_stored(cartridge, kSegmentsMax));
    StorageShare sum;
    for (const auto segment : segments) {
        TL_TRY(const auto share, catalog_.share(cartridge, segment));
        sum += share;
    }
    return sum;
}

}  // namespace tapeloft::media
