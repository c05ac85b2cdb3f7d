#include "vtl/drive/encryption/record_cipher.h"

#include <set>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/vtl/scsi/host.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::hex;

constexpr RecordPlace kPlace{"M000000001", 0, 7};
const KeyAssociatedData kKad{KadFormat::ascii_key_name, {'a', 'b', 'c'}, {'d', 'e'}};

SecretKey key_of(std::uint8_t first) {
    Bytes bytes(SecretKey::kLength);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(first + i);
    }
    return SecretKey(bytes);
}

CipherSalt salt_of(std::uint8_t byte) {
    CipherSalt salt{};
    salt.fill(byte);
    return salt;
}

Bytes text_of(std::string_view text) {
    return {text.begin(), text.end()};
}

Bytes bytes_of(const Buffer& buffer) {
    const ByteView view = buffer.view();
    return {view.begin(), view.end()};
}

std::string outcome_of(const std::variant<Buffer, DecryptFailure>& result) {
    if (const auto* const plaintext = std::get_if<Buffer>(&result)) {
        return "text " + hex(plaintext->view());
    }
    switch (*std::get_if<DecryptFailure>(&result)) {
        case DecryptFailure::malformed:
            return "malformed";
        case DecryptFailure::incorrect_key:
            return "incorrect key";
        case DecryptFailure::integrity:
            return "integrity";
    }
    return "";
}

class RecordCipherTest : public testing::Test {
  protected:
    RecordCipher cipher{key_of(1), salt_of(0x5A)};
    const Bytes plaintext = text_of("a record of some length");
    const Bytes stored = bytes_of(cipher.encrypt(kPlace, kKad, true, plaintext));
    const std::string good = "text " + hex(plaintext);
};

TEST_F(RecordCipherTest, WhatIsEncryptedComesBack) {
    EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, stored)), good);
    EXPECT_EQ(hex(stored).find(hex(plaintext)), std::string::npos);
}

TEST_F(RecordCipherTest, AnotherSessionUnderTheSameKeyReadsIt) {
    RecordCipher later{key_of(1), salt_of(0x77)};
    EXPECT_EQ(outcome_of(later.decrypt(kPlace, stored)), good);
    const Buffer mine = later.encrypt(kPlace, kKad, true, plaintext);
    EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, mine.view())), good);
}

TEST_F(RecordCipherTest, TheHeaderTellsLengthAndKeyAssociatedDataWithoutAKey) {
    const auto header = decode_encrypted_record(stored);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->plaintext_length, plaintext.size());
    EXPECT_EQ(header->key_associated_data, kKad);
    EXPECT_TRUE(header->raw_decryption_disabled);
    EXPECT_TRUE(cipher.knows(*header));
    RecordCipher stranger{key_of(2), salt_of(0x5A)};
    EXPECT_FALSE(stranger.knows(*header));
}

TEST_F(RecordCipherTest, AnotherKeyIsAnIncorrectKeyEvenWithTheSameSalt) {
    RecordCipher stranger{key_of(2), salt_of(0x5A)};
    EXPECT_EQ(outcome_of(stranger.decrypt(kPlace, stored)), "incorrect key");
}

TEST_F(RecordCipherTest, AnyBitThatIsChangedMakesItRefused) {
    for (std::size_t bit = 0; bit < stored.size() * 8; ++bit) {
        Bytes changed = stored;
        changed[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
        EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, changed)).substr(0, 4) == "text", false)
            << "bit " << bit;
    }
    Bytes text = stored;
    text[text.size() - 17] ^= 1U;
    EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, text)), "integrity");
}

TEST_F(RecordCipherTest, AnyOtherLengthIsRefused) {
    for (std::size_t length = 0; length < stored.size(); ++length) {
        EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, ByteView(stored).first(length))), "malformed");
    }
    Bytes longer = stored;
    longer.push_back(0);
    EXPECT_EQ(outcome_of(cipher.decrypt(kPlace, longer)), "malformed");
}

TEST_F(RecordCipherTest, AtAnotherPlaceItIsRefused) {
    for (const RecordPlace& elsewhere :
         {RecordPlace{"M000000001", 0, 8}, RecordPlace{"M000000001", 1, 7},
          RecordPlace{"M000000002", 0, 7}, RecordPlace{"M00000000", 0, 7}}) {
        EXPECT_EQ(outcome_of(cipher.decrypt(elsewhere, stored)), "integrity")
            << elsewhere.medium_serial << " " << elsewhere.partition << " "
            << elsewhere.logical_object_number;
    }
}

