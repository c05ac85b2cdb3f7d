// The client's key of encrypted and signed backups, and what PBS derives from it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/identifiers.h"
#include "media/repository/keys.h"

namespace tapeloft::media {

/// Any thread.
class CryptKey {
  public:
    static constexpr std::size_t kIvSize = 16;
    static constexpr std::size_t kTagSize = 16;

    explicit CryptKey(const SecretKey& key);

    /// What names the key in manifests and key files.
    [[nodiscard]] PbsDigest fingerprint() const;
    /// Of the plaintext of a chunk.
    [[nodiscard]] PbsDigest chunk_digest(ByteView plain) const;
    /// What that is the SHA-256 of; as long as the key lives.
    [[nodiscard]] std::array<ByteView, 2> chunk_message(ByteView plain) const {
        return {plain, id_key_.view()};
    }
    /// HMAC-SHA-256: the signature of a manifest.
    [[nodiscard]] PbsDigest authentication_tag(ByteView data) const;
    /// AES-256-GCM with an IV of kIvSize bytes and no additional data. plain: as long as sealed.
    /// False: the tag does not fit, and plain holds nothing of use.
    [[nodiscard]] bool open(ByteView iv, ByteView tag, ByteView sealed,
                            MutableByteView plain) const;

  private:
    SecretKey key_;
    SecretKey id_key_;
};

/// Of an unencrypted chunk.
[[nodiscard]] PbsDigest chunk_digest(ByteView plain);

/// "75:be:..." with or without colons. Nothing: it is no fingerprint.
[[nodiscard]] std::optional<PbsDigest> parse_fingerprint(std::string_view text);
/// Its first 8 bytes, as people are shown it: "75:be:4d:01:9e:ee:4e:d1".
[[nodiscard]] std::string short_fingerprint(const PbsDigest& fingerprint);

/// The key out of a key file of the client (JSON: plain, scrypt or PBKDF2). passphrase: null, if
/// there is none. Errors: corrupt, denied (no passphrase, too short, or wrong), unsupported (a
/// derivation that costs more than 1 GiB or ten million rounds).
[[nodiscard]] Result<CryptKey> parse_key_file(ByteView json, const std::string* passphrase);
/// Whether a passphrase is needed. Errors: corrupt.
[[nodiscard]] Result<bool> is_key_file_wrapped(ByteView json);

/// The key out of rsa-encrypted.key.blob (decoded: RSA, PKCS #1 v1.5) by the master key's private
/// half in PEM. Errors: corrupt, denied (the wrong private key or passphrase).
[[nodiscard]] Result<CryptKey> unwrap_key(ByteView sealed, std::string_view private_key_pem,
                                          const std::string* passphrase);

}  // namespace tapeloft::media
