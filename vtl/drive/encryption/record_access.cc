#include "vtl/drive/encryption/record_access.h"

namespace tapeloft::vtl::drive {

namespace asc = scsi::asc;

std::variant<Buffer, scsi::AdditionalSense> open_record(const DataEncryptionParameters& parameters,
                                                        const RecordPlace& place,
                                                        const media::ReadOutcome& outcome) {
    if (outcome.encoding == media::RecordEncoding::plain) {
        if (parameters.decryption_mode == DecryptionMode::decrypt) {
            return asc::kUnencryptedDataEncounteredWhileDecrypting;
        }
        return outcome.record;
    }
    if (!parameters.decrypts()) {
        return asc::kUnableToDecryptData;
    }
    if (parameters.check_external == CheckExternalEncryptionMode::refuse_encrypt) {
        return asc::kEncryptionModeMismatchOnRead;
    }
    auto opened = parameters.cipher->decrypt(place, outcome.record.view());
    if (auto* const plaintext = std::get_if<Buffer>(&opened)) {
        return std::move(*plaintext);
    }
    return *std::get_if<DecryptFailure>(&opened) == DecryptFailure::incorrect_key
               ? asc::kIncorrectDataEncryptionKey
               : asc::kCryptographicIntegrityValidationFailed;
}

NextBlock describe_next_block(const DataEncryptionParameters& parameters,
                              std::uint64_t logical_object_number,
                              const media::ReadOutcome& outcome) {
    NextBlock block;
    block.logical_object_number = logical_object_number;
    if (outcome.kind != media::ReadKind::record) {
        return block;
    }
    if (outcome.encoding == media::RecordEncoding::plain) {
        block.status = BlockEncryptionStatus::not_encrypted;
        return block;
    }
    const auto header = decode_encrypted_record(outcome.record.view());
    if (!header) {
        block.status = BlockEncryptionStatus::unsupported;
        return block;
    }
    const bool readable = parameters.decrypts() && parameters.cipher->knows(*header);
    block.status = readable ? BlockEncryptionStatus::encrypted : BlockEncryptionStatus::no_key;
    block.raw_decryption_disabled = header->raw_decryption_disabled;
    block.key_associated_data = header->key_associated_data;
    return block;
}

}  // namespace tapeloft::vtl::drive
