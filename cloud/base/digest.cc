#include "cloud/base/digest.h"

#include <array>
#include <memory>

#include <openssl/evp.h>
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace tapeloft {
namespace {

constexpr std::uint32_t kPolynomialReflected = 0x82F63B78U;

constexpr std::array<std::uint32_t, 256> make_byte_table() {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1U) ^ ((remainder & 1U) != 0 ? kPolynomialReflected : 0U);
        }
        table[byte] = remainder;
    }
    return table;
}

constexpr auto kByteTable = make_byte_table();

/// What zero bytes do to a state, a linear map over GF(2): the image of each of its bits.
using StateMap = std::array<std::uint32_t, 32>;

constexpr std::uint32_t applied(const StateMap& map, std::uint32_t state) {
    std::uint32_t image = 0;
    for (std::size_t bit = 0; state != 0; ++bit, state >>= 1U) {
        image ^= (state & 1U) != 0 ? map[bit] : 0U;
    }
    return image;
}

/// Of 1, 2, 4, ... bytes.
constexpr std::array<StateMap, 64> make_zero_maps() {
    std::array<StateMap, 64> maps{};
    for (std::size_t bit = 0; bit < 32; ++bit) {
        const std::uint32_t state = 1U << bit;
        maps[0][bit] = kByteTable[state & 0xFFU] ^ (state >> 8U);
    }
    for (std::size_t power = 1; power < maps.size(); ++power) {
        for (std::size_t bit = 0; bit < 32; ++bit) {
            maps[power][bit] = applied(maps[power - 1], maps[power - 1][bit]);
        }
    }
    return maps;
}

#if defined(__x86_64__)

// Three lanes hide the latency of the crc32 instruction. A lane's state is moved past the lanes
// that follow it by a linear map over GF(2), tabulated by byte: shift(crc) = state after kLane
// zeros.
constexpr std::size_t kLane = 4096;
constexpr std::size_t kCacheLine = 64;
using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;

ShiftTable make_shift_table(std::size_t zero_bytes) {
    ShiftTable table{};
    for (std::size_t position = 0; position < 4; ++position) {
        for (std::uint32_t bit = 0; bit < 8; ++bit) {
            std::uint32_t state = 1U << (bit + 8 * position);
            for (std::size_t i = 0; i < zero_bytes; ++i) {
                state = kByteTable[state & 0xFFU] ^ (state >> 8U);
            }
            const std::uint32_t step = 1U << bit;
            for (std::uint32_t low = 0; low < step; ++low) {
                table[position][step | low] = table[position][low] ^ state;
            }
        }
    }
    return table;
}

std::uint32_t shifted(const ShiftTable& table, std::uint32_t state) {
    return table[0][state & 0xFFU] ^ table[1][(state >> 8U) & 0xFFU] ^
           table[2][(state >> 16U) & 0xFFU] ^ table[3][state >> 24U];
}

std::uint64_t load_word(const std::uint8_t* bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return word;
}

/// The processor does not see by itself where three lanes go on: from memory 23 instead of 12 GB/s.
void prefetch_next_lanes(const std::uint8_t* at) {
    for (std::size_t lane = 3; lane < 6; ++lane) {
        _mm_prefetch(at + lane * kLane, _MM_HINT_T0);
    }
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_sse42(ByteView bytes, std::uint32_t crc) {
    static const auto kPastOneLane = make_shift_table(kLane);
    std::uint64_t state = ~crc;
    while (bytes.size() >= 3 * kLane) {
        std::uint64_t middle = 0;
        std::uint64_t last = 0;
        const std::uint8_t* at = bytes.data();
        const bool more = bytes.size() >= 6 * kLane;
        for (std::size_t i = 0; i < kLane; i += 8) {
            if (more && i % kCacheLine == 0) {
                prefetch_next_lanes(at + i);
            }
            state = _mm_crc32_u64(state, load_word(at + i));
            middle = _mm_crc32_u64(middle, load_word(at + kLane + i));
            last = _mm_crc32_u64(last, load_word(at + 2 * kLane + i));
        }
        state = shifted(kPastOneLane, static_cast<std::uint32_t>(state)) ^ middle;
        state = shifted(kPastOneLane, static_cast<std::uint32_t>(state)) ^ last;
        bytes = bytes.subspan(3 * kLane);
    }
    while (bytes.size() >= 8) {
        state = _mm_crc32_u64(state, load_word(bytes.data()));
        bytes = bytes.subspan(8);
    }
    auto narrow = static_cast<std::uint32_t>(state);
    for (const std::uint8_t byte : bytes) {
        narrow = _mm_crc32_u8(narrow, byte);
    }
    return ~narrow;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t crc) noexcept {
    std::uint32_t state = ~crc;
    for (const std::uint8_t byte : bytes) {
        state = kByteTable[(state ^ byte) & 0xFFU] ^ (state >> 8U);
    }
    return ~state;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
    static const bool kHasSse42 = __builtin_cpu_supports("sse4.2") != 0;
    if (kHasSse42) {
        return crc32c_sse42(bytes, crc);
    }
#endif
    return crc32c_portable(bytes, crc);
}

std::uint32_t crc32c_begun_with(std::uint32_t to, std::uint32_t crc, std::uint32_t from,
                                std::uint64_t size) noexcept {
    static constexpr auto kZeroMaps = make_zero_maps();
    std::uint32_t difference = from ^ to;
    for (std::size_t power = 0; size != 0; ++power, size >>= 1U) {
        if ((size & 1U) != 0) {
            difference = applied(kZeroMaps[power], difference);
        }
    }
    return crc ^ difference;
}

namespace {

const EVP_MD* type_of(DigestAlgorithm algorithm) {
    switch (algorithm) {
        case DigestAlgorithm::md5:
            return EVP_md5();
        case DigestAlgorithm::sha1:
            return EVP_sha1();
        case DigestAlgorithm::sha256:
            return EVP_sha256();
    }
    return EVP_sha256();
}

}  // namespace

bool has_digest(DigestAlgorithm algorithm) {
    const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> fetched(
        EVP_MD_fetch(nullptr, EVP_MD_get0_name(type_of(algorithm)), nullptr), &EVP_MD_free);
    return fetched != nullptr;
}

Bytes digest(DigestAlgorithm algorithm, std::span<const ByteView> parts) {
    const auto* const type = type_of(algorithm);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    TL_ASSERT(context != nullptr);
    TL_ASSERT(EVP_DigestInit_ex(context.get(), type, nullptr) == 1);
    for (const auto part : parts) {
        TL_ASSERT(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
    }
    Bytes value(static_cast<std::size_t>(EVP_MD_get_size(type)));
    TL_ASSERT(EVP_DigestFinal_ex(context.get(), value.data(), nullptr) == 1);
    return value;
}

}  // namespace tapeloft
