// What a host's block is on tape: encrypted or not, and without its protection information.
#include <algorithm>

#include "vtl/drive/encryption/record_access.h"
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {

using scsi::Completion;
using scsi::Sense;
using scsi::SenseKey;

namespace asc = scsi::asc;

// Records that were copied are where they were first written.
RecordPlace TapeDrive::place_of(const media::Position& position) const {
    const Medium& medium = *medium_;
    return {medium.origin_serial.empty() ? medium.medium_serial : medium.origin_serial,
            position.partition, position.logical_object_number};
}

LogicalBlockProtection TapeDrive::protection(scsi::ItNexusId nexus) const {
    return LogicalBlockProtection(
        mode_pages().current_of(nexus, kControlDataProtectionPage, kControlDataProtectionSubpage));
}

// SSC-5, 4.2.22.7: who has locked parameters that are gone must set them anew.
std::optional<Completion> TapeDrive::check_encryption_lock(scsi::ItNexusId nexus) const {
    if (encryption_.locked_out(nexus)) {
        return Completion::check_condition(SenseKey::data_protect,
                                           asc::kDataEncryptionKeyInstanceCounterHasChanged);
    }
    return {};
}

Awaitable<TapeDrive::RecordRead> TapeDrive::read_record(scsi::ItNexusId nexus,
                                                        std::string_view what) {
    RecordRead result;
    const media::Position before = tape_->position();
    auto outcome = co_await tape_->read();
    if (!outcome) {
        result.failure = failed(outcome.error(), scsi::Direction::reading, what);
        co_return result;
    }
    result.kind = outcome->kind;
    if (outcome->kind != media::ReadKind::record) {
        co_return result;
    }
    auto opened = open_record(encryption_.parameters(nexus), place_of(before), *outcome);
    if (auto* const record = std::get_if<Buffer>(&opened)) {
        result.record = std::move(*record);
        co_return result;
    }
    const scsi::AdditionalSense reason = *std::get_if<scsi::AdditionalSense>(&opened);
    if (reason == asc::kCryptographicIntegrityValidationFailed) {
        events_.error(name_,
                      std::string(what) +
                          " met an encrypted record that is not what was "
                          "written here",
                      {{"barcode", medium_->barcode},
                       {"object", std::to_string(before.logical_object_number)}});
    }
    const auto back = co_await tape_->locate_object(before.logical_object_number);
    if (!back) {
        result.failure = failed(back.error(), scsi::Direction::reading, what);
        co_return result;
    }
    Sense refused;
    refused.key = SenseKey::data_protect;
    refused.additional = reason;
    result.failure = refused;
    co_return result;
}

Awaitable<Result<media::WriteOutcome>> TapeDrive::write_record(
    const DataEncryptionParameters& parameters, Buffer record) {
    if (!parameters.encrypts()) {
        return tape_->write(std::move(record));
    }
    Buffer stored =
        parameters.cipher->encrypt(place_of(tape_->position()), parameters.key_associated_data,
                                   parameters.raw_decryption_disabled, record.view());
    return tape_->write_encoded(std::move(stored), media::RecordEncoding::encrypted);
}

Buffer TapeDrive::with_protection(const LogicalBlockProtection& protection, Buffer record) {
    if (protection.read_overhead() == 0) {
        return record;
    }
    Buffer block = Buffer::allocate(record.size() + protection.read_overhead());
    const ByteView bytes = record.view();
    std::copy(bytes.begin(), bytes.end(), block.mutable_view().begin());
    protection.protect(block.mutable_view());
    return block;
}

}  // namespace tapeloft::vtl::drive
