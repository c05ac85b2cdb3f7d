#include "media/pbs/crypto/crypt_key.h"

#include <algorithm>
#include <array>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "cloud/base/digest.h"
#include "cloud/base/hex.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kIdKeySalt = "_id_key";
constexpr int kIdKeyRounds = 10;
/// SHA-256 of "Proxmox Backup Encryption Key Fingerprint".
constexpr PbsDigest kFingerprintInput = {
    0x6E, 0xD0, 0xEF, 0x77, 0x47, 0x1F, 0xFF, 0x4D, 0x55, 0xC7, 0xA8, 0xFE, 0x4A, 0x9D, 0xB6, 0x21,
    0x61, 0x40, 0x7F, 0x13, 0x4C, 0x72, 0x5D, 0xDF, 0x30, 0x99, 0x2D, 0x25, 0xEC, 0x45, 0xED, 0x26};

SecretKey derive_id_key(const SecretKey& key) {
    std::array<std::uint8_t, SecretKey::kSize> bytes{};
    const auto salt = as_bytes(kIdKeySalt);
    const auto done = PKCS5_PBKDF2_HMAC(as_text(key.view()).data(), SecretKey::kSize, salt.data(),
                                        static_cast<int>(salt.size()), kIdKeyRounds, EVP_sha256(),
                                        static_cast<int>(bytes.size()), bytes.data());
    TL_ASSERT(done == 1);
    const SecretKey id_key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return id_key;
}

PbsDigest sha256(std::span<const ByteView> parts) {
    const auto bytes = digest(DigestAlgorithm::sha256, parts);
    PbsDigest value{};
    std::copy_n(bytes.begin(), value.size(), value.begin());
    return value;
}

}  // namespace

CryptKey::CryptKey(const SecretKey& key) : key_(key), id_key_(derive_id_key(key)) {}

PbsDigest CryptKey::fingerprint() const {
    return sha256(std::to_array<ByteView>({kFingerprintInput, id_key_.view()}));
}

PbsDigest CryptKey::chunk_digest(ByteView plain) const {
    return sha256(chunk_message(plain));
}

PbsDigest CryptKey::authentication_tag(ByteView data) const {
    PbsDigest tag{};
    unsigned size = 0;
    const auto* const made = HMAC(EVP_sha256(), id_key_.view().data(), SecretKey::kSize,
                                  data.data(), data.size(), tag.data(), &size);
    TL_ASSERT(made != nullptr && size == tag.size());
    return tag;
}

bool CryptKey::open(ByteView iv, ByteView tag, ByteView sealed, MutableByteView plain) const {
    TL_ASSERT(iv.size() == kIvSize && tag.size() == kTagSize && plain.size() == sealed.size());
    const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
        EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    TL_ASSERT(context != nullptr);
    std::array<std::uint8_t, kTagSize> expected{};
    std::copy(tag.begin(), tag.end(), expected.begin());
    int size = 0;
    auto* const cipher = context.get();
    const bool set =
        EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nullptr, nullptr, nullptr) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_IVLEN, kIvSize, nullptr) == 1 &&
        EVP_DecryptInit_ex(cipher, nullptr, nullptr, key_.view().data(), iv.data()) == 1;
    TL_ASSERT(set);
    std::uint8_t none = 0;
    return EVP_DecryptUpdate(cipher, plain.empty() ? &none : plain.data(), &size, sealed.data(),
                             static_cast<int>(sealed.size())) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, kTagSize, expected.data()) == 1 &&
           EVP_DecryptFinal_ex(cipher, &none, &size) == 1;
}

PbsDigest chunk_digest(ByteView plain) {
    return sha256(std::to_array<ByteView>({plain}));
}

std::optional<PbsDigest> parse_fingerprint(std::string_view text) {
    std::string digits;
    for (const char c : text.substr(0, 3 * std::tuple_size_v<PbsDigest>)) {
        if (c != ':') {
            digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }
    PbsDigest fingerprint{};
    return from_hex(digits, fingerprint) ? std::optional(fingerprint) : std::nullopt;
}

std::string short_fingerprint(const PbsDigest& fingerprint) {
    std::string text;
    for (std::size_t i = 0; i < 8; ++i) {
        text += (i == 0 ? "" : ":") + to_hex(ByteView(fingerprint).subspan(i, 1));
    }
    return text;
}

}  // namespace tapeloft::media
