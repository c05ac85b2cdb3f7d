#include "media/pbs/crypto/crc32.h"

#include <array>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tapeloft::media {
namespace {

constexpr std::size_t kSlices = 16;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        auto value = byte;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value >> 1U) ^ ((value & 1U) != 0 ? 0xEDB88320U : 0U);
        }
        tables[0][byte] = value;
    }
    for (std::size_t slice = 1; slice < kSlices; ++slice) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const auto before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8U) ^ tables[0][before & 0xFFU];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

#if defined(__x86_64__)
constexpr std::size_t kLaneSize = 16;
constexpr std::size_t kFoldSize = 4 * kLaneSize;

__m128i lane(const std::uint8_t* at) noexcept {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));  // NOLINT: as it is declared
}

/// The lane moved on by as many bits as the two constants stand for, and what stands there.
__attribute__((target("pclmul"))) __m128i folded(__m128i value, __m128i by,
                                                 __m128i there) noexcept {
    return _mm_xor_si128(
        _mm_xor_si128(_mm_clmulepi64_si128(value, by, 0x00), _mm_clmulepi64_si128(value, by, 0x11)),
        there);
}

/// Four lanes at once (Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
/// Instruction", Intel, 2009): constants are x^n modulo the polynomial, bits reversed. size: of
/// whole lanes, kFoldSize or more.
__attribute__((target("pclmul,sse4.1"))) std::uint32_t fold(std::uint32_t state,
                                                            const std::uint8_t* at,
                                                            std::size_t size) noexcept {
    const auto by_four = _mm_set_epi64x(0x1C6E41596, 0x154442BD4);
    const auto by_one = _mm_set_epi64x(0x0CCAA009E, 0x1751997D0);
    const auto by_half = _mm_set_epi64x(0, 0x163CD6124);
    const auto barrett = _mm_set_epi64x(0x1F7011641, 0x1DB710641);
    const auto low = _mm_setr_epi32(-1, 0, -1, 0);
    auto a = _mm_xor_si128(lane(at), _mm_cvtsi32_si128(static_cast<int>(state)));
    auto b = lane(at + kLaneSize);
    auto c = lane(at + 2 * kLaneSize);
    auto d = lane(at + 3 * kLaneSize);
    for (at += kFoldSize, size -= kFoldSize; size >= kFoldSize;
         at += kFoldSize, size -= kFoldSize) {
        a = folded(a, by_four, lane(at));
        b = folded(b, by_four, lane(at + kLaneSize));
        c = folded(c, by_four, lane(at + 2 * kLaneSize));
        d = folded(d, by_four, lane(at + 3 * kLaneSize));
    }
    a = folded(folded(folded(a, by_one, b), by_one, c), by_one, d);
    for (; size >= kLaneSize; at += kLaneSize, size -= kLaneSize) {
        a = folded(a, by_one, lane(at));
    }
    a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by_one, 0x10));
    a = _mm_xor_si128(_mm_srli_si128(a, 4),
                      _mm_clmulepi64_si128(_mm_and_si128(a, low), by_half, 0x00));
    auto quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low), barrett, 0x10);
    quotient = _mm_clmulepi64_si128(_mm_and_si128(quotient, low), barrett, 0x00);
    return static_cast<std::uint32_t>(_mm_extract_epi32(_mm_xor_si128(a, quotient), 1));
}
#endif

}  // namespace

std::uint32_t crc32(ByteView bytes) noexcept {
    std::uint32_t state = 0xFFFFFFFFU;
    const auto* at = bytes.data();
    auto left = bytes.size();
#if defined(__x86_64__)
    static const bool kCanFold =
        __builtin_cpu_supports("pclmul") != 0 && __builtin_cpu_supports("sse4.1") != 0;
    if (kCanFold && left >= kFoldSize) {
        const auto size = left - left % kLaneSize;
        state = fold(state, at, size);
        at += size;
        left -= size;
    }
#endif
    for (; left >= kSlices; left -= kSlices, at += kSlices) {
        std::array<std::uint8_t, kSlices> piece{};
        std::memcpy(piece.data(), at, kSlices);
        for (std::size_t i = 0; i < 4; ++i) {
            piece[i] ^= static_cast<std::uint8_t>(state >> (8 * i));
        }
        state = 0;
        for (std::size_t i = 0; i < kSlices; ++i) {
            state ^= kTables[kSlices - 1 - i][piece[i]];
        }
    }
    for (; left > 0; --left, ++at) {
        state = kTables[0][(state ^ *at) & 0xFFU] ^ (state >> 8U);
    }
    return ~state;
}

}  // namespace tapeloft::media
