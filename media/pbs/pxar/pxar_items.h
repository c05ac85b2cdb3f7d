// Items of a pxar archive to what they say of an entry. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/pxar_entry.h"
#include "media/pbs/pxar/pxar_format.h"

namespace tapeloft::media {

struct PxarItem {
    std::uint64_t type = 0;
    std::uint64_t content = 0;  ///< bytes behind the header
};

/// header: 16 bytes. Errors: corrupt (an unknown type; a length that such an item cannot have).
[[nodiscard]] Result<PxarItem> decode_item(ByteView header);

/// "XATTR", "GOODBYE", ...
[[nodiscard]] std::string_view item_name(std::uint64_t type) noexcept;

/// It stands between the ENTRY of an entry and its content: ENTRY itself, XATTR, ACL_USER, ...
[[nodiscard]] bool is_attribute(std::uint64_t type) noexcept;

/// Takes over what an item says of the entry: an attribute, SYMLINK, DEVICE, PAYLOAD_REF, HARDLINK.
/// Errors: corrupt; the entry may hold a part of it.
[[nodiscard]] Result<void> decode_content(std::uint64_t type, ByteView content, PxarEntry& entry);

/// The name in a FILENAME. Errors: corrupt (no NUL behind it, not a name: see is_safe_name).
[[nodiscard]] Result<std::string> decode_filename(ByteView content);

}  // namespace tapeloft::media
