#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include <zstd.h>

#include "media/pack/pack_writer.h"

namespace tapeloft::media {
namespace {

/// What does not lose a 32nd of its length is not worth the reader's time.
constexpr std::size_t kGainMin = 32;
constexpr std::size_t kPage = 4096;
/// Looks for strings that come again, and leaves bytes as they are.
constexpr int kStringsOnly = -1;
/// Shorter chunks are compressed without a sample.
constexpr std::size_t kSampledMin = 4 * kPage;

/// Of so many bytes the frequencies are counted. The sum of their squares is 5116 of random bytes,
/// give or take 91, and 5890 or more of what has 7.75 bits a byte, a 32nd less than 8: the sum of
/// the squared probabilities is 2 to the power of minus the entropy at least (Jensen).
constexpr std::size_t kCountedPart = 512;
constexpr std::uint32_t kSquaresOfSkewed = 5500;

ZSTD_CCtx* compressor() {
    thread_local const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> kContext(
        ZSTD_createCCtx(), &ZSTD_freeCCtx);
    TL_ASSERT(kContext != nullptr);
    return kContext.get();
}

/// One frame that tells its content size; 0: it does not fit into `into`.
std::size_t compress(ByteView plain, MutableByteView into, int level) {
    const auto size = ZSTD_compressCCtx(compressor(), into.data(), into.size(), plain.data(),
                                        plain.size(), level);
    return ZSTD_isError(size) != 0 ? 0 : size;
}

/// Some bytes come so much more often than others that shorter codes for them are worth it. Looks a
/// third and two thirds of the way: heads and tails of files tell little of them.
bool is_skewed(ByteView plain) {
    std::array<std::uint32_t, 256> counts{};
    for (const auto at : {plain.size() / 3, plain.size() / 3 * 2}) {
        for (const auto byte : plain.subspan(at, kCountedPart)) {
            ++counts[byte];
        }
    }
    std::uint32_t squares = 0;
    for (const auto count : counts) {
        squares += count * count;
    }
    return squares > kSquaresOfSkewed;
}

bool has_strings(ByteView plain, SampleTrend& trend) {
    std::array<std::uint8_t, kPage - kPage / kGainMin> frame;  // NOLINT: not initialised
    const bool found = trend.wants_sample() &&
                       compress(plain.subspan(plain.size() / 2, kPage), frame, kStringsOnly) != 0;
    trend.note(found);
    return found;
}

}  // namespace

EncodedChunk encode_chunk(const Fingerprint& fingerprint, Buffer plain, int level,
                          SampleTrend& trend) {
    TL_ASSERT(!plain.empty() && plain.size() <= kChunkLengthMax);
    TL_ASSERT(level >= 0 && level <= 19);
    EncodedChunk chunk;
    chunk.fingerprint = fingerprint;
    chunk.plain_length = static_cast<std::uint32_t>(plain.size());
    const bool sampled = plain.size() >= kSampledMin;
    if (level != 0 && (!sampled || is_skewed(plain.view()) || has_strings(plain.view(), trend))) {
        auto frame = Buffer::allocate(plain.size() - 1);
        if (const auto size = compress(plain.view(), frame.mutable_view(), level); size != 0) {
            chunk.encoding = ChunkEncoding::zstd;
            chunk.body = frame.first(size);
            return chunk;
        }
    }
    chunk.body = std::move(plain);
    return chunk;
}

}  // namespace tapeloft::media
