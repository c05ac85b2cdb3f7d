// CRC32C (Castagnoli, RFC 3720 appendix B.4) and the message digests that CHAP needs.
#pragma once

#include <cstdint>

#include "cloud/base/bytes.h"

namespace tapeloft {

/// CRC32C of `bytes` appended to what `crc` already covers; 0 starts a new one. The value is the
/// final one (inverted), as iSCSI digests and our frames store it. Uses SSE 4.2 where the CPU has
/// it.
[[nodiscard]] std::uint32_t crc32c(ByteView bytes, std::uint32_t crc = 0) noexcept;

/// The same of the same bytes, of which there are `size`, where `crc` began with `from` and this
/// one begins with `to`. Does not need the bytes: the CRC is linear in what it begins with.
[[nodiscard]] std::uint32_t crc32c_begun_with(std::uint32_t to, std::uint32_t crc,
                                              std::uint32_t from, std::uint64_t size) noexcept;

/// The table-driven form, for CPUs without the instruction; also what the tests compare with.
[[nodiscard]] std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t crc = 0) noexcept;

enum class DigestAlgorithm : std::uint8_t { md5, sha1, sha256 };  // sha1: for CHAP only

/// Whether this OpenSSL has it: one that keeps to FIPS 140 has no MD5. To be asked first of all but
/// SHA-256, without which the program does not run.
[[nodiscard]] bool has_digest(DigestAlgorithm algorithm);

/// The digest of the parts, one after the other: 16, 20 or 32 bytes.
[[nodiscard]] Bytes digest(DigestAlgorithm algorithm, std::span<const ByteView> parts);

}  // namespace tapeloft
