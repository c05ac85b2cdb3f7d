#include "media/chunk/fast_cdc.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cloud/base/contract.h"

#include "media/chunk/chunk.h"

namespace tapeloft::media {
namespace {

/// Normalisation: so many bits harder before half of the average length, and easier behind it.
/// README.md has what others cost.
constexpr int kNormalBits = 1;

/// A place is marked by a byte of a product of polynomials over GF(2): of the bytes before it (bit
/// i of the first is x^i) and this factor of degree 56. It takes part in 8 bytes.
constexpr std::uint64_t kFactor = 0x01E5'7890'41C9'8AC7U;
constexpr std::size_t kFactorReach = 8;
constexpr std::uint8_t kMark = 1;
constexpr int kMarkBits = 8;  ///< one place in 2^8 of random bytes is marked

constexpr auto kProducts = [] {
    std::array<std::uint64_t, 256> products{};
    for (std::size_t byte = 0; byte < products.size(); ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            products[byte] ^= ((byte >> bit) & 1U) != 0 ? kFactor << bit : 0;
        }
    }
    return products;
}();

/// The next byte of a product, from its factor's next byte, and what is carried on.
constexpr std::uint64_t next_product(std::uint64_t product, std::uint8_t byte) {
    return (product >> 8U) ^ kProducts[byte];
}
constexpr bool is_marked(std::uint64_t product) {
    return (product & 0xFFU) == kMark;
}

constexpr bool marks_a_run_of(std::uint8_t byte) {
    std::uint64_t product = 0;
    for (std::size_t i = 0; i < kFactorReach; ++i) {
        product = next_product(product, byte);
    }
    return is_marked(product);
}
// Such places would all be hashed.
static_assert([] {
    for (unsigned byte = 0; byte < 256; ++byte) {
        if (marks_a_run_of(static_cast<std::uint8_t>(byte))) {
            return false;
        }
    }
    return true;
}());

constexpr std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
    value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
    return value ^ (value >> 31U);
}

constexpr std::size_t kWords = CutScan::kWindow / 8;
/// Outputs 0 to 7 of SplitMix64 from state 0, made odd.
constexpr auto kWordFactors = [] {
    std::array<std::uint64_t, kWords> factors{};
    std::uint64_t state = 0;
    for (auto& factor : factors) {
        state += 0x9E3779B97F4A7C15U;
        factor = mixed(state) | 1U;
    }
    return factors;
}();

std::uint64_t hash_before(const std::uint8_t* place) noexcept {
    const ByteView window(place - CutScan::kWindow, CutScan::kWindow);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kWords; ++i) {
        sum += load_little_endian<8>(window.subspan(8 * i, 8)) * kWordFactors[i];
    }
    return mixed(sum);
}

std::size_t find_cut_portable(const std::uint8_t* bytes, std::size_t from, std::size_t end,
                              std::uint64_t limit) noexcept {
    std::uint64_t product = 0;
    for (auto at = from - (kFactorReach - 1); at < from; ++at) {
        product = next_product(product, bytes[at]);
    }
    for (auto at = from; at < end; ++at) {
        product = next_product(product, bytes[at]);
        if (is_marked(product) && hash_before(bytes + at + 1) < limit) {
            return at + 1;
        }
    }
    return 0;
}

#if defined(__x86_64__)
constexpr std::size_t kHalf = sizeof(__m128i);
constexpr std::size_t kStep = 2 * kHalf;

__m128i load(const std::uint8_t* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));  // NOLINT: as it is declared
}

__attribute__((target("pclmul"))) std::size_t find_cut_clmul(const std::uint8_t* bytes,
                                                             std::size_t from, std::size_t end,
                                                             std::uint64_t limit) noexcept {
    const auto factor = _mm_cvtsi64_si128(static_cast<std::int64_t>(kFactor));
    const auto mark = _mm_set1_epi8(kMark);
    // Eight bytes make a product of sixteen, whose upper half goes to the next eight.
    auto before = _mm_clmulepi64_si128(load(bytes + from - kHalf), factor, 0x01);
    for (; end - from >= kStep; from += kStep) {
        const auto low = load(bytes + from);
        const auto high = load(bytes + from + kHalf);
        const auto a = _mm_clmulepi64_si128(low, factor, 0x00);
        const auto b = _mm_clmulepi64_si128(low, factor, 0x01);
        const auto c = _mm_clmulepi64_si128(high, factor, 0x00);
        const auto d = _mm_clmulepi64_si128(high, factor, 0x01);
        const auto first = _mm_xor_si128(_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(before, a));
        const auto second = _mm_xor_si128(_mm_unpacklo_epi64(c, d), _mm_unpackhi_epi64(b, c));
        before = d;
        auto marks = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(first, mark))) |
                     static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(second, mark)))
                         << kHalf;
        for (; marks != 0; marks &= marks - 1) {
            const auto place = from + static_cast<std::size_t>(std::countr_zero(marks)) + 1;
            if (hash_before(bytes + place) < limit) {
                return place;
            }
        }
    }
    return find_cut_portable(bytes, from, end, limit);
}

