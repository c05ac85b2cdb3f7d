// What is in a block of Proxmox Backup Server, and in the streams made of them, as far as we look
// into them. All integers little-endian.
#pragma once

#include <array>
#include <cstdint>

#include "cloud/base/bytes.h"

#include "media/pbs/block_stream.h"

namespace tapeloft::media {

namespace layout::pbs_block {
inline constexpr std::array<std::uint8_t, 8> kMagic = {0xDC, 0xBD, 0xAF, 0xCA,
                                                       0xEB, 0xA0, 0xA5, 0x28};
inline constexpr LittleEndian<std::uint8_t, 8> kFlags;
inline constexpr std::uint8_t kEndOfStream = 0x01;
inline constexpr std::uint8_t kIncomplete = 0x02;
inline constexpr LittleEndian<std::uint32_t, 9, 3> kSize;
inline constexpr LittleEndian<std::uint32_t, 12> kSequence;
}  // namespace layout::pbs_block

namespace layout::pbs_content_header {  // the first bytes of a stream; JSON follows
inline constexpr std::size_t kSize = 48;
inline constexpr std::array<std::uint8_t, 8> kMagic = {0x63, 0xEE, 0x14, 0x9F,
                                                       0xCD, 0xF2, 0x9B, 0x0C};
inline constexpr std::size_t kContentMagicOffset = 8;
inline constexpr std::array<std::uint8_t, 8> kChunkArchive = {0x6D, 0x31, 0x63, 0x6D,
                                                              0xD7, 0x02, 0x83, 0xBF};
inline constexpr LittleEndian<std::uint32_t, 40> kJsonSize;
}  // namespace layout::pbs_content_header

namespace layout::pbs_chunk_entry {  // in a chunk archive; a blob follows
inline constexpr std::size_t kSize = 48;
inline constexpr std::array<std::uint8_t, 8> kMagic = {0x48, 0x57, 0x6D, 0xF2,
                                                       0xDE, 0x42, 0x8F, 0xDC};
inline constexpr LittleEndian<std::uint64_t, 40> kBlobSize;
inline constexpr std::uint64_t kBlobSizeMin = 12;
inline constexpr std::uint64_t kBlobSizeMax = 128ULL * 1024 * 1024 + 44;
}  // namespace layout::pbs_chunk_entry

}  // namespace tapeloft::media
