// How one record is encrypted: AES-256-GCM under a key derived from the host's.
//
// A stored record (all numbers big-endian):
//    0  1  version, 1            12 16  salt of the session
//    1  1  algorithm index, 1    28  8  key check
//    2  1  flags: 01h RDMDS      36  8  record counter
//    3  1  KAD format            44  .  U-KAD, A-KAD, ciphertext, 16 bytes of tag
//    4  4  length of the plaintext
//    8  1  length of the U-KAD
//    9  1  length of the A-KAD
//   10  2  zero
// Authenticated beside the plaintext: everything before the ciphertext, then the partition (4), the
// logical object number (8) and the serial number of the medium (of a copied cartridge: that of the
// first original). A record that is changed in any byte, or moved to another place, or to a
// cartridge that is no copy of its own, is therefore refused.
//
// No nonce is used twice under one key: each set of the key by a host begins a session, which draws
// a salt of 128 random bits and derives a key of its own,
//    data key  = HMAC-SHA-256(host key, "tapeloft data key 1"  || salt)
//    key check = HMAC-SHA-256(host key, "tapeloft key check 1" || salt), the first 8 bytes
// and its nonces are 4 bytes of zeros and the record counter, which only grows. Neither a crash nor
// one key for a thousand cartridges can make two of them meet (random nonces alone would be good
// for 2^32 records a key). The key check tells a wrong key from damaged data, and two sessions
// under one key cannot be told to be that.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "vtl/drive/encryption/key_associated_data.h"
#include "vtl/drive/encryption/secret_key.h"

namespace tapeloft::vtl::drive {

/// Where a record is on which cartridge; it never changes while the record lives.
struct RecordPlace {
    std::string_view medium_serial;  ///< of a copy: of the medium that was written first
    std::uint32_t partition = 0;
    std::uint64_t logical_object_number = 0;
};

using CipherSalt = std::array<std::uint8_t, 16>;
using KeyCheck = std::array<std::uint8_t, 8>;

/// What can be known of an encrypted record without a key.
struct EncryptedRecordHeader {
    bool raw_decryption_disabled = false;
    KeyAssociatedData key_associated_data;
    std::uint32_t plaintext_length = 0;
    CipherSalt salt{};
    KeyCheck key_check{};
    std::uint64_t counter = 0;
    std::size_t length = 0;  ///< of the header itself
};

/// Nothing: this is no record that a cipher of ours has made.
[[nodiscard]] std::optional<EncryptedRecordHeader> decode_encrypted_record(ByteView stored);

enum class DecryptFailure : std::uint8_t {
    malformed,      ///< no encrypted record
    incorrect_key,  ///< made with another key
    integrity,      ///< the right key; but the bytes or their place are not what was written
};

/// The key of one host setting, and its session. One strand uses it at a time.
class RecordCipher {
  public:
    /// Begins a session. Errors: io (the system has no random bytes).
    [[nodiscard]] static Result<std::shared_ptr<RecordCipher>> create(SecretKey key);
    /// With a given salt, for tests; a salt must never serve twice under a key.
    RecordCipher(SecretKey key, const CipherSalt& salt);
    RecordCipher(const RecordCipher&) = delete;
    RecordCipher& operator=(const RecordCipher&) = delete;
    ~RecordCipher();

    /// The stored form of a record. plaintext: at most media::kRecordLengthMax bytes.
    [[nodiscard]] Buffer encrypt(const RecordPlace& place, const KeyAssociatedData& kad,
                                 bool raw_decryption_disabled, ByteView plaintext);
    [[nodiscard]] std::variant<Buffer, DecryptFailure> decrypt(const RecordPlace& place,
                                                               ByteView stored);
    /// Was the record made with this key?
    [[nodiscard]] bool knows(const EncryptedRecordHeader& header);

  private:
    class Session;
    Session& session_of(const CipherSalt& salt);

    SecretKey key_;
    std::unique_ptr<Session> writing_;
    std::unique_ptr<Session> reading_;  ///< of the last record read that another session wrote
    std::uint64_t counter_ = 0;         ///< of the next record
};

}  // namespace tapeloft::vtl::drive
