#include "media/archive/known_damage.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

void KnownDamage::look_again(const Finder& finder) {
    const std::lock_guard lock(mutex_);
    std::erase_if(damages_, [&finder](const Damage& damage) { return damage.finder == finder; });
}

std::optional<Error> KnownDamage::find(const Fingerprint& fingerprint, Time now) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(damages_, [&](const Damage& damage) {
        return damage.fingerprint == fingerprint && damage.until > now;
    });
    return found == damages_.end() ? std::nullopt : std::optional(found->error);
}

void KnownDamage::note(const Fingerprint& fingerprint, Error error, const Finder& finder,
                       Time now) {
    const std::lock_guard lock(mutex_);
    if (damages_.size() == kChunksMax) {
        damages_.pop_front();
    }
    damages_.push_back({fingerprint, std::move(error), finder, now + kKnownFor});
}

}  // namespace tapeloft::media
