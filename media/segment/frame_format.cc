#include "media/segment/frame_format.h"

#include <algorithm>

#include "cloud/base/digest.h"

namespace tapeloft::media {

std::array<std::uint8_t, kSegmentHeaderSize> encode_header(const SegmentIdentity& identity) {
    namespace at = layout::segment_header;
    TL_ASSERT(!identity.serial.empty() && identity.serial.size() <= kSerialLengthMax);
    std::array<std::uint8_t, kSegmentHeaderSize> bytes = {};
    at::kMagic.store(bytes, at::kMagicValue);
    at::kVersion.store(bytes, at::kVersionValue);
    at::kPartition.store(bytes, identity.partition);
    at::kNumber.store(bytes, identity.number);
    at::kFirstObject.store(bytes, identity.first_object);
    at::kFirstFile.store(bytes, identity.first_file);
    at::kSerialLength.store(bytes, static_cast<std::uint32_t>(identity.serial.size()));
    std::copy(identity.serial.begin(), identity.serial.end(), bytes.begin() + at::kSerialOffset);
    at::kCrc.store(bytes, crc32c(ByteView(bytes).first(at::kCrc.offset)));
    return bytes;
}

std::uint32_t segment_seed(const SegmentIdentity& identity) {
    return layout::segment_header::kCrc.load(encode_header(identity));
}

void encode_frame_header(const FrameHeader& header, std::uint32_t seed, MutableByteView into) {
    namespace at = layout::frame;
    at::kMagic.store(into, at::kMagicValue);
    at::kType.store(into, static_cast<std::uint8_t>(header.type));
    at::kReserved.store(into, 0);
    at::kFlags.store(into, header.encoding == RecordEncoding::encrypted ? at::kEncryptedFlag : 0);
    at::kLength.store(into, header.length);
    at::kCount.store(into, header.count);
    at::kObject.store(into, header.object);
    at::kFile.store(into, header.file);
    at::kPayloadCrc.store(into, header.payload_crc);
    at::kHeaderCrc.store(into, crc32c(into.first(at::kHeaderCrc.offset), seed));
}

namespace {

bool is_possible(const FrameHeader& header) {
    switch (header.type) {
        case FrameType::record:
            return header.count == 1 && header.length >= kRecordLengthMin &&
                   header.length <= stored_length_max(header.encoding);
        case FrameType::filemarks:
            return header.count >= 1 && header.length == 0 &&
                   header.encoding == RecordEncoding::plain;
    }
    return false;
}

}  // namespace

std::optional<FrameHeader> decode_frame_header(ByteView bytes, std::uint32_t seed) {
    namespace at = layout::frame;
    if (bytes.size() < at::kHeaderSize || at::kMagic.load(bytes) != at::kMagicValue ||
        at::kHeaderCrc.load(bytes) != crc32c(bytes.first(at::kHeaderCrc.offset), seed)) {
        return std::nullopt;
    }
    FrameHeader header;
    header.type = static_cast<FrameType>(at::kType.load(bytes));
    const auto flags = at::kFlags.load(bytes);
    header.encoding =
        (flags & at::kEncryptedFlag) != 0 ? RecordEncoding::encrypted : RecordEncoding::plain;
    header.length = at::kLength.load(bytes);
    header.count = at::kCount.load(bytes);
    header.object = at::kObject.load(bytes);
    header.file = at::kFile.load(bytes);
    header.payload_crc = at::kPayloadCrc.load(bytes);
    const auto unknown_flags = static_cast<std::uint16_t>(flags & ~at::kEncryptedFlag);
    if (unknown_flags != 0 || at::kReserved.load(bytes) != 0 || !is_possible(header)) {
        return std::nullopt;
    }
    return header;
}

std::array<std::uint8_t, layout::sync_mark::kSize> encode_sync_mark(const SyncMark& mark,
                                                                    std::uint32_t seed) {
    namespace at = layout::sync_mark;
    std::array<std::uint8_t, at::kSize> bytes = {};
    at::kMagic.store(bytes, at::kMagicValue);
    at::kSequence.store(bytes, mark.sequence);
    at::kObjects.store(bytes, mark.objects);
    at::kFilemarks.store(bytes, mark.filemarks);
    at::kFileLength.store(bytes, mark.file_length);
    at::kReserved.store(bytes, 0);
    at::kCrc.store(bytes, crc32c(ByteView(bytes).first(at::kCrc.offset), seed));
    return bytes;
}

std::optional<SyncMark> decode_sync_mark(ByteView bytes, std::uint32_t seed) {
    namespace at = layout::sync_mark;
    if (bytes.size() < at::kSize || at::kMagic.load(bytes) != at::kMagicValue ||
        at::kCrc.load(bytes) != crc32c(bytes.first(at::kCrc.offset), seed)) {
        return std::nullopt;
    }
    SyncMark mark;
    mark.sequence = at::kSequence.load(bytes);
    mark.objects = at::kObjects.load(bytes);
    mark.filemarks = at::kFilemarks.load(bytes);
    mark.file_length = at::kFileLength.load(bytes);
    return mark;
}

}  // namespace tapeloft::media
