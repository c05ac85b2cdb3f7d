#include "media/pack/pack_reader.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <string>

#include <openssl/crypto.h>
#include <zstd.h>

#include "cloud/base/hex.h"

#include "media/pack/pack_format.h"

namespace tapeloft::media {
namespace {

Error damaged_chunk(const PackedChunk& chunk, std::string_view why) {
    return {Errc::corrupt, "the chunk at byte " + std::to_string(chunk.offset) +
                               " of its pack: " + std::string(why)};
}

Error damaged_pack(const PackId& id, std::string_view why) {
    return {Errc::corrupt, "pack " + to_hex(id) + ": " + std::string(why)};
}

ZSTD_DCtx* decompressor() {
    thread_local const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> kContext(
        ZSTD_createDCtx(), &ZSTD_freeDCtx);
    TL_ASSERT(kContext != nullptr);
    return kContext.get();
}

/// True: `frame` is one whole frame of exactly plain.size() bytes. Nothing is written behind
/// `plain`, and the window lies in it: no memory is asked for.
bool decompress(ByteView frame, MutableByteView plain) {
    return ZSTD_getFrameContentSize(frame.data(), frame.size()) == plain.size() &&
           ZSTD_findFrameCompressedSize(frame.data(), frame.size()) == frame.size() &&
           ZSTD_decompressDCtx(decompressor(), plain.data(), plain.size(), frame.data(),
                               frame.size()) == plain.size();
}

PackedChunk decode_entry(ByteView entry) {
    namespace at = layout::pack_entry;
    PackedChunk chunk;
    std::copy_n(entry.begin(), chunk.fingerprint.size(), chunk.fingerprint.begin());
    chunk.offset = at::kOffset.load(entry);
    chunk.stored_length = at::kStoredLength.load(entry);
    chunk.plain_length = at::kPlainLength.load(entry);
    chunk.encoding = static_cast<ChunkEncoding>(at::kEncoding.load(entry));
    return chunk;
}

/// Where the sealed index begins; nothing: header, trailer or lengths are wrong.
std::optional<std::size_t> index_offset(const PackId& id, ByteView object) {
    namespace head = layout::pack_header;
    namespace tail = layout::pack_trailer;
    if (object.size() < head::kSize + kSealTagSize + tail::kSize ||
        object.size() > std::numeric_limits<std::uint32_t>::max() ||
        head::kMagic.load(object) != head::kMagicValue ||
        !std::equal(id.begin(), id.end(), object.begin() + head::kIdOffset) ||
        head::kReserved.load(object) != 0) {
        return std::nullopt;
    }
    const auto trailer = object.last(tail::kSize);
    const std::size_t sealed = tail::kIndexLength.load(trailer);
    if (tail::kMagic.load(trailer) != tail::kMagicValue || sealed < kSealTagSize ||
        sealed > object.size() - head::kSize - tail::kSize ||
        (sealed - kSealTagSize) % layout::pack_entry::kSize != 0) {
        return std::nullopt;
    }
    return object.size() - tail::kSize - sealed;
}

}  // namespace

Result<Buffer> open_chunk(const SecretKey& key, const PackedChunk& chunk, ByteView stored) {
    if (!is_possible(chunk) || stored.size() != chunk.stored_length) {
        return damaged_chunk(chunk, "its lengths do not fit");
    }
    auto body = Buffer::allocate(stored.size() - kSealTagSize);
    if (!open(key, pack_nonce(chunk.offset), chunk_additional(chunk.encoding, chunk.plain_length),
              stored, body.mutable_view())) {
        return damaged_chunk(chunk, "damaged, or not what was put there");
    }
    if (chunk.encoding == ChunkEncoding::raw) {
        return body;
    }
    auto plain = Buffer::allocate(chunk.plain_length);
    if (!decompress(body.view(), plain.mutable_view())) {
        return damaged_chunk(
            chunk, "its zstd frame is not one of " + std::to_string(chunk.plain_length) + " bytes");
    }
    return plain;
}

Result<Buffer> open_and_check_chunk(const KeyRing& keys, const SecretKey& key,
                                    const PackedChunk& chunk, ByteView stored) {
    TL_TRY(auto plain, open_chunk(key, chunk, stored));
    const auto found = keys.fingerprint(plain.view());
    if (CRYPTO_memcmp(found.data(), chunk.fingerprint.data(), found.size()) != 0) {
        return damaged_chunk(chunk, "its bytes are not those of its fingerprint");
    }
    return plain;
}

Result<PackContents> read_pack_contents(const KeyRing& keys, const PackId& id, ByteView object) {
    namespace at = layout::pack_entry;
    const auto begin = index_offset(id, object);
    if (!begin) {
        return damaged_pack(id, "not that pack, or cut off");
    }
    const auto sealed =
        object.subspan(*begin, object.size() - *begin - layout::pack_trailer::kSize);
    Bytes index(sealed.size() - kSealTagSize);
    if (!open(keys.pack_key(id), pack_nonce(*begin), as_bytes(kPackIndexAdditional), sealed,
              index)) {
        return damaged_pack(id, "its index is damaged, or of another key");
    }
    PackContents contents{id, object.size(), {}};
    contents.chunks.reserve(index.size() / at::kSize);
    std::size_t next = layout::pack_header::kSize;
    for (auto entry = ByteView(index); !entry.empty(); entry = entry.subspan(at::kSize)) {
        const auto chunk = decode_entry(entry);
        if (at::kReserved.load(entry) != 0 || !is_possible(chunk) || chunk.offset != next ||
            chunk.stored_length > *begin - next) {
            return damaged_pack(id, "entry " + std::to_string(contents.chunks.size()) +
                                        " of its index makes no sense");
        }
        next += chunk.stored_length;
        contents.chunks.push_back(chunk);
    }
    if (next != *begin) {
        return damaged_pack(id, "its index does not tell of all its bytes");
    }
    return contents;
}

}  // namespace tapeloft::media
