// What SECURITY PROTOCOL IN answers: protocol 00h (SPC-5, 7.7.1) and 20h (SSC-5, 8.5.2).
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "vtl/drive/encryption/data_encryption.h"
#include "vtl/scsi/task.h"

namespace tapeloft::vtl::drive {

inline constexpr std::uint8_t kSecurityProtocolInformation = 0x00;
inline constexpr std::uint8_t kTapeDataEncryption = 0x20;
inline constexpr std::uint16_t kSetDataEncryptionPage = 0x0010;          ///< OUT
inline constexpr std::uint16_t kNextBlockEncryptionStatusPage = 0x0021;  ///< IN

/// ENCRYPTION STATUS of the Next Block Encryption Status page.
enum class BlockEncryptionStatus : std::uint8_t {
    unknown_now = 1,  ///< it cannot be read
    not_a_block = 2,  ///< filemark, end of data
    not_encrypted = 3,
    unsupported = 4,  ///< not encrypted by an algorithm that is known here
    encrypted = 5,    ///< and the parameters in force can decrypt it
    no_key = 6,       ///< and they cannot
};

struct NextBlock {
    std::uint64_t logical_object_number = 0;
    BlockEncryptionStatus status = BlockEncryptionStatus::not_a_block;
    bool raw_decryption_disabled = false;
    KeyAssociatedData key_associated_data;
};

/// What the pages tell of.
struct EncryptionPageContext {
    DataEncryption::View view;
    bool volume_mounted = false;
    bool writable = false;                ///< a mounted volume that may be written
    std::optional<NextBlock> next_block;  ///< set if that page is asked for
};

/// The page, or the refusal of the CDB.
[[nodiscard]] std::variant<Bytes, scsi::Completion> security_protocol_in_page(
    std::uint8_t protocol, std::uint16_t page_code, const EncryptionPageContext& context);

}  // namespace tapeloft::vtl::drive
