#include "cloud/base/sha256.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "cloud/base/cpuid.h"
#include "cloud/base/digest.h"

namespace tapeloft {

void sha256_each_portable(const Sha256Source& next, const Sha256Done& done) {
    while (const auto message = next()) {
        const auto value = digest(DigestAlgorithm::sha256, message->parts);
        std::copy(value.begin(), value.end(), message->digest->begin());
        done(message->digest);
    }
}

#if defined(__x86_64__)

namespace {

constexpr std::size_t kShaBlock = 64;
constexpr std::size_t kShaLengthSize = 8;

// FIPS 180-4, 4.2.2 and 5.3.3.
alignas(16) constexpr std::array<std::uint32_t, 64> kShaRounds = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
constexpr std::array<std::uint32_t, 8> kShaStart = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

using ShaState = std::array<std::uint32_t, 8>;

__m128i load(const void* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(from));
}

void store(void* into, __m128i value) {
    _mm_storeu_si128(static_cast<__m128i*>(into), value);
}

bool has_sha_extensions() {
    constexpr std::uint32_t kSha = 1U << 29U;
    return (extended_features().ebx & kSha) != 0 && __builtin_cpu_supports("sse4.1") != 0;
}

/// Hashes `blocks` blocks of each lane's message on. The instructions make two rounds each, and
/// want the state as ABEF and CDGH.
template <std::size_t Lanes>
__attribute__((target("sha,sse4.1"))) void compress(const std::array<ShaState*, Lanes>& states,
                                                    std::array<const std::uint8_t*, Lanes> at,
                                                    std::size_t blocks) {
    struct Lane {
        __m128i abef;
        __m128i cdgh;
        __m128i words[4];  // NOLINT(*-avoid-c-arrays): a template takes no __m128i
    };
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    std::array<Lane, Lanes> lanes;
    for (std::size_t i = 0; i < Lanes; ++i) {
        const auto badc = _mm_shuffle_epi32(load(states[i]->data()), 0xB1);
        const auto hgfe = _mm_shuffle_epi32(load(states[i]->data() + 4), 0x1B);
        lanes[i].abef = _mm_alignr_epi8(badc, hgfe, 8);
        lanes[i].cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    }
    for (; blocks != 0; --blocks) {
        const auto before = lanes;
        for (std::size_t i = 0; i < Lanes; ++i) {
            for (std::size_t word = 0; word < 4; ++word) {
                lanes[i].words[word] = _mm_shuffle_epi8(load(at[i] + 16 * word), big_endian);
            }
            at[i] += kShaBlock;
        }
#pragma GCC unroll 16
        for (std::size_t step = 0; step < 16; ++step) {
#pragma GCC unroll 2
            for (std::size_t i = 0; i < Lanes; ++i) {
                auto& [abef, cdgh, words] = lanes[i];
                auto& word = words[step % 4];
                const auto sum = _mm_add_epi32(word, load(&kShaRounds[4 * step]));
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
                if (step < 12) {  // that of four steps later
                    const auto& last = words[(step + 3) % 4];
                    const auto sevens = _mm_alignr_epi8(last, words[(step + 2) % 4], 4);
                    word = _mm_sha256msg1_epu32(word, words[(step + 1) % 4]);
                    word = _mm_sha256msg2_epu32(_mm_add_epi32(word, sevens), last);
                }
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
            }
        }
        for (std::size_t i = 0; i < Lanes; ++i) {
            lanes[i].abef = _mm_add_epi32(lanes[i].abef, before[i].abef);
            lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, before[i].cdgh);
        }
    }
    for (std::size_t i = 0; i < Lanes; ++i) {
        const auto feba = _mm_shuffle_epi32(lanes[i].abef, 0x1B);
        const auto dchg = _mm_shuffle_epi32(lanes[i].cdgh, 0xB1);
        store(states[i]->data(), _mm_blend_epi16(feba, dchg, 0xF0));
        store(states[i]->data() + 4, _mm_alignr_epi8(dchg, feba, 8));
    }
}

