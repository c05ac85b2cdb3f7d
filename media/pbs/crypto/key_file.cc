#include <memory>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "media/pbs/crypto/crypt_key.h"
#include "media/pbs/json.h"
#include "media/repository/key_derivation.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kFileSizeMax = 64UL * 1024;
constexpr std::size_t kPassphraseMin = 5;
constexpr std::uint64_t kScryptMemoryMax = 1ULL << 30U;
constexpr std::uint64_t kScryptParallelMax = 16;
constexpr std::uint64_t kRoundsMax = 10'000'000;

Error corrupt(const std::string& why) {
    return {Errc::corrupt, "the key file of the backup client: " + why};
}

Result<Bytes> base64(const PbsJson& object, const char* name) {
    TL_TRY(const auto text, json_text(object, name));
    Bytes bytes(3 * text.size() / 4 + 3);
    const auto digits = as_bytes(text);
    const auto size = EVP_DecodeBlock(bytes.data(), digits.data(), static_cast<int>(digits.size()));
    const auto padding = text.ends_with("==") ? 2U : text.ends_with('=') ? 1U : 0U;
    if (size < 0 || static_cast<std::size_t>(size) < padding) {
        return corrupt("\"" + std::string(name) + "\" is not base64");
    }
    bytes.resize(static_cast<std::size_t>(size) - padding);
    return bytes;
}

using DerivedKey = std::array<std::uint8_t, SecretKey::kSize>;

Result<SecretKey> derive_by_scrypt(const PbsJson& kdf, const std::string& passphrase) {
    ScryptCost cost;
    TL_TRY(cost.n, json_unsigned(kdf, "n"));
    TL_TRY(const auto r, json_unsigned(kdf, "r"));
    TL_TRY(const auto p, json_unsigned(kdf, "p"));
    TL_TRY(const auto salt, base64(kdf, "salt"));
    if (r == 0 || r > 1024 || p == 0 || p > kScryptParallelMax ||
        cost.n > kScryptMemoryMax / (128 * r)) {
        return Error{Errc::unsupported,
                     "the key file asks for more than 1 GiB of memory, or too much work"};
    }
    cost.r = static_cast<std::uint32_t>(r);
    cost.p = static_cast<std::uint32_t>(p);
    DerivedKey bytes{};
    if (!derive_scrypt(passphrase, salt, cost, bytes)) {
        return corrupt("impossible numbers for scrypt, or no memory for it");
    }
    const SecretKey key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

Result<SecretKey> derive_by_pbkdf2(const PbsJson& kdf, const std::string& passphrase) {
    TL_TRY(const auto rounds, json_unsigned(kdf, "iter"));
    TL_TRY(const auto salt, base64(kdf, "salt"));
    if (rounds == 0 || rounds > kRoundsMax) {
        return Error{Errc::unsupported, "the key file asks for " + std::to_string(rounds) +
                                            " rounds of PBKDF2; allowed: 1 to " +
                                            std::to_string(kRoundsMax)};
    }
    DerivedKey bytes{};
    if (PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(passphrase.size()), salt.data(),
                          static_cast<int>(salt.size()), static_cast<int>(rounds), EVP_sha256(),
                          static_cast<int>(bytes.size()), bytes.data()) != 1) {
        return corrupt("impossible numbers for PBKDF2");
    }
    const SecretKey key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

struct DerivationRow {
    const char* name;
    Result<SecretKey> (*derive)(const PbsJson& kdf, const std::string& passphrase);
};
constexpr auto kDerivations = std::to_array<DerivationRow>({
    {"Scrypt", &derive_by_scrypt},
    {"PBKDF2", &derive_by_pbkdf2},
});

Result<PbsJson> parse(ByteView json) {
    if (json.size() > kFileSizeMax) {
        return corrupt("it is too long");
    }
    return parse_json_object("the key file of the backup client", json);
}

bool is_wrapped(const PbsJson& json) {
    const auto kdf = json.find("kdf");
    return kdf != json.end() && !kdf->is_null();
}

Result<SecretKey> unwrapped(const PbsJson& json, ByteView data, const std::string* passphrase) {
    const auto& kdf = json.at("kdf");
    if (passphrase == nullptr || passphrase->size() < kPassphraseMin) {
        return Error{Errc::denied,
                     "the key file of the backup client needs its passphrase, of at "
                     "least 5 characters"};
    }
    if (data.size() != CryptKey::kIvSize + CryptKey::kTagSize + SecretKey::kSize) {
        return corrupt("its key has the wrong length");
    }
    for (const auto& row : kDerivations) {
        if (!kdf.is_object() || !kdf.contains(row.name) || !kdf.at(row.name).is_object()) {
            continue;
        }
        TL_TRY(const auto wrapping, row.derive(kdf.at(row.name), *passphrase));
        DerivedKey bytes{};
        if (!CryptKey(wrapping).open(data.first(CryptKey::kIvSize),
                                     data.subspan(CryptKey::kIvSize, CryptKey::kTagSize),
                                     data.subspan(CryptKey::kIvSize + CryptKey::kTagSize), bytes)) {
            return Error{Errc::denied,
                         "that is not the passphrase of the backup client's key file"};
        }
        const SecretKey key(bytes);
        OPENSSL_cleanse(bytes.data(), bytes.size());
        return key;
    }
    return corrupt("an unknown key derivation; known: Scrypt, PBKDF2");
}

using KeyHandle = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

KeyHandle read_private_key(std::string_view pem, const std::string* passphrase) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
    // Without a callback OpenSSL would ask on the terminal.
    auto give = [](char* into, int size, int, void* given) {
        const auto* const secret = static_cast<const std::string*>(given);
        if (secret == nullptr || secret->size() > static_cast<std::size_t>(size)) {
            return -1;
        }
        std::copy(secret->begin(), secret->end(), into);
        return static_cast<int>(secret->size());
    };
    auto secret = passphrase != nullptr ? *passphrase : std::string();
    return {PEM_read_bio_PrivateKey(text.get(), nullptr, give,
                                    passphrase != nullptr ? &secret : nullptr),
            &EVP_PKEY_free};
}

}  // namespace

