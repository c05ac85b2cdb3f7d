#include "media/pbs/store/data_blob.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <zstd.h>
#include <zstd_errors.h>

#include "media/pbs/block_format.h"
#include "media/pbs/crypto/crc32.h"

namespace tapeloft::media {
namespace {

constexpr LittleEndian<std::uint32_t, 8> kCrc;
constexpr std::size_t kPlainHeaderSize = 12;
constexpr std::size_t kEncryptedHeaderSize = 44;
constexpr std::size_t kIvOffset = 12;
constexpr std::size_t kTagOffset = 28;
constexpr std::size_t kGrowth = 4;  ///< what most data shrink by at most

/// In the order of BlobEncoding.
constexpr auto kMagics = std::to_array<PbsMagic>({
    {0x42, 0xAB, 0x38, 0x07, 0xBE, 0x83, 0x70, 0xA1},
    {0x31, 0xB9, 0x58, 0x42, 0x6F, 0xB6, 0xA3, 0x7F},
    {0x7B, 0x67, 0x85, 0xBE, 0x22, 0x2D, 0x4C, 0xF0},
    {0xE6, 0x59, 0x1B, 0xBF, 0x0B, 0xBF, 0xD8, 0x0B},
});

const PbsMagic* find_magic(ByteView blob) {
    return std::find_if(kMagics.begin(), kMagics.end(),
                        [&](const auto& each) { return begins_with(blob, each); });
}

BlobEncoding encoding_of(const PbsMagic* magic) {
    return static_cast<BlobEncoding>(magic - kMagics.begin());
}

std::size_t header_size(BlobEncoding encoding) {
    return is_encrypted(encoding) ? kEncryptedHeaderSize : kPlainHeaderSize;
}

Error corrupt_blob(const std::string& why) {
    return {Errc::corrupt, "blob: " + why};
}

ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> kContext(
        ZSTD_createDCtx(), &ZSTD_freeDCtx);
    return kContext.get();
}

Error zstd_error(std::size_t code) {
    return corrupt_blob(ZSTD_getErrorCode(code) == ZSTD_error_srcSize_wrong
                            ? std::string("its zstd frame ends too early")
                            : std::string("zstd: ") + ZSTD_getErrorName(code));
}

/// Most frames do not tell how long their content is, and none is believed: one that needs more
/// room than was given to it gets more, up to data_max.
Result<Buffer> decompressed(ByteView frame, std::size_t data_max) {
    auto* const context = decompressor();
    TL_ASSERT(context != nullptr);
    const auto frame_size = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
    if (ZSTD_isError(frame_size) != 0) {
        return zstd_error(frame_size);
    }
    if (frame_size != frame.size()) {
        return corrupt_blob("bytes behind its zstd frame");
    }
    auto room = std::max<std::size_t>(kGrowth * frame.size(), 64UL * 1024);
    while (true) {
        auto data = Buffer::allocate(std::min(data_max, room));
        const auto size = ZSTD_decompressDCtx(context, data.mutable_view().data(), data.size(),
                                              frame.data(), frame.size());
        if (ZSTD_isError(size) == 0) {
            return data.first(size);
        }
        if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall) {
            return zstd_error(size);
        }
        if (data.size() == data_max) {
            return corrupt_blob("its data are longer than " + std::to_string(data_max) + " bytes");
        }
        room *= kGrowth;
    }
}

Result<Buffer> as_long_as_allowed(Buffer data, std::size_t data_max) {
    if (data.size() > data_max) {
        return corrupt_blob("its data are longer than " + std::to_string(data_max) + " bytes");
    }
    return data;
}

}  // namespace

std::string_view to_string(BlobEncoding encoding) noexcept {
    constexpr auto kNames =
        std::to_array<std::string_view>({"plain", "zstd", "encrypted", "zstd-encrypted"});
    return kNames.at(static_cast<std::size_t>(encoding));
}

Result<BlobEncoding> blob_encoding(ByteView blob) {
    const auto* const magic = find_magic(blob);
    if (magic == kMagics.end()) {
        return corrupt_blob("wrong magic number");
    }
    const auto encoding = encoding_of(magic);
    if (blob.size() < header_size(encoding) || blob.size() > kBlobSizeMax) {
        return corrupt_blob("impossible length " + std::to_string(blob.size()));
    }
    return encoding;
}

bool begins_encrypted_blob(ByteView bytes) noexcept {
    const auto* const magic = find_magic(bytes);
    return magic != kMagics.end() && is_encrypted(encoding_of(magic));
}

Result<BlobEncoding> check_blob(ByteView blob) {
    TL_TRY(const auto encoding, blob_encoding(blob));
    if (crc32(blob.subspan(header_size(encoding))) != kCrc.load(blob)) {
        return corrupt_blob("its CRC is wrong");
    }
    return encoding;
}

Result<Buffer> decode_blob(const Buffer& blob, const CryptKey* key, std::size_t data_max) {
    TL_ASSERT(data_max <= kBlobDataMax);
    const auto bytes = blob.view();
    TL_TRY(const auto encoding, check_blob(bytes));
    const auto header = header_size(encoding);
    auto body = blob.slice(header, blob.size() - header);
    if (!is_encrypted(encoding)) {
        return encoding == BlobEncoding::zstd ? decompressed(body.view(), data_max)
                                              : as_long_as_allowed(std::move(body), data_max);
    }
    if (key == nullptr) {
        return Error{Errc::denied, "it is encrypted, and there is no key"};
    }
    auto opened = Buffer::allocate(body.size());
    if (!key->open(bytes.subspan(kIvOffset, CryptKey::kIvSize),
                   bytes.subspan(kTagOffset, CryptKey::kTagSize), body.view(),
                   opened.mutable_view())) {
        return Error{Errc::denied, "it was not encrypted by this key, or it is damaged"};
    }
    if (encoding == BlobEncoding::zstd_encrypted) {
        return decompressed(opened.view(), data_max);
    }
    return as_long_as_allowed(std::move(opened), data_max);
}

Bytes plain_blob(ByteView data) {
    Bytes blob(kPlainHeaderSize + data.size());
    const auto& magic = kMagics.front();
    std::copy(magic.begin(), magic.end(), blob.begin());
    kCrc.store(blob, crc32(data));
    std::copy(data.begin(), data.end(), blob.begin() + kPlainHeaderSize);
    return blob;
}

}  // namespace tapeloft::media
