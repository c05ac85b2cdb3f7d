// DataBlob: how Proxmox Backup Server keeps a chunk or a small file. Header, then data, perhaps
// compressed (one zstd frame), then perhaps encrypted.
//
//   offset  size  field
//        0     8  magic, which says how it is encoded
//        8     4  CRC-32 of all behind the header, little-endian
//       12    16  encrypted: IV
//       28    16  encrypted: tag
//       12 / 44   data
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/crypto/crypt_key.h"

namespace tapeloft::media {

enum class BlobEncoding : std::uint8_t { plain, zstd, encrypted, zstd_encrypted };
[[nodiscard]] std::string_view to_string(BlobEncoding encoding) noexcept;
[[nodiscard]] constexpr bool is_encrypted(BlobEncoding encoding) noexcept {
    return encoding == BlobEncoding::encrypted || encoding == BlobEncoding::zstd_encrypted;
}

inline constexpr std::size_t kBlobDataMax = 128UL * 1024 * 1024;  ///< bytes, decoded
inline constexpr std::size_t kBlobSizeMax = kBlobDataMax + 44;

/// Checks length and magic. Errors: corrupt.
[[nodiscard]] Result<BlobEncoding> blob_encoding(ByteView blob);

/// Whether these are the first bytes of an encrypted one: its magic is enough.
inline constexpr std::size_t kBlobMagicSize = 8;
[[nodiscard]] bool begins_encrypted_blob(ByteView bytes) noexcept;

/// And the CRC. Errors: corrupt.
[[nodiscard]] Result<BlobEncoding> check_blob(ByteView blob);

/// Checks, decrypts, decompresses. key: null, if there is none. data_max: how long the data may be,
/// kBlobDataMax at most; so much memory it takes, twice if it is encrypted, none if it is plain:
/// the data are a slice of the blob then. Errors: corrupt (also longer than data_max), denied
/// (encrypted, and no key or the wrong one).
[[nodiscard]] Result<Buffer> decode_blob(const Buffer& blob, const CryptKey* key,
                                         std::size_t data_max);

/// A blob with the data as they are.
[[nodiscard]] Bytes plain_blob(ByteView data);

}  // namespace tapeloft::media
