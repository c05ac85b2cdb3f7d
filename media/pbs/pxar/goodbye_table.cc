#include "media/pbs/pxar/goodbye_table.h"

#include <algorithm>
#include <string>
#include <utility>

#include "media/pbs/pxar/pxar_format.h"
#include "media/pbs/pxar/pxar_items.h"
#include "media/pbs/pxar/sip_hash.h"

namespace tapeloft::media {
namespace {

namespace at = layout::pxar;

Error corrupt_table(std::uint64_t position, std::string_view what) {
    return {Errc::corrupt,
            "goodbye table at byte " + std::to_string(position) + ": " + std::string(what)};
}

}  // namespace

Awaitable<Result<GoodbyeTable>> GoodbyeTable::open(SourceWindow& window, std::uint64_t begin,
                                                   std::uint64_t end) {
    constexpr auto kLeast = kPxarHeaderSize + at::goodbye::kItemSize;
    if (begin > end || end - begin < kLeast) {
        co_return corrupt_table(end, "the directory is too short for one");
    }
    TL_CO_TRY(const auto tail,
              co_await window.view(end - at::goodbye::kItemSize, at::goodbye::kItemSize));
    const auto size = at::goodbye::Size::load(tail);
    const auto back = at::goodbye::Offset::load(tail);
    if (at::goodbye::Hash::load(tail) != at::goodbye::kTail || size < kLeast ||
        size > end - begin || (size - kPxarHeaderSize) % at::goodbye::kItemSize != 0) {
        co_return corrupt_table(end, "none ends here");
    }
    const auto start = end - size;
    // Between FILENAME and ENTRY there is a name.
    if (back > start || start - back < begin ||
        start - back - begin > kPxarHeaderSize + kPxarNameMax + 1) {
        co_return corrupt_table(start, "it belongs to another directory");
    }
    TL_CO_TRY(const auto header, co_await window.view(start, kPxarHeaderSize));
    TL_CO_TRY(const auto found, decode_item(header));
    if (found.type != at::kGoodbye || found.content + kPxarHeaderSize != size) {
        co_return corrupt_table(start, "it does not begin where its end says");
    }
    co_return GoodbyeTable(window, start - back, start, found.content / at::goodbye::kItemSize - 1);
}

Result<GoodbyeTable::Item> GoodbyeTable::decode(ByteView bytes) const {
    Item item;
    item.hash = at::goodbye::Hash::load(bytes);
    const auto back = at::goodbye::Offset::load(bytes);
    const auto size = at::goodbye::Size::load(bytes);
    if (back > start_ - entry_ || size < kPxarHeaderSize || size > back) {
        return corrupt_table(start_, "a child of it lies outside of the directory");
    }
    item.range.position = start_ - back;
    item.range.end = start_ - back + size;
    return item;
}

Awaitable<Result<GoodbyeTable::Item>> GoodbyeTable::item(std::uint64_t slot) {
    const auto position = start_ + kPxarHeaderSize + slot * at::goodbye::kItemSize;
    auto bytes = window_->cached(position, at::goodbye::kItemSize);
    if (!bytes) {
        TL_CO_TRY(bytes, co_await window_->view(position, at::goodbye::kItemSize));
    }
    co_return decode(*bytes);
}

Awaitable<Result<std::vector<ChildRange>>> GoodbyeTable::find(std::string_view name) {
    const auto hash = sip_hash_2_4(at::goodbye::kHashKey0, at::goodbye::kHashKey1, as_bytes(name));
    std::vector<ChildRange> found;
    std::vector<std::uint64_t> slots = {0};
    while (!slots.empty()) {
        const auto slot = slots.back();
        slots.pop_back();
        if (slot >= children_) {
            continue;
        }
        TL_CO_TRY(const auto here, co_await item(slot));
        if (here.hash == hash) {
            found.push_back(here.range);
        }
        if (found.size() > kSameHashMax) {
            co_return corrupt_table(start_, "too many children of one hash");
        }
        // Equal ones may stand on both sides.
        if (here.hash >= hash) {
            slots.push_back(2 * slot + 1);
        }
        if (here.hash <= hash) {
            slots.push_back(2 * slot + 2);
        }
    }
    co_return found;
}

Awaitable<Result<std::vector<ChildRange>>> GoodbyeTable::next_from(std::uint64_t position,
                                                                   std::size_t most) {
    // A heap with the last of the first ones on top.
    const auto by_position = [](const ChildRange& a, const ChildRange& b) {
        return a.position < b.position;
    };
    constexpr auto kAtOnce = SourceWindow::kPiece / at::goodbye::kItemSize;
    std::vector<ChildRange> first;
    for (std::uint64_t slot = 0; slot < children_;) {
        const auto count = std::min<std::uint64_t>(kAtOnce, children_ - slot);
        TL_CO_TRY(const auto bytes,
                  co_await window_->view(start_ + kPxarHeaderSize + slot * at::goodbye::kItemSize,
                                         static_cast<std::size_t>(count) * at::goodbye::kItemSize));
        slot += count;
        for (std::size_t i = 0; i < bytes.size(); i += at::goodbye::kItemSize) {
            TL_CO_TRY(const auto here, decode(bytes.subspan(i, at::goodbye::kItemSize)));
            if (here.range.position < position ||
                (first.size() == most && !by_position(here.range, first.front()))) {
                continue;
            }
            if (first.size() == most) {
                std::ranges::pop_heap(first, by_position);
                first.pop_back();
            }
            first.push_back(here.range);
            std::ranges::push_heap(first, by_position);
        }
    }
    std::ranges::sort_heap(first, by_position);
    co_return first;
}

}  // namespace tapeloft::media
