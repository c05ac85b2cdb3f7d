// Records of Proxmox Backup Server: blocks of 256 KiB, each with a header of 16 bytes. Whoever
// reads or makes them, the archiver as well as the reader of tapes, does it by this.
//
//   offset  size  field, little-endian
//        0     8  magic dc bd af ca eb a0 a5 28
//        8     1  flags: bit 0 end of stream, bit 1 incomplete
//        9     3  payload bytes in use, 0 to 262128; none but in an end block
//       12     4  sequence number, 0 for the first block of each tape file
//       16        payload, then zeros
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

inline constexpr std::size_t kPbsBlockSize = 256UL * 1024;
inline constexpr std::size_t kPbsBlockHeaderSize = 16;
inline constexpr std::size_t kPbsPayloadMax = kPbsBlockSize - kPbsBlockHeaderSize;

using PbsMagic = std::array<std::uint8_t, 8>;

[[nodiscard]] inline bool begins_with(ByteView bytes, const PbsMagic& magic) noexcept {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

namespace layout::pbs_block {
inline constexpr PbsMagic kMagic = {0xDC, 0xBD, 0xAF, 0xCA, 0xEB, 0xA0, 0xA5, 0x28};
inline constexpr LittleEndian<std::uint8_t, 8> kFlags;
inline constexpr std::uint8_t kEndOfStream = 0x01;
inline constexpr std::uint8_t kIncomplete = 0x02;
inline constexpr LittleEndian<std::uint32_t, 9, 3> kSize;
inline constexpr LittleEndian<std::uint32_t, 12> kSequence;
}  // namespace layout::pbs_block

struct PbsBlockHeader {
    std::uint32_t size = 0;  ///< payload bytes in use
    std::uint32_t sequence = 0;
    bool last = false;
    bool incomplete = false;  ///< of the last one: the file is to be ignored

    [[nodiscard]] std::uint8_t flags() const noexcept;
};

/// Why a record is no block.
enum class PbsBlockFlaw : std::uint8_t { none, length, magic, flags, size };

/// Any record. header: as far as there is no flaw.
[[nodiscard]] PbsBlockFlaw read_pbs_block_header(ByteView record, PbsBlockHeader& header) noexcept;

/// The same, for a reader. sequence: what the block must say it is. Errors: corrupt (a flaw, or
/// another sequence number).
[[nodiscard]] Result<PbsBlockHeader> parse_pbs_block(ByteView record, std::uint32_t sequence);

/// Makes a block around its payload: header, and zeros behind header.size bytes. block:
/// kPbsBlockSize.
void frame_pbs_block(MutableByteView block, const PbsBlockHeader& header) noexcept;

}  // namespace tapeloft::media
