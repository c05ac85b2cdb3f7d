#include "media/repository/wide_gcm.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <openssl/crypto.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cloud/base/cpuid.h"

namespace tapeloft::media {

#if defined(__x86_64__)
namespace {

#define TAPELOFT_GCM \
    __attribute__((target("aes,avx2,pclmul,vaes,vpclmulqdq")))  // NOLINT: an attribute

constexpr std::size_t kBlock = 16;                   // bytes
constexpr std::size_t kPairs = 8;                    // of blocks, ciphered at once
constexpr std::size_t kGroup = 2 * kPairs * kBlock;  // bytes
constexpr int kRounds = 14;                          // FIPS 197, 5: Nr of AES-256

__m128i* blocks(std::uint8_t* at) {
    return reinterpret_cast<__m128i*>(at);  // NOLINT: as the intrinsics want it
}
const __m128i* blocks(const std::uint8_t* at) {
    return reinterpret_cast<const __m128i*>(at);  // NOLINT: likewise
}
__m256i* pairs(std::uint8_t* at) {
    return reinterpret_cast<__m256i*>(at);  // NOLINT: likewise
}
const __m256i* pairs(const std::uint8_t* at) {
    return reinterpret_cast<const __m256i*>(at);  // NOLINT: likewise
}

/// GHASH takes the bits of a block in an order that the processor has in the bytes alone: with the
/// bytes turned around, a product is that of GHASH but for one bit's shift, which is in the key
/// (Gueron, Kounavis, "Intel Carry-Less Multiplication Instruction").
TAPELOFT_GCM __m128i turned(__m128i block) {
    return _mm_shuffle_epi8(block,
                            _mm_set_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
}
TAPELOFT_GCM inline __m256i turned(__m256i pair) {
    return _mm256_shuffle_epi8(pair, _mm256_broadcastsi128_si256(_mm_set_epi8(
                                         0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)));
}

/// Halves of 64 bits, swapped.
TAPELOFT_GCM inline __m128i swapped(__m128i block) {
    return _mm_shuffle_epi32(block, 0x4E);
}
TAPELOFT_GCM inline __m256i swapped(__m256i pair) {
    return _mm256_shuffle_epi32(pair, 0x4E);
}

/// Products, not reduced yet (Karatsuba): of the low halves, of the sums of halves, of the high
/// ones.
struct Products {
    __m256i low;
    __m256i middle;
    __m256i high;
};

TAPELOFT_GCM __m128i both(__m256i pair) {
    return _mm_xor_si128(_mm256_castsi256_si128(pair), _mm256_extracti128_si256(pair, 1));
}

/// Modulo x^128 + x^127 + x^126 + x^121 + 1.
TAPELOFT_GCM __m128i reduced(__m128i low, __m128i middle, __m128i high) {
    const auto factor = _mm_set_epi64x(static_cast<std::int64_t>(0xC200'0000'0000'0000U), 0);
    middle = _mm_xor_si128(middle, _mm_xor_si128(low, high));
    middle = _mm_xor_si128(middle, swapped(low));
    middle = _mm_xor_si128(middle, _mm_clmulepi64_si128(low, factor, 0x10));
    const auto folded = _mm_xor_si128(high, swapped(middle));
    return _mm_xor_si128(folded, _mm_clmulepi64_si128(middle, factor, 0x10));
}
/// The sum of those of both lanes.
TAPELOFT_GCM __m128i reduced(const Products& products) {
    return reduced(both(products.low), both(products.middle), both(products.high));
}

TAPELOFT_GCM __m128i product(__m128i a, __m128i b) {
    const auto middle =
        _mm_clmulepi64_si128(_mm_xor_si128(a, swapped(a)), _mm_xor_si128(b, swapped(b)), 0x00);
    return reduced(_mm_clmulepi64_si128(a, b, 0x00), middle, _mm_clmulepi64_si128(a, b, 0x11));
}

/// What follows from a key; wiped at the end.
class Gcm {
  public:
    TAPELOFT_GCM Gcm(const SecretKey& key, const Nonce& nonce, ByteView additional)
        : additional_(additional.size()) {
        expand(key.view().data());
        set_powers(ciphered(_mm_setzero_si128()));
        std::array<std::uint8_t, kBlock> counter{};
        std::copy(nonce.begin(), nonce.end(), counter.begin());
        counter.back() = 1;
        const auto first = _mm_loadu_si128(blocks(counter.data()));
        mask_ = ciphered(first);
        counter_ = turned(first);
        hash_ = _mm_setzero_si128();
        take(additional);
    }
    Gcm(const Gcm&) = delete;
    Gcm& operator=(const Gcm&) = delete;
    ~Gcm() { OPENSSL_cleanse(this, sizeof *this); }

    template <bool Seals>
    TAPELOFT_GCM void crypt(const std::uint8_t* from, std::uint8_t* into, std::size_t size) {
        counter_ = _mm_add_epi32(counter_, _mm_set_epi32(0, 0, 0, 1));
        const auto whole = size / kGroup * kGroup;
        crypt_groups<Seals>(from, into, whole);
        for (auto at = whole; at < size; at += kBlock) {
            crypt_block<Seals>(from + at, into + at, std::min(kBlock, size - at));
        }
    }

    /// size: of the text.
    TAPELOFT_GCM void tag(std::size_t size, std::uint8_t* into) {
        const auto bits = [](std::size_t bytes) { return static_cast<std::int64_t>(bytes * 8); };
        hash_block(_mm_set_epi64x(bits(additional_), bits(size)));
        _mm_storeu_si128(blocks(into), _mm_xor_si128(turned(hash_), mask_));
    }

  private:
    /// FIPS 197, 5.2.
    template <int Constant>
    TAPELOFT_GCM static void next_keys(__m128i& even, __m128i& odd) {
        even = _mm_xor_si128(chained(even),
                             _mm_shuffle_epi32(_mm_aeskeygenassist_si128(odd, Constant), 0xFF));
        odd = _mm_xor_si128(chained(odd),
                            _mm_shuffle_epi32(_mm_aeskeygenassist_si128(even, 0), 0xAA));
    }
    /// Each word and all before it.
    TAPELOFT_GCM static __m128i chained(__m128i key) {
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
        return _mm_xor_si128(key, _mm_slli_si128(key, 8));
    }
    TAPELOFT_GCM void expand(const std::uint8_t* key) {
        auto even = _mm_loadu_si128(blocks(key));
        auto odd = _mm_loadu_si128(blocks(key + kBlock));
        std::size_t next = 0;
        const auto note = [&] {
            keys_[next++] = even;
            keys_[next++] = odd;
        };
        note();
        next_keys<0x01>(even, odd);
        note();
        next_keys<0x02>(even, odd);
        note();
        next_keys<0x04>(even, odd);
        note();
        next_keys<0x08>(even, odd);
        note();
        next_keys<0x10>(even, odd);
        note();
        next_keys<0x20>(even, odd);
        note();
        next_keys<0x40>(even, odd);
        keys_[next] = even;
    }
    TAPELOFT_GCM __m128i ciphered(__m128i block) const {
        block = _mm_xor_si128(block, keys_[0]);
        for (int round = 1; round < kRounds; ++round) {
            block = _mm_aesenc_si128(block, keys_[round]);
        }
        return _mm_aesenclast_si128(block, keys_[kRounds]);
    }

    /// subkey: H (SP 800-38D, 6.4). Powers from the highest on, as the blocks of a group come.
    TAPELOFT_GCM void set_powers(__m128i subkey) {
        // Shifted by a bit, as turned() says, modulo the polynomial.
        const auto bytes = turned(subkey);
        const auto carries = _mm_srli_epi64(bytes, 63);
        const auto shifted = _mm_or_si128(_mm_slli_epi64(bytes, 1), _mm_slli_si128(carries, 8));
        const auto carry = _mm_sub_epi64(_mm_setzero_si128(), _mm_srli_si128(carries, 8));
        const auto polynomial =
            _mm_set_epi64x(static_cast<std::int64_t>(0xC200'0000'0000'0000U), 1);
        power_ =
            _mm_xor_si128(shifted, _mm_and_si128(_mm_unpacklo_epi64(carry, carry), polynomial));
        auto power = power_;
        for (auto pair = kPairs; pair-- > 0;) {
            const auto next = product(power, power_);
            powers_[pair] = _mm256_set_m128i(power, next);
            sums_[pair] = _mm256_xor_si256(powers_[pair], swapped(powers_[pair]));
            power = product(next, power_);
        }
    }

    TAPELOFT_GCM void hash_block(__m128i turned_block) {
        hash_ = product(_mm_xor_si128(hash_, turned_block), power_);
    }
    /// The last block is filled with zeros.
    TAPELOFT_GCM void take(ByteView bytes) {
        for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
            std::array<std::uint8_t, kBlock> block{};
            std::memcpy(block.data(), bytes.data() + at, std::min(kBlock, bytes.size() - at));
            hash_block(turned(_mm_loadu_si128(blocks(block.data()))));
        }
    }

    /// Adds the products of a pair of ciphered blocks.
    TAPELOFT_GCM void add(Products& products, __m256i pair, std::size_t number) const {
        const auto sum = _mm256_xor_si256(pair, swapped(pair));
        products.low =
            _mm256_xor_si256(products.low, _mm256_clmulepi64_epi128(pair, powers_[number], 0x00));
        products.high =
            _mm256_xor_si256(products.high, _mm256_clmulepi64_epi128(pair, powers_[number], 0x11));
        products.middle =
            _mm256_xor_si256(products.middle, _mm256_clmulepi64_epi128(sum, sums_[number], 0x00));
    }

    /// One group; `hashed`, a ciphered one, is hashed meanwhile, if there is one.
    template <bool Hashes>
    TAPELOFT_GCM void crypt_group(const std::uint8_t* from, std::uint8_t* into,
                                  const std::uint8_t* hashed) {
        __m256i state[kPairs];  // NOLINT(*-avoid-c-arrays): a template takes no __m256i
        auto counters = _mm256_add_epi32(_mm256_broadcastsi128_si256(counter_),
                                         _mm256_set_epi32(0, 0, 0, 1, 0, 0, 0, 0));
        const auto two = _mm256_set_epi32(0, 0, 0, 2, 0, 0, 0, 2);
        const auto first_key = _mm256_broadcastsi128_si256(keys_[0]);
#pragma GCC unroll 8
        for (auto& pair : state) {
            pair = _mm256_xor_si256(turned(counters), first_key);
            counters = _mm256_add_epi32(counters, two);
        }
        counter_ = _mm256_castsi256_si128(counters);
        const auto zero = _mm256_setzero_si256();
        Products products{zero, zero, zero};
#pragma GCC unroll 13
        for (int round = 1; round < kRounds; ++round) {
            const auto key = _mm256_broadcastsi128_si256(keys_[round]);
#pragma GCC unroll 8
            for (auto& pair : state) {
                pair = _mm256_aesenc_epi128(pair, key);
            }
            const auto number = static_cast<std::size_t>(round - 1);
            if (Hashes && number < kPairs) {
                auto pair = turned(_mm256_loadu_si256(pairs(hashed) + number));
                if (number == 0) {
                    pair = _mm256_xor_si256(
                        pair, _mm256_inserti128_si256(_mm256_setzero_si256(), hash_, 0));
                }
                add(products, pair, number);
            }
        }
        const auto last_key = _mm256_broadcastsi128_si256(keys_[kRounds]);
#pragma GCC unroll 8
        for (std::size_t i = 0; i < kPairs; ++i) {
            // The last step adds the key, and what is added to that.
            const auto text = _mm256_loadu_si256(pairs(from) + i);
            _mm256_storeu_si256(pairs(into) + i, _mm256_aesenclast_epi128(
                                                     state[i], _mm256_xor_si256(text, last_key)));
        }
        if (Hashes) {
            hash_ = reduced(products);
        }
    }

    TAPELOFT_GCM void hash_group(const std::uint8_t* hashed) {
        const auto zero = _mm256_setzero_si256();
        Products products{zero, zero, zero};
        for (std::size_t i = 0; i < kPairs; ++i) {
            auto pair = turned(_mm256_loadu_si256(pairs(hashed) + i));
            if (i == 0) {
                pair = _mm256_xor_si256(pair, _mm256_inserti128_si256(zero, hash_, 0));
            }
            add(products, pair, i);
        }
        hash_ = reduced(products);
    }

    /// Sealing, a group is hashed while the next one is ciphered.
    template <bool Seals>
    TAPELOFT_GCM void crypt_groups(const std::uint8_t* from, std::uint8_t* into, std::size_t size) {
        if (size == 0) {
            return;
        }
        if (!Seals) {
            for (std::size_t at = 0; at < size; at += kGroup) {
                crypt_group<true>(from + at, into + at, from + at);
            }
            return;
        }
        crypt_group<false>(from, into, nullptr);
        for (auto at = kGroup; at < size; at += kGroup) {
            crypt_group<true>(from + at, into + at, into + at - kGroup);
        }
        hash_group(into + size - kGroup);
    }

    /// size: 1 to kBlock.
    template <bool Seals>
    TAPELOFT_GCM void crypt_block(const std::uint8_t* from, std::uint8_t* into, std::size_t size) {
        std::array<std::uint8_t, kBlock> block{};
        std::memcpy(block.data(), from, size);
        if (!Seals) {
            take(ByteView(block.data(), size));
        }
        const auto text =
            _mm_xor_si128(_mm_loadu_si128(blocks(block.data())), ciphered(turned(counter_)));
        counter_ = _mm_add_epi32(counter_, _mm_set_epi32(0, 0, 0, 1));
        _mm_storeu_si128(blocks(block.data()), text);
        std::memcpy(into, block.data(), size);
        if (Seals) {
            take(ByteView(block.data(), size));
        }
    }

    __m256i powers_[kPairs];     // NOLINT(*-avoid-c-arrays): a template takes no __m256i
    __m256i sums_[kPairs];       // NOLINT(*-avoid-c-arrays): of their halves, in each
    __m128i keys_[kRounds + 1];  // NOLINT(*-avoid-c-arrays)
    __m128i power_;              ///< the first one
    __m128i mask_;               ///< of the tag
    __m128i counter_;            ///< of the next block, turned around
    __m128i hash_;               ///< turned around
    std::size_t additional_;
};

bool has_instructions() {
    constexpr std::uint32_t kVaes = 1U << 9U;
    return (extended_features().ecx & kVaes) != 0 && __builtin_cpu_supports("avx2") != 0 &&
           __builtin_cpu_supports("aes") != 0 && __builtin_cpu_supports("pclmul") != 0 &&
           __builtin_cpu_supports("vpclmulqdq") != 0;
}

/// A message that uses each part of it.
bool agrees_with_openssl() {
    constexpr std::size_t kSize = 3 * kGroup + 2 * kBlock + 5;
    std::array<std::uint8_t, kSize> text{};
    for (std::size_t i = 0; i < text.size(); ++i) {
        text[i] = static_cast<std::uint8_t>(i * 167 + i / 253);
    }
    const SecretKey key(ByteView(text).subspan(7, SecretKey::kSize));
    Nonce nonce{};
    std::copy_n(text.begin() + 90, nonce.size(), nonce.begin());
    const auto additional = ByteView(text).subspan(200, 37);
    std::array<std::uint8_t, kSize + kSealTagSize> here{};
    seal_wide(key, nonce, additional, text, here);
    std::array<std::uint8_t, kSize + kSealTagSize> there{};
    seal_portable(key, nonce, additional, text, there);
    return here == there;
}

}  // namespace

bool has_wide_gcm() {
    static const bool kHas = has_instructions() && agrees_with_openssl();
    return kHas;
}

void seal_wide(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
               MutableByteView into) {
    TL_ASSERT(into.size() == plain.size() + kSealTagSize);
    Gcm gcm(key, nonce, additional);
    gcm.crypt<true>(plain.data(), into.data(), plain.size());
    gcm.tag(plain.size(), into.last(kSealTagSize).data());
}

bool open_wide(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView sealed,
               MutableByteView into) {
    TL_ASSERT(sealed.size() == into.size() + kSealTagSize);
    const auto tag = sealed.last(kSealTagSize);
    std::array<std::uint8_t, kSealTagSize> found{};
    Gcm gcm(key, nonce, additional);
    gcm.crypt<false>(sealed.data(), into.data(), into.size());
    gcm.tag(into.size(), found.data());
    if (CRYPTO_memcmp(found.data(), tag.data(), found.size()) != 0) {
        std::fill(into.begin(), into.end(), std::uint8_t{0});
        return false;
    }
    return true;
}

#else

bool has_wide_gcm() {
    return false;
}

void seal_wide(const SecretKey& /*key*/, const Nonce& /*nonce*/, ByteView /*additional*/,
               ByteView /*plain*/, MutableByteView /*into*/) {
    TL_ASSERT(false);
}

bool open_wide(const SecretKey& /*key*/, const Nonce& /*nonce*/, ByteView /*additional*/,
               ByteView /*sealed*/, MutableByteView /*into*/) {
    TL_ASSERT(false);
    return false;
}

#endif

}  // namespace tapeloft::media
