#include "vtl/drive/encryption/record_cipher.h"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "media/cartridge/block_io.h"

namespace tapeloft::vtl::drive {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kAlgorithm = 1;
constexpr std::uint8_t kRawDecryptionDisabled = 0x01;
constexpr std::size_t kTagLength = 16;
constexpr std::size_t kNonceLength = 12;
constexpr std::string_view kDataKeyLabel = "tapeloft data key 1";
constexpr std::string_view kKeyCheckLabel = "tapeloft key check 1";

namespace layout {  // of a stored record; see the head of record_cipher.h
using Version = BigEndian<std::uint8_t, 0>;
using Algorithm = BigEndian<std::uint8_t, 1>;
using Flags = BigEndian<std::uint8_t, 2>;
using Format = BigEndian<std::uint8_t, 3>;
using PlaintextLength = BigEndian<std::uint32_t, 4>;
using UnauthenticatedLength = BigEndian<std::uint8_t, 8>;
using AuthenticatedLength = BigEndian<std::uint8_t, 9>;
using Zero = BigEndian<std::uint16_t, 10>;
constexpr std::size_t kSalt = 12;
constexpr std::size_t kKeyCheck = 28;
using Counter = BigEndian<std::uint64_t, 36>;
constexpr std::size_t kFixedLength = 44;
}  // namespace layout

static_assert(layout::kFixedLength + kUnauthenticatedLengthMax + kAuthenticatedLengthMax +
                  kTagLength <=
              media::kStoredRecordMax - media::kRecordLengthMax);

using Nonce = std::array<std::uint8_t, kNonceLength>;

Nonce nonce_of(std::uint64_t counter) noexcept {
    Nonce nonce{};
    store_big_endian<8>(MutableByteView(nonce).subspan(4), counter);
    return nonce;
}

int int_of(std::size_t size) noexcept {
    return static_cast<int>(size);  // records are shorter than 16 MiB
}

// HMAC-SHA-256(key, label || salt), into 32 bytes.
void derive(const SecretKey& key, std::string_view label, const CipherSalt& salt,
            MutableByteView derived) {
    Bytes text(label.begin(), label.end());
    text.insert(text.end(), salt.begin(), salt.end());
    unsigned length = 0;
    const auto* const done = HMAC(EVP_sha256(), key.view().data(), int_of(key.view().size()),
                                  text.data(), text.size(), derived.data(), &length);
    TL_ASSERT(done != nullptr && length == derived.size());
}

Bytes bytes_of_place(const RecordPlace& place) {
    const auto serial = as_bytes(place.medium_serial);
    Bytes bytes(12 + serial.size());
    store_big_endian<4>(bytes, place.partition);
    store_big_endian<8>(MutableByteView(bytes).subspan(4), place.logical_object_number);
    std::ranges::copy(serial, bytes.begin() + 12);
    return bytes;
}

}  // namespace

std::optional<EncryptedRecordHeader> decode_encrypted_record(ByteView stored) {
    if (stored.size() < layout::kFixedLength + kTagLength ||
        layout::Version::load(stored) != kVersion ||
        layout::Algorithm::load(stored) != kAlgorithm || layout::Zero::load(stored) != 0 ||
        (layout::Flags::load(stored) & ~unsigned{kRawDecryptionDisabled}) != 0 ||
        layout::Format::load(stored) > static_cast<std::uint8_t>(KadFormat::ascii_key_name)) {
        return {};
    }
    const std::size_t unauthenticated = layout::UnauthenticatedLength::load(stored);
    const std::size_t authenticated = layout::AuthenticatedLength::load(stored);
    EncryptedRecordHeader header;
    header.plaintext_length = layout::PlaintextLength::load(stored);
    header.length = layout::kFixedLength + unauthenticated + authenticated;
    if (unauthenticated > kUnauthenticatedLengthMax || authenticated > kAuthenticatedLengthMax ||
        stored.size() != header.length + header.plaintext_length + kTagLength) {
        return {};
    }
    header.raw_decryption_disabled = layout::Flags::load(stored) != 0;
    KeyAssociatedData& kad = header.key_associated_data;
    kad.format = static_cast<KadFormat>(layout::Format::load(stored));
    const ByteView first = stored.subspan(layout::kFixedLength, unauthenticated);
    const ByteView second = stored.subspan(layout::kFixedLength + unauthenticated, authenticated);
    kad.unauthenticated.assign(first.begin(), first.end());
    kad.authenticated.assign(second.begin(), second.end());
    std::copy_n(stored.begin() + layout::kSalt, header.salt.size(), header.salt.begin());
    std::copy_n(stored.begin() + layout::kKeyCheck, header.key_check.size(),
                header.key_check.begin());
    header.counter = layout::Counter::load(stored);
    return header;
}

