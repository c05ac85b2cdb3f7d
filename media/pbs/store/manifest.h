// index.json.blob: what a snapshot consists of, and the only anchor for the checksums of its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/identifiers.h"

namespace tapeloft::media {

inline constexpr std::string_view kManifestName = "index.json.blob";
inline constexpr std::string_view kClientLogName = "client.log.blob";  // not in the manifest
inline constexpr std::string_view kWrappedKeyName = "rsa-encrypted.key.blob";

inline constexpr std::string_view kSignatureLost =
    "its signature is missing; the client that made it had a key, and signs what it makes";

inline constexpr std::string_view kNotListed =
    "the manifest does not list it; it is no part of the backup";

enum class CryptMode : std::uint8_t { none, encrypt, sign_only };
[[nodiscard]] std::string_view to_string(CryptMode mode) noexcept;

struct ManifestFile {
    std::string name;
    SnapshotFileKind kind = SnapshotFileKind::blob;
    CryptMode mode = CryptMode::none;
    std::uint64_t size = 0;  ///< index: of its archive; blob: of the file
    PbsDigest checksum{};    ///< index: of its entries; blob: SHA-256 of the file
};

struct Manifest {
    std::string type;
    std::string id;
    std::int64_t time_s = 0;
    std::vector<ManifestFile> files;
    std::optional<PbsDigest> signature;
    std::optional<PbsDigest> key_fingerprint;  ///< of the key that signed, or encrypted
    std::string signed_text;                   ///< canonical JSON of what the signature covers

    [[nodiscard]] const ManifestFile* find(std::string_view name) const noexcept;
    [[nodiscard]] bool encrypted() const noexcept;
    /// There is no signature, and the rest of it says that a client with a key made it, which signs
    /// what it makes: somebody took the signature away. See OpenSnapshot::lost_its_signature().
    [[nodiscard]] bool lost_its_signature() const noexcept;
};

/// blob: the file as it stands in the snapshot archive. Errors: corrupt.
[[nodiscard]] Result<Manifest> parse_manifest(ByteView blob);

/// Whether the key made the signature. Errors: denied (another key; named by fingerprints), corrupt
/// (the signature is wrong). A manifest with no signature passes: see lost_its_signature().
[[nodiscard]] Result<void> check_signature(const Manifest& manifest, const CryptKey& key);

/// Whether it names the key, or, as it names none, has a signature that the key made.
[[nodiscard]] bool proves_key(const Manifest& manifest, const CryptKey& key);

/// The file with no state of a verification, which nobody has made of its copy. Errors: corrupt.
[[nodiscard]] Result<Bytes> without_verify_state(ByteView blob);

}  // namespace tapeloft::media
