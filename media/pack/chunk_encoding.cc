#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include <zstd.h>

#include "media/pack/pack_writer.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kSamplePart = 4096;
constexpr std::size_t kSampleParts = 2;
constexpr std::size_t kSampleSize = kSamplePart * kSampleParts;
/// A sample that does not lose a 32nd of its length is not worth the reader's time.
constexpr std::size_t kSampleGainMin = kSampleSize / 32;

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

/// Two pages from a third and two thirds of the way: heads and tails of files tell little of them.
bool looks_compressible(ByteView plain) {
    std::array<std::uint8_t, kSampleSize> sample;  // NOLINT(cppcoreguidelines-pro-type-member-init)
    for (std::size_t part = 0; part < kSampleParts; ++part) {
        const auto middle = plain.size() / (kSampleParts + 1) * (part + 1);
        std::memcpy(sample.data() + part * kSamplePart, plain.data() + middle - kSamplePart / 2,
                    kSamplePart);
    }
    std::array<std::uint8_t, kSampleSize - kSampleGainMin> frame;  // NOLINT
    return compress(sample, frame, 1) != 0;
}

}  // namespace

EncodedChunk encode_chunk(const Fingerprint& fingerprint, Buffer plain, int level) {
    TL_ASSERT(!plain.empty() && plain.size() <= kChunkLengthMax);
    TL_ASSERT(level >= 0 && level <= 19);
    EncodedChunk chunk;
    chunk.fingerprint = fingerprint;
    chunk.plain_length = static_cast<std::uint32_t>(plain.size());
    const bool probed = plain.size() >= 4 * kSampleSize;
    if (level != 0 && (!probed || looks_compressible(plain.view()))) {
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