/// What is derived from the key and one salt. The contexts keep the expanded key; OpenSSL wipes it
/// when they are freed.
class RecordCipher::Session {
  public:
    Session(const SecretKey& key, const CipherSalt& salt) : salt_(salt) {
        std::array<std::uint8_t, SecretKey::kLength> check{};
        derive(key, kKeyCheckLabel, salt, check);
        std::copy_n(check.begin(), key_check_.size(), key_check_.begin());
        SecretKey data_key;
        derive(key, kDataKeyLabel, salt, data_key.bytes());
        TL_ASSERT(encrypting_ != nullptr && decrypting_ != nullptr);
        TL_ASSERT(EVP_EncryptInit_ex(encrypting_.get(), EVP_aes_256_gcm(), nullptr,
                                     data_key.view().data(), nullptr) == 1);
        TL_ASSERT(EVP_DecryptInit_ex(decrypting_.get(), EVP_aes_256_gcm(), nullptr,
                                     data_key.view().data(), nullptr) == 1);
    }

    [[nodiscard]] const CipherSalt& salt() const noexcept { return salt_; }
    [[nodiscard]] const KeyCheck& key_check() const noexcept { return key_check_; }

    void encrypt(const Nonce& nonce, ByteView header, ByteView place, ByteView plaintext,
                 MutableByteView out) {
        EVP_CIPHER_CTX* const context = encrypting_.get();
        int length = 0;
        bool sound =
            EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
            EVP_EncryptUpdate(context, nullptr, &length, header.data(), int_of(header.size())) ==
                1 &&
            EVP_EncryptUpdate(context, nullptr, &length, place.data(), int_of(place.size())) == 1 &&
            EVP_EncryptUpdate(context, out.data(), &length, plaintext.data(),
                              int_of(plaintext.size())) == 1;
        std::uint8_t* const tag = out.data() + plaintext.size();
        sound = sound && EVP_EncryptFinal_ex(context, tag, &length) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, int_of(kTagLength), tag) == 1;
        TL_ASSERT(sound);
    }

    /// False: the tag does not fit; what is in `out` must not be used then.
    [[nodiscard]] bool decrypt(const Nonce& nonce, ByteView header, ByteView place,
                               ByteView ciphertext, ByteView tag, MutableByteView out) {
        EVP_CIPHER_CTX* const context = decrypting_.get();
        std::array<std::uint8_t, kTagLength> expected{};
        std::copy(tag.begin(), tag.end(), expected.begin());
        int length = 0;
        const bool sound =
            EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1 &&
            EVP_DecryptUpdate(context, nullptr, &length, header.data(), int_of(header.size())) ==
                1 &&
            EVP_DecryptUpdate(context, nullptr, &length, place.data(), int_of(place.size())) == 1 &&
            EVP_DecryptUpdate(context, out.data(), &length, ciphertext.data(),
                              int_of(ciphertext.size())) == 1 &&
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, int_of(kTagLength),
                                expected.data()) == 1;
        TL_ASSERT(sound);
        return EVP_DecryptFinal_ex(context, out.data() + out.size(), &length) == 1;
    }

  private:
    using Context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

    const CipherSalt salt_;
    KeyCheck key_check_{};
    Context encrypting_{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
    Context decrypting_{EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free};
};