/// A message on its way. Between calls it has a run of whole blocks that lie one behind the other:
/// those of a part, or what was put together of its ends and the padding (5.1.1).
class ShaLane {
  public:
    [[nodiscard]] bool busy() const noexcept { return blocks_ != 0; }
    [[nodiscard]] ShaState& state() noexcept { return state_; }
    [[nodiscard]] const std::uint8_t* at() const noexcept { return at_; }
    [[nodiscard]] std::size_t blocks() const noexcept { return blocks_; }

    void begin(const Sha256Message& message) {
        message_ = message;
        length_ = message.parts[0].size() + message.parts[1].size();
        state_ = kShaStart;
        padded_ = false;
        next_run();
    }

    /// `blocks` of the run are hashed.
    void went_on(std::size_t blocks, const Sha256Done& done) {
        at_ += blocks * kShaBlock;
        blocks_ -= blocks;
        if (blocks_ != 0) {
            return;
        }
        if (!padded_) {
            next_run();
            return;
        }
        for (std::size_t i = 0; i < state_.size(); ++i) {
            store_big_endian<4>(std::span(*message_.digest).subspan(4 * i, 4), state_[i]);
        }
        done(message_.digest);
    }

  private:
    void next_run() {
        std::size_t kept = 0;
        for (auto& part : message_.parts) {
            if (kept == 0 && part.size() >= kShaBlock) {
                at_ = part.data();
                blocks_ = part.size() / kShaBlock;
                part = part.subspan(blocks_ * kShaBlock);
                return;
            }
            const auto taken = std::min(kShaBlock - kept, part.size());
            std::copy_n(part.begin(), taken, ends_.begin() + static_cast<std::ptrdiff_t>(kept));
            part = part.subspan(taken);
            kept += taken;
            if (kept == kShaBlock) {
                set_run(1);
                return;
            }
        }
        pad(kept);
    }

    void pad(std::size_t kept) {
        const std::size_t blocks = kept + 1 + kShaLengthSize <= kShaBlock ? 1 : 2;
        const auto padding = std::span(ends_).first(blocks * kShaBlock).subspan(kept);
        std::fill(padding.begin(), padding.end(), std::uint8_t{0});
        padding.front() = 0x80;
        store_big_endian<kShaLengthSize>(padding.last(kShaLengthSize), 8 * length_);
        padded_ = true;
        set_run(blocks);
    }

    void set_run(std::size_t blocks) {
        at_ = ends_.data();
        blocks_ = blocks;
    }

    Sha256Message message_;  ///< what of its parts is in no run yet
    std::uint64_t length_ = 0;
    ShaState state_{};
    const std::uint8_t* at_ = nullptr;
    std::size_t blocks_ = 0;
    bool padded_ = false;  ///< the run is the last one
    std::array<std::uint8_t, 2 * kShaBlock> ends_{};
};

void hash_in_step(const Sha256Source& next, const Sha256Done& done) {
    std::array<ShaLane, 2> lanes;
    auto& [one, other] = lanes;
    while (true) {
        for (auto& lane : lanes) {
            if (lane.busy()) {
                continue;
            }
            if (const auto message = next()) {
                lane.begin(*message);
            }
        }
        if (one.busy() && other.busy()) {
            const auto blocks = std::min(one.blocks(), other.blocks());
            compress<2>({&one.state(), &other.state()}, {one.at(), other.at()}, blocks);
            one.went_on(blocks, done);
            other.went_on(blocks, done);
        } else if (one.busy() || other.busy()) {
            auto& lane = one.busy() ? one : other;
            const auto blocks = std::min(lane.blocks(), kSha256Alone / kShaBlock);
            compress<1>({&lane.state()}, {lane.at()}, blocks);
            lane.went_on(blocks, done);
        } else {
            return;
        }
    }
}

}  // namespace

void sha256_each(const Sha256Source& next, const Sha256Done& done) {
    static const bool kHasExtensions = has_sha_extensions();
    if (kHasExtensions) {
        hash_in_step(next, done);
    } else {
        sha256_each_portable(next, done);
    }
}

#else

void sha256_each(const Sha256Source& next, const Sha256Done& done) {
    sha256_each_portable(next, done);
}

#endif

}  // namespace tapeloft
