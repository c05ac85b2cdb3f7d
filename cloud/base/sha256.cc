#include "cloud/base/sha256.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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

/// The instructions make two rounds each, and want the state as ABEF and CDGH.
struct Rounds {
    __m128i abef;
    __m128i cdgh;
    __m128i words[4];  // NOLINT(*-avoid-c-arrays): a template takes no __m128i
};

#define TL_ROUNDS __attribute__((target("sha,sse4.1"), always_inline)) inline

TL_ROUNDS void load_state(Rounds& lane, const ShaState& state) {
    const auto badc = _mm_shuffle_epi32(load(state.data()), 0xB1);
    const auto hgfe = _mm_shuffle_epi32(load(state.data() + 4), 0x1B);
    lane.abef = _mm_alignr_epi8(badc, hgfe, 8);
    lane.cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
}

TL_ROUNDS void store_state(const Rounds& lane, ShaState& state) {
    const auto feba = _mm_shuffle_epi32(lane.abef, 0x1B);
    const auto dchg = _mm_shuffle_epi32(lane.cdgh, 0xB1);
    store(state.data(), _mm_blend_epi16(feba, dchg, 0xF0));
    store(state.data() + 4, _mm_alignr_epi8(dchg, feba, 8));
}

TL_ROUNDS void load_block(Rounds& lane, const std::uint8_t* at) {
    const auto big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    lane.words[0] = _mm_shuffle_epi8(load(at), big_endian);
    lane.words[1] = _mm_shuffle_epi8(load(at + 16), big_endian);
    lane.words[2] = _mm_shuffle_epi8(load(at + 32), big_endian);
    lane.words[3] = _mm_shuffle_epi8(load(at + 48), big_endian);
}

/// Four rounds, and the words of four steps later.
template <std::size_t Step>
TL_ROUNDS void make_step(Rounds& lane) {
    auto& [abef, cdgh, words] = lane;
    auto& word = words[Step % 4];
    const auto sum = _mm_add_epi32(word, load(&kShaRounds[4 * Step]));
    cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
    if constexpr (Step < 12) {
        const auto& last = words[(Step + 3) % 4];
        const auto sevens = _mm_alignr_epi8(last, words[(Step + 2) % 4], 4);
        word = _mm_sha256msg1_epu32(word, words[(Step + 1) % 4]);
        word = _mm_sha256msg2_epu32(_mm_add_epi32(word, sevens), last);
    }
    abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
}

// Loops over lanes and steps are written out by packs: what is in an array that a loop goes through
// gets no register.

template <std::size_t Step, std::size_t... Lane>
TL_ROUNDS void make_steps(Rounds* lanes, std::index_sequence<Lane...> /*lanes*/) {
    (make_step<Step>(lanes[Lane]), ...);
}

template <std::size_t... Step, std::size_t... Lane>
TL_ROUNDS void make_rounds(Rounds* lanes, std::index_sequence<Step...> /*steps*/,
                           std::index_sequence<Lane...> each) {
    const __m128i before[] = {lanes[Lane].abef..., lanes[Lane].cdgh...};  // NOLINT(*-c-arrays)
    (make_steps<Step>(lanes, each), ...);
    ((lanes[Lane].abef = _mm_add_epi32(lanes[Lane].abef, before[Lane])), ...);
    ((lanes[Lane].cdgh = _mm_add_epi32(lanes[Lane].cdgh, before[sizeof...(Lane) + Lane])), ...);
}

/// Hashes `blocks` blocks of each lane's message on.
template <std::size_t... Lane>
__attribute__((target("sha,sse4.1"))) void compress(
    const std::array<ShaState*, sizeof...(Lane)>& states,
    std::array<const std::uint8_t*, sizeof...(Lane)> at, std::size_t blocks,
    std::index_sequence<Lane...> each) {
    Rounds lanes[sizeof...(Lane)];  // NOLINT(*-avoid-c-arrays)
    (load_state(lanes[Lane], *states[Lane]), ...);
    for (; blocks != 0; --blocks) {
        (load_block(lanes[Lane], at[Lane]), ...);
        ((at[Lane] += kShaBlock), ...);
        make_rounds(lanes, std::make_index_sequence<16>(), each);
    }
    (store_state(lanes[Lane], *states[Lane]), ...);
}

#undef TL_ROUNDS

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

template <std::size_t Lanes>
void compress_all(std::span<ShaLane* const> lanes, std::size_t blocks) {
    std::array<ShaState*, Lanes> states;
    std::array<const std::uint8_t*, Lanes> at;
    for (std::size_t i = 0; i < Lanes; ++i) {
        states[i] = &lanes[i]->state();
        at[i] = lanes[i]->at();
    }
    compress(states, at, blocks, std::make_index_sequence<Lanes>());
}

/// By the number of lanes, from one.
constexpr std::array<void (*)(std::span<ShaLane* const>, std::size_t), kSha256InStep> kCompress = {
    compress_all<1>, compress_all<2>, compress_all<3>};

void hash_in_step(const Sha256Source& next, const Sha256Done& done) {
    std::array<ShaLane, kSha256InStep> lanes;
    std::vector<ShaLane*> busy;
    while (true) {
        bool more = true;
        busy.clear();
        std::size_t blocks = SIZE_MAX;
        for (auto& lane : lanes) {
            if (more && !lane.busy()) {
                const auto message = next();
                more = message.has_value();
                if (message) {
                    lane.begin(*message);
                }
            }
            if (lane.busy()) {
                busy.push_back(&lane);
                blocks = std::min(blocks, lane.blocks());
            }
        }
        if (busy.empty()) {
            return;
        }
        if (busy.size() < kSha256InStep) {
            blocks = std::min(blocks, kSha256Alone / kShaBlock);
        }
        kCompress[busy.size() - 1](busy, blocks);
        for (auto* const lane : busy) {
            lane->went_on(blocks, done);
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
