#include "media/archive/chunk_window.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

std::shared_ptr<ChunkSlot> ChunkWindow::find(const Fingerprint& fingerprint) const {
    const auto found = slots_.find(fingerprint);
    auto slot = found == slots_.end() ? nullptr : found->second.lock();
    if (slot && slot->done.is_set() && !slot->chunk) {
        return nullptr;
    }
    return slot;
}

std::shared_ptr<ChunkSlot> ChunkWindow::make(const Fingerprint& fingerprint) {
    if (slots_.size() > 2 * (ahead_.size() + recent_.size()) + kRecentChunksMax) {
        std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
    }
    auto slot = std::make_shared<ChunkSlot>();
    slots_[fingerprint] = slot;
    return slot;
}

void ChunkWindow::move_to(const ChunkPlace& place) {
    const auto found = std::find_if(ahead_.begin(), ahead_.end(),
                                    [&place](const Held& held) { return held.place == place; });
    for (auto dropped = found - ahead_.begin(); dropped != 0; --dropped) {
        drop_front();
    }
}

bool ChunkWindow::holds(const ChunkPlace& place) const noexcept {
    return std::any_of(ahead_.begin(), ahead_.end(),
                       [&place](const Held& held) { return held.place == place; });
}

bool ChunkWindow::has_room(std::uint64_t plain_length) const noexcept {
    return ahead_bytes_ + plain_length <= ahead_max_ && ahead_.size() < kAheadChunksMax;
}

void ChunkWindow::append(const ChunkPlace& place, std::uint32_t plain_length,
                         std::shared_ptr<ChunkSlot> slot) {
    TL_ASSERT(has_room(plain_length));
    ahead_.push_back({place, plain_length, std::move(slot)});
    ahead_bytes_ += plain_length;
}

void ChunkWindow::keep(std::uint32_t plain_length, std::shared_ptr<ChunkSlot> slot) {
    const auto known = std::find_if(recent_.rbegin(), recent_.rend(),
                                    [&slot](const Held& held) { return held.slot == slot; });
    if (known != recent_.rend()) {
        std::rotate(std::prev(known.base()), known.base(), recent_.end());
        return;
    }
    recent_.push_back({{}, plain_length, std::move(slot)});
    recent_bytes_ += plain_length;
    while (recent_.size() > 1 &&
           (recent_bytes_ > recent_max_ || recent_.size() > kRecentChunksMax)) {
        recent_bytes_ -= recent_.front().plain_length;
        recent_.pop_front();
    }
}

void ChunkWindow::clear() {
    ahead_.clear();
    ahead_bytes_ = 0;
    recent_.clear();
    recent_bytes_ = 0;
    slots_.clear();
}

void ChunkWindow::drop_front() {
    ahead_bytes_ -= ahead_.front().plain_length;
    ahead_.pop_front();
}

}  // namespace tapeloft::media
