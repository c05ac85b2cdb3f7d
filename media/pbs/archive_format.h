// What is in the streams of Proxmox Backup Server: the content header that each begins with, and
// the entries of chunk archives. All integers little-endian. Whoever reads them, the archiver as
// well as the reader of tapes, has them from here.
#pragma once

#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

#include "media/pbs/block_format.h"
#include "media/pbs/identifiers.h"

namespace tapeloft::media {

namespace layout::pbs_content_header {  // the first bytes of a stream; JSON follows
inline constexpr std::size_t kSize = 48;
inline constexpr PbsMagic kMagic = {0x63, 0xEE, 0x14, 0x9F, 0xCD, 0xF2, 0x9B, 0x0C};
inline constexpr std::size_t kContentMagicOffset = 8;
inline constexpr PbsMagic kMediaLabel = {0x2A, 0x05, 0xBF, 0x3C, 0xB0, 0x30, 0xAA, 0x39};
inline constexpr PbsMagic kMediaSetLabel = {0x08, 0x60, 0x63, 0xF9, 0x2F, 0x97, 0x53, 0xD8};
inline constexpr PbsMagic kChunkArchive = {0x6D, 0x31, 0x63, 0x6D, 0xD7, 0x02, 0x83, 0xBF};
inline constexpr PbsMagic kSnapshotArchive = {0xDA, 0x16, 0x15, 0xD0, 0x11, 0xE2, 0x9A, 0x62};
inline constexpr PbsMagic kSnapshotArchiveInNamespace = {0x62, 0x10, 0x36, 0x9B,
                                                         0xBA, 0x10, 0x33, 0x1D};
inline constexpr PbsMagic kCatalogArchive = {0xB7, 0xCF, 0xC7, 0x25, 0x9E, 0x99, 0x1E, 0x73};
inline constexpr PbsMagic kCatalogArchiveOfNamespaces = {0xB3, 0xEC, 0x71, 0xF0,
                                                         0xAD, 0xEC, 0x02, 0x60};
// Never released; there is no more in them than their names.
inline constexpr PbsMagic kOldChunkArchive = {0x3E, 0xAD, 0xA7, 0x5F, 0x31, 0x4C, 0x06, 0x6E};
inline constexpr PbsMagic kOldSnapshotArchive = {0x09, 0xB6, 0x02, 0x1F, 0x7D, 0xE8, 0x72, 0x85};
inline constexpr std::size_t kUuidOffset = 16;
inline constexpr LittleEndian<std::int64_t, 32> kTime;
inline constexpr LittleEndian<std::uint32_t, 40> kJsonSize;
/// PBS writes about 25 to 1000 bytes.
inline constexpr std::uint32_t kJsonSizeMax = 1024 * 1024;
inline constexpr LittleEndian<std::uint8_t, 44> kPartNumber;
}  // namespace layout::pbs_content_header

namespace layout::pbs_chunk_entry {  // in a chunk archive; a blob follows
inline constexpr std::size_t kSize = 48;
inline constexpr PbsMagic kMagic = {0x48, 0x57, 0x6D, 0xF2, 0xDE, 0x42, 0x8F, 0xDC};
inline constexpr std::size_t kDigestOffset = 8;
inline constexpr LittleEndian<std::uint64_t, 40> kBlobSize;
inline constexpr std::uint64_t kBlobSizeMin = 12;
inline constexpr std::uint64_t kBlobSizeMax = 128ULL * 1024 * 1024 + 44;
}  // namespace layout::pbs_chunk_entry

struct PbsContentHeader {
    PbsMagic content{};
    PbsUuid uuid{};  ///< of the tape file
    std::int64_t time_s = 0;
    std::uint32_t json_size = 0;   ///< bytes behind the header, kJsonSizeMax at most
    std::uint8_t part_number = 0;  ///< PBS writes 0
};
/// bytes: layout::pbs_content_header::kSize of them. Nothing: wrong magic, or too much JSON.
[[nodiscard]] std::optional<PbsContentHeader> parse_pbs_content_header(ByteView bytes) noexcept;

struct PbsChunkEntryHeader {
    PbsDigest digest{};
    std::uint32_t blob_size = 0;  ///< bytes behind the header, kBlobSizeMin to kBlobSizeMax
};
/// bytes: layout::pbs_chunk_entry::kSize of them. Nothing: wrong magic, or an impossible blob.
[[nodiscard]] std::optional<PbsChunkEntryHeader> parse_pbs_chunk_entry(ByteView bytes) noexcept;

}  // namespace tapeloft::media
