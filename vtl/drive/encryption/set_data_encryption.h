// The Set Data Encryption page of SECURITY PROTOCOL OUT, decoded and checked (SSC-5, 8.5.3.2).
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "vtl/drive/encryption/data_encryption_parameters.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::drive {

/// What some fields are checked against.
struct SetDataEncryptionContext {
    bool volume_mounted = false;  ///< CKOD needs one
    bool reserved = false;        ///< the nexus has a reservation: CKORP and CKORL need one
};

struct SetDataEncryption {
    EncryptionScope scope = EncryptionScope::public_scope;
    bool lock = false;
    DataEncryptionParameters parameters;  ///< without its cipher
    std::optional<SecretKey> key;         ///< set if and only if a mode needs one
};

/// list: the whole parameter list, which the caller wipes. A refusal points at the field.
[[nodiscard]] std::variant<SetDataEncryption, scsi::Completion> decode_set_data_encryption(
    ByteView list, const SetDataEncryptionContext& context);

}  // namespace tapeloft::vtl::drive
