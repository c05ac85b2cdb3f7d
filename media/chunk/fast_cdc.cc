#include "media/chunk/fast_cdc.h"

#include <algorithm>
#include <bit>

#include "cloud/base/digest.h"

#include "media/chunk/chunk.h"

namespace tapeloft::media {
namespace {

constexpr std::array<std::uint64_t, 256> make_gear_table() {
    std::array<std::uint64_t, 256> table{};
    std::uint64_t state = 0;
    for (auto& entry : table) {
        state += 0x9E3779B97F4A7C15U;
        std::uint64_t mixed = state;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
        entry = mixed ^ (mixed >> 31U);
    }
    return table;
}

constexpr auto kGear = make_gear_table();

/// Normalisation: so many bits harder before half of the average length, and easier behind it.
/// README.md has what others cost.
constexpr int kNormalBits = 1;

/// Hashes on from `position` to `end`; true: the hash of the bytes up to `position` is below
/// `limit`. Only additions of the hash wait for each other, one for two bytes.
bool find_below(ByteView bytes, std::size_t end, std::uint64_t limit, std::size_t& position,
                std::uint64_t& hash) noexcept {
    const std::uint8_t* const data = bytes.data();
    std::size_t at = position;
    std::uint64_t state = hash;
    bool found = false;
    for (; end - at >= 2; at += 2) {
        const std::uint64_t first = kGear[data[at]];
        const std::uint64_t both = (first << 1U) + kGear[data[at + 1]];
        const std::uint64_t between = (state << 1U) + first;
        state = (state << 2U) + both;
        if (between < limit) [[unlikely]] {
            state = between;
            at += 1;
            found = true;
            break;
        }
        if (state < limit) [[unlikely]] {
            at += 2;
            found = true;
            break;
        }
    }
    if (!found && at < end) {
        state = (state << 1U) + kGear[data[at]];
        at += 1;
        found = state < limit;
    }
    position = at;
    hash = state;
    return found;
}

}  // namespace

const std::array<std::uint64_t, 256>& gear_table() noexcept {
    return kGear;
}

CutScan::CutScan(const ChunkLengths& lengths, CutMemory* memory) noexcept
    : lengths_(lengths), memory_(memory), position_(lengths.min - kWindow) {
    TL_ASSERT(kWindow <= lengths.min && lengths.min < lengths.average / 2 &&
              lengths.average < lengths.max && lengths.max <= kChunkLengthMax);
    TL_ASSERT(std::has_single_bit(lengths.average));
    const int bits = std::countr_zero(lengths.average);
    TL_ASSERT(bits > kNormalBits);
    hard_ = 1ULL << (64 - bits - kNormalBits);
    easy_ = 1ULL << (64 - bits + kNormalBits);
}

std::optional<std::size_t> CutScan::scan(ByteView bytes, bool all) {
    if (memory_ != nullptr && !asked_ && bytes.size() >= CutMemory::kStart) {
        asked_ = true;
        expected_ = memory_->find(bytes.first(CutMemory::kStart));
    }
    if (expected_) {
        const auto [length, crc] = *expected_;
        if (bytes.size() < length && !all) {
            return std::nullopt;
        }
        if (bytes.size() >= length && crc32c(bytes.first(length)) == crc) {
            return length;
        }
        expected_.reset();
    }
    const auto cut = search(bytes);
    if (cut && memory_ != nullptr) {
        memory_->remember(bytes.first(*cut));
    }
    return cut;
}

std::optional<std::size_t> CutScan::search(ByteView bytes) noexcept {
    struct Range {
        std::size_t end;
        std::uint64_t limit;
    };
    // The window before the shortest chunk's end fills the hash, so that a place is judged by its
    // bytes and not by where the chunk began.
    const std::array<Range, 3> ranges = {Range{lengths_.min, 0}, Range{lengths_.average / 2, hard_},
                                         Range{lengths_.max, easy_}};
    for (const auto& range : ranges) {
        const auto end = std::min(range.end, bytes.size());
        if (position_ < end && find_below(bytes, end, range.limit, position_, hash_)) {
            return position_;
        }
    }
    return bytes.size() >= lengths_.max ? std::optional<std::size_t>(lengths_.max) : std::nullopt;
}

void CutScan::restart() noexcept {
    position_ = lengths_.min - kWindow;
    hash_ = 0;
    asked_ = false;
    expected_.reset();
}

std::optional<std::size_t> content_defined_cut(ByteView bytes,
                                               const ChunkLengths& lengths) noexcept {
    return CutScan(lengths).scan(bytes);
}

}  // namespace tapeloft::media
