#include <algorithm>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "media/repository/keys.h"
#include "media/repository/wide_gcm.h"

namespace tapeloft::media {
namespace {

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

constexpr int kTagSize = static_cast<int>(kSealTagSize);

/// Fetched once: each EVP_aes_256_gcm() would look it up anew.
const EVP_CIPHER* aes_256_gcm() {
    static const std::unique_ptr<EVP_CIPHER, decltype(&EVP_CIPHER_free)> kCipher(
        EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr), &EVP_CIPHER_free);
    TL_ASSERT(kCipher != nullptr);
    return kCipher.get();
}

/// The thread's context, for both directions. It keeps the last key until the next one or the end
/// of the thread, when OpenSSL wipes it.
EVP_CIPHER_CTX* context() {
    thread_local const CipherContext kContext(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
    TL_ASSERT(kContext != nullptr);
    return kContext.get();
}

int int_of(std::size_t size) {
    TL_ASSERT(size <= 0x7FFF'FFFF);
    return static_cast<int>(size);
}

}  // namespace

void seal(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
          MutableByteView into) {
    has_wide_gcm() ? seal_wide(key, nonce, additional, plain, into)
                   : seal_portable(key, nonce, additional, plain, into);
}

bool open(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView sealed,
          MutableByteView into) {
    return has_wide_gcm() ? open_wide(key, nonce, additional, sealed, into)
                          : open_portable(key, nonce, additional, sealed, into);
}

void seal_portable(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView plain,
                   MutableByteView into) {
    TL_ASSERT(into.size() == plain.size() + kSealTagSize);
    auto* const cipher = context();
    int length = 0;
    bool sound =
        EVP_EncryptInit_ex2(cipher, aes_256_gcm(), key.view().data(), nonce.data(), nullptr) == 1;
    if (!additional.empty()) {
        sound = sound && EVP_EncryptUpdate(cipher, nullptr, &length, additional.data(),
                                           int_of(additional.size())) == 1;
    }
    if (!plain.empty()) {
        sound = sound && EVP_EncryptUpdate(cipher, into.data(), &length, plain.data(),
                                           int_of(plain.size())) == 1;
    }
    auto* const tag = into.last(kSealTagSize).data();
    sound = sound && EVP_EncryptFinal_ex(cipher, tag, &length) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kTagSize, tag) == 1;
    TL_ASSERT(sound);
}

bool open_portable(const SecretKey& key, const Nonce& nonce, ByteView additional, ByteView sealed,
                   MutableByteView into) {
    TL_ASSERT(sealed.size() == into.size() + kSealTagSize);
    auto* const cipher = context();
    std::array<std::uint8_t, kSealTagSize> tag{};
    std::copy_n(sealed.last(kSealTagSize).begin(), tag.size(), tag.begin());
    int length = 0;
    bool sound =
        EVP_DecryptInit_ex2(cipher, aes_256_gcm(), key.view().data(), nonce.data(), nullptr) == 1;
    if (!additional.empty()) {
        sound = sound && EVP_DecryptUpdate(cipher, nullptr, &length, additional.data(),
                                           int_of(additional.size())) == 1;
    }
    if (!into.empty()) {
        sound = sound && EVP_DecryptUpdate(cipher, into.data(), &length, sealed.data(),
                                           int_of(into.size())) == 1;
    }
    sound = sound && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag.data()) == 1;
    TL_ASSERT(sound);
    std::uint8_t nothing = 0;
    if (EVP_DecryptFinal_ex(cipher, &nothing, &length) != 1) {
        std::fill(into.begin(), into.end(), std::uint8_t{0});
        return false;
    }
    return true;
}

}  // namespace tapeloft::media
