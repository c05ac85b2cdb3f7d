#include "media/log/log_object.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <tuple>

#include <zstd.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

#include "media/log/fields.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kLogMagic = "TLLOG001";
constexpr std::string_view kHeadMagic = "TLHEAD01";
constexpr std::size_t kSaltSize = 16;
constexpr std::size_t kLogHeaderSize = 48;
constexpr std::size_t kHeadHeaderSize = 40;
constexpr std::size_t kHeadPlainSize = 48;
constexpr std::size_t kEntryHeaderSize = 5;
constexpr int kZstdLevel = 3;

/// The salt of each object is random, so each key seals one message only.
constexpr Nonce kNonce{};

constexpr std::array<LogEntryType, 11> kEntryTypes = {
    LogEntryType::retained,   LogEntryType::library,      LogEntryType::writer,
    LogEntryType::pack_added, LogEntryType::pack_removed, LogEntryType::state,
    LogEntryType::format,     LogEntryType::truncate,     LogEntryType::append,
    LogEntryType::segments,   LogEntryType::removed};

Error damaged(const std::string& name) {
    return {Errc::corrupt, name + " is damaged, or not what was written there"};
}

/// A checkpoint begins with what it retains; no other entry says so.
bool is_well_formed(const LogObject& object) {
    const bool checkpoint = object.kind == LogKind::checkpoint;
    const auto count =
        std::count_if(object.entries.begin(), object.entries.end(),
                      [](const LogEntry& entry) { return entry.type == LogEntryType::retained; });
    return count == (checkpoint ? 1 : 0) &&
           (!checkpoint || object.entries.front().type == LogEntryType::retained);
}

Result<Bytes> payload_of(const LogObject& object) {
    if (!is_well_formed(object)) {
        return Error{Errc::invalid_argument,
                     "a checkpoint, and nothing else, begins with what it retains"};
    }
    std::size_t size = object.previous.size() + 1;
    for (const auto& entry : object.entries) {
        size += kEntryHeaderSize + entry.body.size();
    }
    if (size > kLogPayloadMax) {
        return Error{Errc::invalid_argument,
                     "a log object of " + std::to_string(size) + " bytes is too long"};
    }
    FieldWriter payload;
    payload.reserve(size);
    payload.bytes(object.previous);
    payload.u8(static_cast<std::uint8_t>(object.kind));
    for (const auto& entry : object.entries) {
        payload.u8(static_cast<std::uint8_t>(entry.type));
        payload.u32(static_cast<std::uint32_t>(entry.body.size()));
        payload.bytes(entry.body);
    }
    return payload.take();
}

Result<Bytes> compressed(ByteView plain) {
    Bytes frame(ZSTD_compressBound(plain.size()));
    const auto size =
        ZSTD_compress(frame.data(), frame.size(), plain.data(), plain.size(), kZstdLevel);
    if (ZSTD_isError(size) != 0) {
        return Error{Errc::io, std::string("zstd: ") + ZSTD_getErrorName(size)};
    }
    frame.resize(size);
    return frame;
}

/// Nothing: not exactly one frame that tells its content size, kLogPayloadMax at most.
std::optional<Bytes> decompressed(ByteView frame) {
    const auto size = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN ||
        size > kLogPayloadMax ||
        ZSTD_findFrameCompressedSize(frame.data(), frame.size()) != frame.size()) {
        return std::nullopt;
    }
    Bytes plain(size);
    if (ZSTD_decompress(plain.data(), plain.size(), frame.data(), frame.size()) != size) {
        return std::nullopt;
    }
    return plain;
}

Result<LogObject> parse_payload(const std::string& name, std::uint64_t sequence, ByteView payload) {
    FieldReader reader(payload);
    LogObject object;
    object.sequence = sequence;
    object.previous = reader.array<std::tuple_size_v<Sha256>>();
    object.kind = LogKind{reader.u8()};
    if (object.kind != LogKind::delta && object.kind != LogKind::checkpoint) {
        return damaged(name);
    }
    while (!reader.failed() && !reader.at_end()) {
        LogEntry entry;
        entry.type = LogEntryType{reader.u8()};
        const auto body = reader.bytes(reader.u32());
        if (!reader.failed() &&
            std::find(kEntryTypes.begin(), kEntryTypes.end(), entry.type) == kEntryTypes.end()) {
            return Error{Errc::unsupported, name + " has an entry of type " +
                                                std::to_string(static_cast<int>(entry.type)) +
                                                ", which a newer program must have written"};
        }
        entry.body.assign(body.begin(), body.end());
        object.entries.push_back(std::move(entry));
    }
    const bool first_has_none = sequence != 1 || object.previous == Sha256{};
    if (reader.failed() || !first_has_none || !is_well_formed(object)) {
        return damaged(name);
    }
    return object;
}

