#include "media/chunk/cut_memory.h"

#include <bit>

#include "cloud/base/digest.h"

namespace tapeloft::media {

CutMemory::CutMemory(std::size_t entries) : count_(entries) {
    TL_ASSERT(std::has_single_bit(entries));
}

std::optional<CutMemory::Expected> CutMemory::find(ByteView start) const {
    TL_ASSERT(start.size() == kStart);
    if (entries_.empty()) {
        return std::nullopt;
    }
    const auto crc = crc32c(start);
    const auto& entry = entries_[place_of(crc)];
    return entry.start_crc == crc && entry.expected.length != 0 ? std::optional(entry.expected)
                                                                : std::nullopt;
}

void CutMemory::remember(ByteView chunk) {
    if (chunk.size() < kStart) {
        return;
    }
    entries_.resize(count_);
    const auto start = crc32c(chunk.first(kStart));
    entries_[place_of(start)] = {
        start, {static_cast<std::uint32_t>(chunk.size()), crc32c(chunk.subspan(kStart), start)}};
}

}  // namespace tapeloft::media
