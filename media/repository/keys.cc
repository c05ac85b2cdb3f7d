#include "media/repository/keys.h"

#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "cloud/base/sha256.h"

#include "media/repository/key_derivation.h"

namespace tapeloft::media {
namespace {

SecretKey derive(const SecretKey& master, ByteView salt, ByteView info) {
    std::array<std::uint8_t, SecretKey::kSize> bytes{};
    derive_hkdf(master.view(), salt, info, bytes);
    const SecretKey key(bytes);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    return key;
}

Bytes info_of(std::string_view text, ByteView more = {}) {
    Bytes info(text.begin(), text.end());
    info.insert(info.end(), more.begin(), more.end());
    return info;
}

StreamId stream_id(const SecretKey& derived) {
    StreamId id{};
    std::copy_n(derived.view().begin(), id.size(), id.begin());
    return id;
}

bool equal(const SecretKey& a, const SecretKey& b) {
    return CRYPTO_memcmp(a.view().data(), b.view().data(), SecretKey::kSize) == 0;
}

/// A thread's HMAC-SHA-256, which keeps the state behind the key's block: another message under the
/// same key costs a copy of that state, no allocation.
class KeyedHmac {
  public:
    [[nodiscard]] Sha256 of(const SecretKey& key, ByteView message) {
        TL_ASSERT(context_ != nullptr);
        if (!keyed_ || !equal(key_, key)) {
            set_key(key);
        } else {
            TL_ASSERT(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1);
        }
        TL_ASSERT(EVP_MAC_update(context_.get(), message.data(), message.size()) == 1);
        Sha256 digest{};
        std::size_t length = 0;
        TL_ASSERT(EVP_MAC_final(context_.get(), digest.data(), &length, digest.size()) == 1 &&
                  length == digest.size());
        return digest;
    }

  private:
    void set_key(const SecretKey& key) {
        std::array<char, 7> hash = {"SHA256"};
        const std::array<OSSL_PARAM, 2> parameters = {
            OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash.data(), 0),
            OSSL_PARAM_construct_end()};
        TL_ASSERT(EVP_MAC_init(context_.get(), key.view().data(), SecretKey::kSize,
                               parameters.data()) == 1);
        key_ = key;
        keyed_ = true;
    }

    static EVP_MAC* algorithm() {
        static const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> kMac(
            EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr), &EVP_MAC_free);
        return kMac.get();
    }

    std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context_{EVP_MAC_CTX_new(algorithm()),
                                                                       &EVP_MAC_CTX_free};
    SecretKey key_;
    bool keyed_ = false;
};

/// A key as HMAC (FIPS 198-1) puts it before what it hashes, wiped when it goes.
class HmacPad {
  public:
    static constexpr std::uint8_t kInner = 0x36;
    static constexpr std::uint8_t kOuter = 0x5C;

    HmacPad(const SecretKey& key, std::uint8_t pad) {
        block_.fill(pad);
        std::transform(key.view().begin(), key.view().end(), block_.begin(), block_.begin(),
                       std::bit_xor<>());
    }
    HmacPad(const HmacPad&) = delete;
    HmacPad& operator=(const HmacPad&) = delete;
    ~HmacPad() { OPENSSL_cleanse(block_.data(), block_.size()); }

    [[nodiscard]] ByteView view() const noexcept { return block_; }

  private:
    std::array<std::uint8_t, 64> block_{};  ///< as long as a block of SHA-256
};

}  // namespace

SecretKey::SecretKey(ByteView bytes) {
    TL_ASSERT(bytes.size() == kSize);
    std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

SecretKey::~SecretKey() {
    OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

Result<SecretKey> SecretKey::random() {
    SecretKey key;
    if (RAND_priv_bytes(key.bytes_.data(), static_cast<int>(kSize)) != 1) {
        return Error{Errc::io, "no random bytes for a key"};
    }
    return key;
}

Result<void> fill_random(MutableByteView bytes) {
    if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        return Error{Errc::io, "no random bytes"};
    }
    return {};
}

KeyRing::KeyRing(const SecretKey& master, const RepositoryId& repository)
    : master_(master),
      repository_(repository),
      fingerprint_key_(derive(master, repository, as_bytes("tapeloft fingerprint"))) {}

Fingerprint KeyRing::fingerprint(ByteView chunk) const {
    thread_local KeyedHmac hmac;
    return hmac.of(fingerprint_key_, chunk);
}

void KeyRing::take_fingerprints(const std::function<std::optional<UnnamedChunk>()>& next) const {
    const HmacPad inner(fingerprint_key_, HmacPad::kInner);
    const HmacPad outer(fingerprint_key_, HmacPad::kOuter);
    std::vector<Fingerprint*> taken;
    sha256_each([&]() -> std::optional<Sha256Message> {
        const auto chunk = next();
        if (!chunk) {
            return std::nullopt;
        }
        taken.push_back(chunk->fingerprint);
        return Sha256Message{{inner.view(), chunk->plain}, chunk->fingerprint};
    });
    auto at = taken.begin();
    sha256_each([&]() -> std::optional<Sha256Message> {
        if (at == taken.end()) {
            return std::nullopt;
        }
        Fingerprint* const fingerprint = *at++;
        return Sha256Message{{outer.view(), *fingerprint}, fingerprint};
    });
}

SecretKey KeyRing::pack_key(const PackId& pack) const {
    return derive(master_, pack, as_bytes("tapeloft pack"));
}

SecretKey KeyRing::log_key(ByteView salt, const StreamId& stream, std::uint64_t sequence) const {
    auto info = info_of("tapeloft log", stream);
    info.resize(info.size() + 8);
    store_little_endian<8>(std::span(info).last(8), sequence);
    return derive(master_, salt, info);
}

SecretKey KeyRing::head_key(ByteView salt, const StreamId& stream) const {
    return derive(master_, salt, info_of("tapeloft head", stream));
}

StreamId KeyRing::library_stream() const {
    return stream_id(derive(master_, repository_, as_bytes("tapeloft stream library")));
}

StreamId KeyRing::index_stream() const {
    return stream_id(derive(master_, repository_, as_bytes("tapeloft stream index")));
}

Sha256 KeyRing::key_check(ByteView header) const {
    return KeyedHmac().of(derive(master_, repository_, as_bytes("tapeloft key check")), header);
}

}  // namespace tapeloft::media
