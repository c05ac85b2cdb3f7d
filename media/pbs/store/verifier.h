// Everything on the tapes checked: every chunk, index, manifest and snapshot.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/store/collection.h"

namespace tapeloft::media {

struct DamagedChunk {
    std::string barcode;
    std::uint64_t file = 0;   ///< tape file
    std::uint64_t block = 0;  ///< where its blob begins
    std::string store;
    PbsDigest digest{};
    std::string what;
};

/// One archive or blob of a copy of a snapshot.
struct VerifiedFile {
    std::string name;
    std::uint64_t chunks = 0;
    std::uint64_t missing = 0;  ///< chunks that are on no tape here
    std::uint64_t damaged = 0;  ///< chunks that are there, and are not what they should be
    std::uint64_t not_decrypted = 0;
    std::uint64_t elsewhere = 0;  ///< chunks that the media set has not, and another one has
    /// Why the file is damaged, and the first few of the chunks above with their places.
    std::vector<std::string> findings;
    [[nodiscard]] bool is_sound() const noexcept { return missing == 0 && findings.empty(); }
};

struct VerifiedSnapshot {
    std::string name;  ///< store:snapshot
    std::string media_set;
    std::string barcode;
    std::uint64_t file = 0;
    bool is_signed = false;
    bool signature_checked = false;
    std::vector<std::string> findings;  ///< of the snapshot as a whole
    std::vector<VerifiedFile> files;
    [[nodiscard]] bool is_sound() const noexcept;
};

struct PbsVerifyReport {
    std::uint64_t chunks = 0;           ///< blobs that were read
    std::uint64_t chunk_bytes = 0;      ///< of blobs
    std::uint64_t not_decrypted = 0;    ///< encrypted, and no key: their CRC was checked
    std::uint64_t other_keys = 0;       ///< encrypted, and not by the given key: likewise
    bool key_fits = false;              ///< the given key is that of some snapshot
    std::vector<PbsDigest> keys_named;  ///< fingerprints of other keys that encrypted snapshots
    std::vector<DamagedChunk> damaged;  ///< the first 10000
    std::vector<VerifiedSnapshot> snapshots;
    std::vector<TapeFinding> findings;  ///< of the tapes
    [[nodiscard]] bool is_sound() const noexcept;
};

struct PbsVerifyOptions {
    const CryptKey* key = nullptr;  ///< null: none
    /// Told as tape files begin; may be empty.
    std::function<void(const std::string& barcode, std::uint64_t file, std::uint64_t files)>
        progress;
};

/// Reads each chunk archive once, from front to back. Memory: 48 bytes for each chunk, and a blob.
/// Errors: those of a medium that is out of reach.
[[nodiscard]] Awaitable<Result<PbsVerifyReport>> verify(const Collection& collection,
                                                        PbsVerifyOptions options);

}  // namespace tapeloft::media
