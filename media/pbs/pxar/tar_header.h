// Entries as tar has them: ustar headers (POSIX.1-2017, pax), with pax records for what those
// cannot hold. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "cloud/base/bytes.h"

#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {

inline constexpr std::size_t kTarBlock = 512;

/// All that comes before the data of the entry, in whole blocks. Names begin with "./". Extended
/// attributes and capabilities are SCHILY.xattr records, ACLs SCHILY.acl.access and .default;
/// chattr flags and quota projects have no place. entry: no socket.
[[nodiscard]] Bytes tar_header(const PxarEntry& entry);

/// "user::rw-,user:1001:r--,group::r--,mask::rw-,other::---"
[[nodiscard]] std::string acl_text(const std::vector<AclEntry>& list);

}  // namespace tapeloft::media