Result<std::shared_ptr<RecordCipher>> RecordCipher::create(SecretKey key) {
    CipherSalt salt{};
    if (RAND_bytes(salt.data(), int_of(salt.size())) != 1) {
        return Error{Errc::io, "no random bytes for an encryption salt"};
    }
    return std::make_shared<RecordCipher>(std::move(key), salt);
}

RecordCipher::RecordCipher(SecretKey key, const CipherSalt& salt)
    : key_(std::move(key)), writing_(std::make_unique<Session>(key_, salt)) {}

RecordCipher::~RecordCipher() = default;

RecordCipher::Session& RecordCipher::session_of(const CipherSalt& salt) {
    if (salt == writing_->salt()) {
        return *writing_;
    }
    if (reading_ == nullptr || reading_->salt() != salt) {
        reading_ = std::make_unique<Session>(key_, salt);
    }
    return *reading_;
}

bool RecordCipher::knows(const EncryptedRecordHeader& header) {
    const KeyCheck& ours = session_of(header.salt).key_check();
    return CRYPTO_memcmp(ours.data(), header.key_check.data(), ours.size()) == 0;
}

Buffer RecordCipher::encrypt(const RecordPlace& place, const KeyAssociatedData& kad,
                             bool raw_decryption_disabled, ByteView plaintext) {
    TL_ASSERT(plaintext.size() <= media::kRecordLengthMax);
    TL_ASSERT(kad.unauthenticated.size() <= kUnauthenticatedLengthMax);
    TL_ASSERT(kad.authenticated.size() <= kAuthenticatedLengthMax);
    const std::size_t header_length =
        layout::kFixedLength + kad.unauthenticated.size() + kad.authenticated.size();
    Buffer stored = Buffer::allocate(header_length + plaintext.size() + kTagLength);
    const MutableByteView out = stored.mutable_view();
    layout::Version::store(out, kVersion);
    layout::Algorithm::store(out, kAlgorithm);
    layout::Flags::store(out, raw_decryption_disabled ? kRawDecryptionDisabled : std::uint8_t{0});
    layout::Format::store(out, static_cast<std::uint8_t>(kad.format));
    layout::PlaintextLength::store(out, static_cast<std::uint32_t>(plaintext.size()));
    layout::UnauthenticatedLength::store(out,
                                         static_cast<std::uint8_t>(kad.unauthenticated.size()));
    layout::AuthenticatedLength::store(out, static_cast<std::uint8_t>(kad.authenticated.size()));
    layout::Zero::store(out, 0);
    const CipherSalt& salt = writing_->salt();
    const KeyCheck& check = writing_->key_check();
    std::copy(salt.begin(), salt.end(), out.begin() + layout::kSalt);
    std::copy(check.begin(), check.end(), out.begin() + layout::kKeyCheck);
    const std::uint64_t counter = counter_++;
    layout::Counter::store(out, counter);
    auto at = std::copy(kad.unauthenticated.begin(), kad.unauthenticated.end(),
                        out.begin() + layout::kFixedLength);
    std::copy(kad.authenticated.begin(), kad.authenticated.end(), at);
    writing_->encrypt(nonce_of(counter), out.first(header_length), bytes_of_place(place), plaintext,
                      out.subspan(header_length));
    return stored;
}

std::variant<Buffer, DecryptFailure> RecordCipher::decrypt(const RecordPlace& place,
                                                           ByteView stored) {
    const auto header = decode_encrypted_record(stored);
    if (!header) {
        return DecryptFailure::malformed;
    }
    if (!knows(*header)) {
        return DecryptFailure::incorrect_key;
    }
    const ByteView ciphertext = stored.subspan(header->length, header->plaintext_length);
    Buffer plaintext = Buffer::allocate(header->plaintext_length);
    const bool sound =
        session_of(header->salt)
            .decrypt(nonce_of(header->counter), stored.first(header->length), bytes_of_place(place),
                     ciphertext, stored.last(kTagLength), plaintext.mutable_view());
    if (!sound) {
        wipe(plaintext.mutable_view());
        return DecryptFailure::integrity;
    }
    return plaintext;
}

}  // namespace tapeloft::vtl::drive
