#include "media/archive/setbacks.h"

#include <algorithm>

namespace tapeloft::media {

std::optional<Setback> Setbacks::of(CartridgeId id) const {
    const std::lock_guard lock(mutex_);
    const auto found = setbacks_.find(id);
    return found == setbacks_.end() ? std::nullopt : std::optional(found->second);
}

Setback Setbacks::begin(CartridgeId id, Error error, std::optional<std::uint64_t> segment) {
    Setback setback;
    setback.segment = segment;
    setback.pause = pauses_.first;
    if (const auto before = of(id); before) {
        setback.pause = std::min(before->pause * 2, pauses_.longest);
    } else {
        events_.error(
            "archive", "A cartridge cannot be archived; it is tried again until it can.",
            {{"library", library_}, {"cartridge", std::to_string(id)}, {"cause", error.message}});
    }
    setback.again = std::chrono::steady_clock::now() + setback.pause;
    setback.error = std::move(error);
    const std::lock_guard lock(mutex_);
    setbacks_[id] = setback;
    return setback;
}

void Setbacks::try_now(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    const auto found = setbacks_.find(id);
    if (found != setbacks_.end()) {
        found->second.again = {};
    }
}

void Setbacks::end(CartridgeId id) {
    {
        const std::lock_guard lock(mutex_);
        if (setbacks_.erase(id) == 0) {
            return;
        }
    }
    events_.info("archive", "The cartridge can be archived again.",
                 {{"library", library_}, {"cartridge", std::to_string(id)}});
}

}  // namespace tapeloft::media
