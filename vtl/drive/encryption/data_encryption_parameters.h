// A set of data encryption parameters (SSC-5, 4.2.22).
#pragma once

#include <cstdint>
#include <memory>

#include "vtl/drive/encryption/key_associated_data.h"
#include "vtl/drive/encryption/record_cipher.h"

namespace tapeloft::vtl::drive {

inline constexpr std::uint8_t kAlgorithmIndex = 1;  ///< of AES-256-GCM, the only one

enum class EncryptionScope : std::uint8_t { public_scope = 0, local = 1, all_it_nexus = 2 };

enum class EncryptionMode : std::uint8_t { disable = 0, external = 1, encrypt = 2 };

enum class DecryptionMode : std::uint8_t { disable = 0, raw = 1, decrypt = 2, mixed = 3 };

enum class CheckExternalEncryptionMode : std::uint8_t {  // CEEM
    vendor_specific = 0,
    do_not_check = 1,
    refuse_external = 2,
    refuse_encrypt = 3,  ///< records written in ENCRYPT mode: ours are all of that kind
};

struct DataEncryptionParameters {
    EncryptionMode encryption_mode = EncryptionMode::disable;
    DecryptionMode decryption_mode = DecryptionMode::disable;
    std::uint8_t algorithm_index = 0;
    CheckExternalEncryptionMode check_external = CheckExternalEncryptionMode::vendor_specific;
    bool raw_decryption_disabled = false;       ///< RDMC = 11b
    bool clear_on_demount = false;              ///< CKOD
    bool clear_on_reservation_preempt = false;  ///< CKORP
    bool clear_on_reservation_loss = false;     ///< CKORL
    KeyAssociatedData key_associated_data;
    std::shared_ptr<RecordCipher> cipher;  ///< set if and only if a mode needs a key

    [[nodiscard]] bool encrypts() const noexcept {
        return encryption_mode == EncryptionMode::encrypt;
    }
    [[nodiscard]] bool decrypts() const noexcept {
        return decryption_mode == DecryptionMode::decrypt ||
               decryption_mode == DecryptionMode::mixed;
    }
};

}  // namespace tapeloft::vtl::drive