#define TAPELOFT_WIDE __attribute__((target("avx2,vpclmulqdq,bmi")))  // NOLINT: an attribute

/// What find_cut_clmul() does, twice at once: the products of a step's low eight bytes of each
/// half, and of the high ones.
struct WideProducts {
    __m256i low;
    __m256i high;
};
TAPELOFT_WIDE WideProducts wide_products(const std::uint8_t* at) noexcept {
    const auto factor = _mm256_set1_epi64x(static_cast<std::int64_t>(kFactor));
    const auto step =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));  // NOLINT: as it is declared
    return {_mm256_clmulepi64_epi128(step, factor, 0x00),
            _mm256_clmulepi64_epi128(step, factor, 0x01)};
}

/// Marked places are gathered, and then hashed: a branch at each would be guessed wrong each time.
TAPELOFT_WIDE std::size_t find_cut_wide(const std::uint8_t* bytes, std::size_t from,
                                        std::size_t end, std::uint64_t limit) noexcept {
    constexpr std::size_t kSteps = 64;
    constexpr int kBackByAHalf = 0x21;
    std::array<std::size_t, kSteps * kStep + 1> places;  // NOLINT: not initialised
    const auto mark = _mm256_set1_epi8(kMark);
    auto before = wide_products(bytes + from - kStep).high;
    while (end - from >= kStep) {
        const auto last = from + std::min(kSteps, (end - from) / kStep) * kStep;
        std::size_t found = 0;
        for (; from < last; from += kStep) {
            const auto [low, high] = wide_products(bytes + from);
            const auto carried = _mm256_permute2x128_si256(before, high, kBackByAHalf);
            before = high;
            const auto bytes_above = _mm256_xor_si256(_mm256_unpacklo_epi64(low, high),
                                                      _mm256_unpackhi_epi64(carried, low));
            auto marks = static_cast<std::uint32_t>(
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes_above, mark)));
            // No branch at the first: where there is none, the place behind the step is
            // overwritten.
            const auto first = std::countr_zero(std::uint64_t{marks} | 1ULL << kStep);
            places[found] = from + static_cast<std::size_t>(first) + 1;
            found += marks != 0 ? 1 : 0;
            for (marks &= marks - 1; marks != 0; marks &= marks - 1)
                [[unlikely]] {
                    places[found++] = from + static_cast<std::size_t>(std::countr_zero(marks)) + 1;
                }
        }
        for (const auto place : std::span(places).first(found)) {
            if (hash_before(bytes + place) < limit) {
                return place;
            }
        }
    }
    return find_cut_portable(bytes, from, end, limit);
}
#endif

std::vector<FindCut> choose_cut_finders() {
    std::vector<FindCut> finders;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("vpclmulqdq") != 0 &&
        __builtin_cpu_supports("bmi") != 0) {
        finders.push_back(find_cut_wide);
    }
    if (__builtin_cpu_supports("pclmul") != 0) {
        finders.push_back(find_cut_clmul);
    }
#endif
    finders.push_back(find_cut_portable);
    return finders;
}

}  // namespace

std::span<const FindCut> cut_finders() noexcept {
    static const auto kFinders = choose_cut_finders();
    return kFinders;
}

CutScan::CutScan(const ChunkLengths& lengths) noexcept : lengths_(lengths), position_(lengths.min) {
    TL_ASSERT(kWindow <= lengths.min && lengths.min < lengths.average / 2 &&
              lengths.average < lengths.max && lengths.max <= kChunkLengthMax);
    TL_ASSERT(std::has_single_bit(lengths.average));
    const int bits = std::countr_zero(lengths.average) - kMarkBits;
    TL_ASSERT(bits >= kNormalBits);
    hard_ = 1ULL << (64 - bits - kNormalBits);
    easy_ = bits == kNormalBits ? UINT64_MAX : 1ULL << (64 - bits + kNormalBits);
}

std::optional<std::size_t> CutScan::scan(ByteView bytes) noexcept {
    struct Range {
        std::size_t end;
        std::uint64_t limit;
    };
    const std::array<Range, 2> ranges = {Range{lengths_.average / 2, hard_},
                                         Range{lengths_.max, easy_}};
    for (const auto& range : ranges) {
        const auto end = std::min(range.end, bytes.size());
        if (position_ >= end) {
            continue;
        }
        if (const auto place = cut_finders().front()(bytes.data(), position_, end, range.limit);
            place != 0) {
            return position_ = place;
        }
        position_ = end;
    }
    return bytes.size() >= lengths_.max ? std::optional<std::size_t>(lengths_.max) : std::nullopt;
}

std::optional<std::size_t> content_defined_cut(ByteView bytes,
                                               const ChunkLengths& lengths) noexcept {
    return CutScan(lengths).scan(bytes);
}

}  // namespace tapeloft::media
