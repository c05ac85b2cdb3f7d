// What is in a segment file: what writer, reader and recovery agree on. All integers little-endian;
// the tables are in README.md beside this file.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "cloud/base/bytes.h"

#include "media/cartridge/block_io.h"

namespace tapeloft::media {

inline constexpr std::uint64_t kSegmentLengthMax =
    64ULL * 1024 * 1024;  ///< a longer one is not begun
inline constexpr std::uint32_t kSegmentFramesMax = 65536;
inline constexpr std::size_t kSegmentHeaderSize = 512;
inline constexpr std::uint64_t kSegmentDataOffset = 4096;  ///< the first frame
inline constexpr std::size_t kSerialLengthMax = 32;

namespace layout::segment_header {
inline constexpr std::uint64_t kMagicValue = 0x31474553'46544C54;  // "TLTFSEG1"
inline constexpr std::uint32_t kVersionValue = 1;
inline constexpr LittleEndian<std::uint64_t, 0> kMagic;
inline constexpr LittleEndian<std::uint32_t, 8> kVersion;
inline constexpr LittleEndian<std::uint32_t, 12> kPartition;
inline constexpr LittleEndian<std::uint64_t, 16> kNumber;
inline constexpr LittleEndian<std::uint64_t, 24> kFirstObject;
inline constexpr LittleEndian<std::uint64_t, 32> kFirstFile;
inline constexpr LittleEndian<std::uint32_t, 40> kSerialLength;
inline constexpr std::size_t kSerialOffset = 44;
inline constexpr LittleEndian<std::uint32_t, 508> kCrc;  // over bytes 0 to 507
}  // namespace layout::segment_header

namespace layout::sync_mark {  // two slots, each in a sector of its own
inline constexpr std::array<std::uint64_t, 2> kSlotOffsets = {1024, 2048};
inline constexpr std::size_t kSize = 48;
inline constexpr std::uint64_t kMagicValue = 0x314B5253'46544C54;  // "TLTFSRK1"
inline constexpr LittleEndian<std::uint64_t, 0> kMagic;
inline constexpr LittleEndian<std::uint64_t, 8> kSequence;
inline constexpr LittleEndian<std::uint64_t, 16> kObjects;
inline constexpr LittleEndian<std::uint64_t, 24> kFilemarks;
inline constexpr LittleEndian<std::uint64_t, 32> kFileLength;
inline constexpr LittleEndian<std::uint32_t, 40> kReserved;
inline constexpr LittleEndian<std::uint32_t, 44>
    kCrc;  // over bytes 0 to 43, continued from the seed
}  // namespace layout::sync_mark

namespace layout::frame {
inline constexpr std::size_t kHeaderSize = 40;
inline constexpr std::uint32_t kMagicValue = 0x52464C54;  // "TLFR"
inline constexpr LittleEndian<std::uint32_t, 0> kMagic;
inline constexpr LittleEndian<std::uint8_t, 4> kType;
inline constexpr LittleEndian<std::uint8_t, 5> kReserved;
inline constexpr LittleEndian<std::uint16_t, 6> kFlags;
inline constexpr std::uint16_t kEncryptedFlag = 0x0001;
inline constexpr LittleEndian<std::uint32_t, 8> kLength;
inline constexpr LittleEndian<std::uint32_t, 12> kCount;
inline constexpr LittleEndian<std::uint64_t, 16> kObject;
inline constexpr LittleEndian<std::uint64_t, 24> kFile;
inline constexpr LittleEndian<std::uint32_t, 32> kPayloadCrc;  // continued from the seed
inline constexpr LittleEndian<std::uint32_t, 36> kHeaderCrc;   // over bytes 0 to 35, likewise
}  // namespace layout::frame

namespace layout::index_run {
inline constexpr std::size_t kSize = 9;
inline constexpr LittleEndian<std::uint8_t, 0> kKind;
inline constexpr LittleEndian<std::uint32_t, 1> kLength;
inline constexpr LittleEndian<std::uint32_t, 5> kCount;
}  // namespace layout::index_run

namespace layout::index_footer {  // the last bytes of the file; the runs stand right before it
inline constexpr std::size_t kSize = 32;
inline constexpr std::uint32_t kMagicValue = 0x58494C54;  // "TLIX"
inline constexpr LittleEndian<std::uint32_t, 0> kMagic;
inline constexpr LittleEndian<std::uint32_t, 4> kRuns;
inline constexpr LittleEndian<std::uint64_t, 8> kObjects;
inline constexpr LittleEndian<std::uint64_t, 16> kFilemarks;
inline constexpr LittleEndian<std::uint32_t, 24> kRunsCrc;  // continued from the seed
inline constexpr LittleEndian<std::uint32_t, 28> kCrc;      // over bytes 0 to 27, likewise
}  // namespace layout::index_footer

/// What makes a segment this one and no other. All of it is in the catalog, so the header in the
/// file tells nothing new; its CRC is the seed of every other CRC in the file, so that no frame of
/// another segment, cartridge or time can be taken for one of this segment.
struct SegmentIdentity {
    std::string serial;  ///< of the cartridge; 1 to kSerialLengthMax characters
    std::uint32_t partition = 0;
    std::uint64_t number = 0;
    std::uint64_t first_object = 0;
    std::uint64_t first_file = 0;
};

[[nodiscard]] std::array<std::uint8_t, kSegmentHeaderSize> encode_header(
    const SegmentIdentity& identity);
[[nodiscard]] std::uint32_t segment_seed(const SegmentIdentity& identity);

enum class FrameType : std::uint8_t { record = 1, filemarks = 2 };

struct FrameHeader {
    FrameType type = FrameType::record;
    RecordEncoding encoding = RecordEncoding::plain;
    std::uint32_t length = 0;  ///< payload bytes behind the header; 0 for filemarks
    std::uint32_t count = 1;   ///< objects; 1 for a record
    std::uint64_t object = 0;  ///< number of the first object, in the partition
    std::uint64_t file = 0;    ///< filemarks before it, in the partition
    std::uint32_t payload_crc = 0;
};

void encode_frame_header(const FrameHeader& header, std::uint32_t seed, MutableByteView into);
/// Nothing: not a frame header of this segment, or one with flags this version does not know.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(ByteView bytes, std::uint32_t seed);

/// What was durable when it was written. Of two slots the valid one with the higher sequence
/// counts.
struct SyncMark {
    std::uint64_t sequence = 0;  ///< 0: none
    std::uint64_t objects = 0;   ///< of this segment
    std::uint64_t filemarks = 0;
    std::uint64_t file_length = 0;
};

[[nodiscard]] std::array<std::uint8_t, layout::sync_mark::kSize> encode_sync_mark(
    const SyncMark& mark, std::uint32_t seed);
[[nodiscard]] std::optional<SyncMark> decode_sync_mark(ByteView bytes, std::uint32_t seed);

}  // namespace tapeloft::media
