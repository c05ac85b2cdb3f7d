// Items of a pxar archive: what they are called on disk, and how long they may be.
//
//   offset  size  field (little-endian)
//        0     8  type
//        8     8  bytes of the item, these 16 included
//       16        content
#pragma once

#include <cstddef>
#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft::media {

inline constexpr std::size_t kPxarHeaderSize = 16;
/// One component of a path, as Linux and pxar know it; in bytes.
inline constexpr std::size_t kPxarNameMax = 4096;
/// Target of a symbolic link, in bytes (PATH_MAX).
inline constexpr std::size_t kPxarTargetMax = 4096;
/// A path in an archive, in bytes. So no tree is deeper than half of it.
inline constexpr std::size_t kPxarPathMax = 64UL * 1024;
/// An extended attribute: name (XATTR_NAME_MAX), NUL, value (XATTR_SIZE_MAX).
inline constexpr std::size_t kPxarXattrMax = 255 + 1 + 64UL * 1024;
/// All attributes of one entry together, in bytes.
inline constexpr std::size_t kPxarAttributesMax = 16UL * 1024 * 1024;

namespace layout::pxar {

using Type = LittleEndian<std::uint64_t, 0>;
using Size = LittleEndian<std::uint64_t, 8>;

inline constexpr std::uint64_t kEntry = 0xd5956474e588acef;
inline constexpr std::uint64_t kEntryV1 = 0x11da850a1c1cceff;
inline constexpr std::uint64_t kFilename = 0x16701121063917b3;
inline constexpr std::uint64_t kSymlink = 0x27f971e7dbf5dc5f;
inline constexpr std::uint64_t kDevice = 0x9fc9e906586d5ce9;
inline constexpr std::uint64_t kXattr = 0x0dab0229b57dcd03;
inline constexpr std::uint64_t kAclUser = 0x2ce8540a457d55b8;
inline constexpr std::uint64_t kAclGroup = 0x136e3eceb04c03ab;
inline constexpr std::uint64_t kAclGroupObject = 0x10868031e9582876;
inline constexpr std::uint64_t kAclDefault = 0xbbbb13415a6896f5;
inline constexpr std::uint64_t kAclDefaultUser = 0xc89357b40532cd1f;
inline constexpr std::uint64_t kAclDefaultGroup = 0xf90a8a5816038ffe;
inline constexpr std::uint64_t kCapability = 0x2da9dd9db5f7fb67;
inline constexpr std::uint64_t kQuotaProject = 0xe07540e82f7d1cbb;
inline constexpr std::uint64_t kHardlink = 0x51269c8422bd7275;
inline constexpr std::uint64_t kPayload = 0x28147a1b0b7c1a25;
inline constexpr std::uint64_t kGoodbye = 0x2fec4fa642d5731d;
/// Version 2 only: which version it is; what the client puts before the root; where in the payload
/// stream the data of a file stand.
inline constexpr std::uint64_t kFormatVersion = 0x730f6c75df16a40d;
inline constexpr std::uint64_t kPrelude = 0xe309d79d9f7b771b;
inline constexpr std::uint64_t kPayloadRef = 0x419d3d6bc4ba977e;
/// First item of a payload stream; it has no content.
inline constexpr std::uint64_t kPayloadStart = 0x834c68c2194a4ed2;

/// ENTRY, 40 bytes.
namespace entry {
using Mode = LittleEndian<std::uint64_t, 0>;
using Flags = LittleEndian<std::uint64_t, 8>;
using Uid = LittleEndian<std::uint32_t, 16>;
using Gid = LittleEndian<std::uint32_t, 20>;
using Seconds = LittleEndian<std::int64_t, 24>;
using Nanoseconds = LittleEndian<std::uint32_t, 32>;
/// The old form, 32 bytes, has nanoseconds since 1970 where the new one has seconds.
using V1Time = LittleEndian<std::uint64_t, 24>;
}  // namespace entry

/// GOODBYE: an item for each child, sorted by hash and laid out as a binary search tree (children
/// of slot i: 2i + 1 and 2i + 2), and one more that tells where the directory begins.
namespace goodbye {
inline constexpr std::size_t kItemSize = 24;
using Hash = LittleEndian<std::uint64_t, 0>;
/// Start of this GOODBYE - the child's FILENAME; in the last one - the directory's ENTRY.
using Offset = LittleEndian<std::uint64_t, 8>;
/// From FILENAME to the child's end; in the last one: bytes of the GOODBYE.
using Size = LittleEndian<std::uint64_t, 16>;
inline constexpr std::uint64_t kTail = 0xef5eed5b753e1555;
inline constexpr std::uint64_t kHashKey0 = 0x83ac3f1cfbb450db;
inline constexpr std::uint64_t kHashKey1 = 0xaa4f1b6879369fbd;
}  // namespace goodbye

}  // namespace layout::pxar

}  // namespace tapeloft::media