TEST_F(RecordCipherTest, TheFormatIsTheOneThatIsWrittenDown) {
    EXPECT_EQ(hex(ByteView(stored).first(12)), "010101020000001703020000");
    EXPECT_EQ(hex(ByteView(stored).subspan(12, 16)), "5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A");
    EXPECT_EQ(hex(ByteView(stored).subspan(36, 8)), "0000000000000000");
    EXPECT_EQ(hex(ByteView(stored).subspan(44, 5)), "6162636465");
    EXPECT_EQ(stored.size(), 44 + 5 + plaintext.size() + 16);
}

// Decrypts by the description in record_cipher.h alone, with nothing of the class.
TEST_F(RecordCipherTest, AnIndependentReaderOfTheFormatDecryptsIt) {
    const SecretKey key = key_of(1);
    Bytes label = text_of("tapeloft data key 1");
    label.insert(label.end(), stored.begin() + 12, stored.begin() + 28);
    Bytes data_key(32);
    ASSERT_NE(HMAC(EVP_sha256(), key.view().data(), 32, label.data(), label.size(), data_key.data(),
                   nullptr),
              nullptr);
    Bytes nonce(4);
    nonce.insert(nonce.end(), stored.begin() + 36, stored.begin() + 44);
    Bytes authenticated(stored.begin(), stored.begin() + 49);
    Bytes place(12);
    place[11] = 7;
    authenticated.insert(authenticated.end(), place.begin(), place.end());
    const Bytes serial = text_of("M000000001");
    authenticated.insert(authenticated.end(), serial.begin(), serial.end());
    Bytes tag(stored.end() - 16, stored.end());
    Bytes out(plaintext.size());
    EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
    int length = 0;
    EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nullptr, data_key.data(), nonce.data());
    EVP_DecryptUpdate(context, nullptr, &length, authenticated.data(),
                      static_cast<int>(authenticated.size()));
    EVP_DecryptUpdate(context, out.data(), &length, stored.data() + 49,
                      static_cast<int>(out.size()));
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, 16, tag.data());
    EXPECT_EQ(EVP_DecryptFinal_ex(context, out.data() + out.size(), &length), 1);
    EVP_CIPHER_CTX_free(context);
    EXPECT_EQ(out, plaintext);
}

TEST_F(RecordCipherTest, EqualRecordsLookDifferentAndNoNonceComesTwice) {
    std::set<std::uint64_t> counters;
    std::set<std::string> texts;
    for (int i = 0; i < 1000; ++i) {
        const Buffer again = cipher.encrypt(kPlace, kKad, true, plaintext);
        counters.insert(decode_encrypted_record(again.view())->counter);
        texts.insert(hex(again.view().last(plaintext.size() + 16)));
    }
    EXPECT_EQ(counters.size(), 1000U);
    EXPECT_EQ(texts.size(), 1000U);
}

TEST_F(RecordCipherTest, EachSessionDrawsASaltOfItsOwn) {
    std::set<CipherSalt> salts;
    for (int i = 0; i < 100; ++i) {
        const auto created = RecordCipher::create(key_of(1));
        ASSERT_TRUE(created);
        const Buffer record = (*created)->encrypt(kPlace, {}, false, plaintext);
        salts.insert(decode_encrypted_record(record.view())->salt);
    }
    EXPECT_EQ(salts.size(), 100U);
}

TEST_F(RecordCipherTest, TheLongestRecordAndTheShortestWork) {
    for (const std::size_t length : {std::size_t{1}, std::size_t{8} * 1024 * 1024}) {
        const Bytes text(length, 0x42);
        const Buffer record = cipher.encrypt(kPlace, kKad, false, text);
        const auto back = cipher.decrypt(kPlace, record.view());
        ASSERT_TRUE(std::holds_alternative<Buffer>(back));
        EXPECT_EQ(bytes_of(*std::get_if<Buffer>(&back)), text);
    }
}

TEST(SecretKeyTest, WipeOverwrites) {
    Bytes bytes(100, 0xAA);
    wipe(bytes);
    EXPECT_EQ(bytes, Bytes(100));
}

TEST(SecretKeyTest, MovesAndLeavesNothingBehind) {
    SecretKey key = key_of(9);
    const Bytes before(key.view().begin(), key.view().end());
    SecretKey moved = std::move(key);
    EXPECT_EQ(Bytes(moved.view().begin(), moved.view().end()), before);
    SecretKey other = key_of(100);
    other = std::move(moved);
    EXPECT_EQ(Bytes(other.view().begin(), other.view().end()), before);
}

}  // namespace
}  // namespace tapeloft::vtl::drive
