#include "media/repository/key_derivation.h"

#include <array>
#include <memory>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

namespace tapeloft::media {
namespace {

using Kdf = std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)>;

KdfContext context_of(const Kdf& kdf) {
    TL_ASSERT(kdf != nullptr);
    KdfContext context(EVP_KDF_CTX_new(kdf.get()), &EVP_KDF_CTX_free);
    TL_ASSERT(context != nullptr);
    return context;
}

OSSL_PARAM octets(const char* name, ByteView bytes) {
    // OpenSSL only reads what it is given; OSSL_PARAM has no const form. A null pointer means "not
    // set" there, so an empty view needs an address too.
    static std::uint8_t nothing = 0;
    auto* data = bytes.empty() ? &nothing : const_cast<std::uint8_t*>(bytes.data());  // NOLINT
    return OSSL_PARAM_construct_octet_string(name, data, bytes.size());
}

}  // namespace

void derive_hkdf(ByteView key, ByteView salt, ByteView info, MutableByteView into) {
    static const Kdf kKdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_HKDF, nullptr), &EVP_KDF_free);
    const auto context = context_of(kKdf);
    std::array<char, 7> hash = {"SHA256"};
    const std::array<OSSL_PARAM, 5> parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, hash.data(), 0),
        octets(OSSL_KDF_PARAM_KEY, key), octets(OSSL_KDF_PARAM_SALT, salt),
        octets(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
    TL_ASSERT(EVP_KDF_derive(context.get(), into.data(), into.size(), parameters.data()) == 1);
}

bool derive_scrypt(std::string_view passphrase, ByteView salt, const ScryptCost& cost,
                   MutableByteView into) {
    static const Kdf kKdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_SCRYPT, nullptr), &EVP_KDF_free);
    const auto context = context_of(kKdf);
    ScryptCost given = cost;
    // What RFC 7914 needs: V, B and two blocks; the margin is OpenSSL's own.
    std::uint64_t memory = 128ULL * given.r * (given.n + given.p + 2) + 4096;
    const std::array<OSSL_PARAM, 7> parameters = {
        octets(OSSL_KDF_PARAM_PASSWORD, as_bytes(passphrase)),
        octets(OSSL_KDF_PARAM_SALT, salt),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &given.n),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &given.r),
        OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &given.p),
        OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_MAXMEM, &memory),
        OSSL_PARAM_construct_end()};
    return EVP_KDF_derive(context.get(), into.data(), into.size(), parameters.data()) == 1;
}

}  // namespace tapeloft::media