Result<bool> is_key_file_wrapped(ByteView json) {
    TL_TRY(const auto parsed, parse(json));
    return is_wrapped(parsed);
}

Result<CryptKey> parse_key_file(ByteView json, const std::string* passphrase) {
    TL_TRY(const auto parsed, parse(json));
    TL_TRY(auto data, base64(parsed, "data"));
    SecretKey secret;
    if (is_wrapped(parsed)) {
        TL_TRY(secret, unwrapped(parsed, data, passphrase));
    } else if (data.size() == SecretKey::kSize) {
        secret = SecretKey(data);
    } else {
        return corrupt("its key has the wrong length");
    }
    OPENSSL_cleanse(data.data(), data.size());
    CryptKey key(secret);
    TL_TRY(const auto named, json_optional_text(parsed, "fingerprint"));
    if (named && parse_fingerprint(*named) != key.fingerprint()) {
        return corrupt("its fingerprint is not that of its key");
    }
    return key;
}

Result<CryptKey> unwrap_key(ByteView sealed, std::string_view private_key_pem,
                            const std::string* passphrase) {
    if (private_key_pem.size() > kFileSizeMax) {
        return Error{Errc::corrupt, "the private key is too long"};
    }
    const auto handle = read_private_key(private_key_pem, passphrase);
    if (!handle) {
        return Error{Errc::denied, "the private key cannot be read, or its passphrase is wrong"};
    }
    const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
        EVP_PKEY_CTX_new(handle.get(), nullptr), &EVP_PKEY_CTX_free);
    std::size_t size = 0;
    const bool ready =
        context && EVP_PKEY_decrypt_init(context.get()) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING) == 1 &&
        EVP_PKEY_decrypt(context.get(), nullptr, &size, sealed.data(), sealed.size()) == 1;
    Bytes json(ready ? size : 0);
    if (!ready ||
        EVP_PKEY_decrypt(context.get(), json.data(), &size, sealed.data(), sealed.size()) != 1) {
        return Error{Errc::denied, "the backup's key was not wrapped for this private key"};
    }
    json.resize(size);
    auto key = parse_key_file(json, nullptr);
    OPENSSL_cleanse(json.data(), json.size());
    // What PKCS #1 v1.5 opens may be rubbish of a wrong key.
    return key ? std::move(key)
               : Error{Errc::denied, "the backup's key was not wrapped for this private key"};
}

}  // namespace tapeloft::media