/// header ‖ sealed plaintext.
Bytes sealed_behind(Bytes header, const SecretKey& key, ByteView plain) {
    const auto header_size = header.size();
    header.resize(header_size + plain.size() + kSealTagSize);
    seal(key, kNonce, ByteView(header).first(header_size), plain,
         std::span(header).subspan(header_size));
    return header;
}

std::optional<Bytes> opened_behind(ByteView bytes, std::size_t header_size, const SecretKey& key) {
    const auto sealed = bytes.subspan(header_size);
    Bytes plain(sealed.size() - kSealTagSize);
    if (!open(key, kNonce, bytes.first(header_size), sealed, plain)) {
        return std::nullopt;
    }
    return plain;
}

}  // namespace

Result<SealedLogObject> seal_log_object(const KeyRing& keys, const StreamId& stream,
                                        const LogObject& object) {
    TL_ASSERT(object.sequence != 0);
    TL_TRY(const auto payload, payload_of(object));
    TL_TRY(const auto frame, compressed(payload));
    std::array<std::uint8_t, kSaltSize> salt{};
    TL_CHECK(fill_random(salt));
    FieldWriter header;
    header.reserve(kLogHeaderSize + frame.size() + kSealTagSize);
    header.bytes(as_bytes(kLogMagic));
    header.bytes(stream);
    header.u64(object.sequence);
    header.bytes(salt);
    SealedLogObject sealed;
    sealed.bytes = sealed_behind(header.take(), keys.log_key(salt, stream, object.sequence), frame);
    sealed.digest = sha256(sealed.bytes);
    return sealed;
}

Result<LogObject> open_log_object(const KeyRing& keys, const StreamId& stream,
                                  std::uint64_t sequence, ByteView bytes) {
    const auto name = log_name(stream, sequence);
    FieldReader header(bytes);
    const bool magic = as_text(header.bytes(kLogMagic.size())) == kLogMagic;
    const bool same_stream = header.array<std::tuple_size_v<StreamId>>() == stream;
    const bool same_sequence = header.u64() == sequence;
    const auto salt = header.bytes(kSaltSize);
    if (!magic || !same_stream || !same_sequence || bytes.size() < kLogHeaderSize + kSealTagSize) {
        return damaged(name);
    }
    const auto frame = opened_behind(bytes, kLogHeaderSize, keys.log_key(salt, stream, sequence));
    if (!frame) {
        return damaged(name);
    }
    const auto payload = decompressed(*frame);
    if (!payload) {
        return damaged(name);
    }
    return parse_payload(name, sequence, *payload);
}

Result<Bytes> seal_head(const KeyRing& keys, const StreamId& stream, const StreamHead& head) {
    std::array<std::uint8_t, kSaltSize> salt{};
    TL_CHECK(fill_random(salt));
    FieldWriter header;
    header.bytes(as_bytes(kHeadMagic));
    header.bytes(stream);
    header.bytes(salt);
    FieldWriter plain;
    plain.u64(head.checkpoint);
    plain.u64(head.sequence);
    plain.bytes(head.digest);
    return sealed_behind(header.take(), keys.head_key(salt, stream), plain.take());
}

Result<StreamHead> open_head(const KeyRing& keys, const StreamId& stream, ByteView bytes) {
    FieldReader header(bytes);
    const bool magic = as_text(header.bytes(kHeadMagic.size())) == kHeadMagic;
    const bool same_stream = header.array<std::tuple_size_v<StreamId>>() == stream;
    const auto salt = header.bytes(kSaltSize);
    if (!magic || !same_stream || bytes.size() != kHeadHeaderSize + kHeadPlainSize + kSealTagSize) {
        return damaged(head_name(stream));
    }
    const auto plain = opened_behind(bytes, kHeadHeaderSize, keys.head_key(salt, stream));
    if (!plain) {
        return damaged(head_name(stream));
    }
    FieldReader reader(*plain);
    StreamHead head;
    head.checkpoint = reader.u64();
    head.sequence = reader.u64();
    head.digest = reader.array<std::tuple_size_v<Sha256>>();
    if (head.sequence == 0 || head.checkpoint > head.sequence) {
        return damaged(head_name(stream));
    }
    return head;
}

Sha256 sha256(ByteView bytes) {
    const std::array<ByteView, 1> parts = {bytes};
    const auto value = digest(DigestAlgorithm::sha256, parts);
    Sha256 result{};
    std::copy(value.begin(), value.end(), result.begin());
    return result;
}

std::string log_name(const StreamId& stream, std::uint64_t sequence) {
    std::array<std::uint8_t, 8> number{};
    store_big_endian<8>(number, sequence);
    return std::string(kLogPrefix) + to_hex(stream) + "/" + to_hex(number);
}

std::string head_name(const StreamId& stream) {
    return std::string(kHeadPrefix) + to_hex(stream);
}

}  // namespace tapeloft::media
