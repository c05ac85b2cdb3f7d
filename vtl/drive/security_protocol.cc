// SECURITY PROTOCOL IN and OUT (SPC-5), for tape data encryption (SSC-5, 8.5).
#include "vtl/drive/encryption/encryption_pages.h"
#include "vtl/drive/encryption/record_access.h"
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::security_protocol {
using Protocol = BigEndian<std::uint8_t, 1>;
using Specific = BigEndian<std::uint16_t, 2>;
using Length = BigEndian<std::uint32_t, 6>;  // of the transfer, or the allocation
}  // namespace layout::security_protocol

/// Wipes the parameter list, key and all, whatever becomes of the command.
class WipedAtEnd {
  public:
    explicit WipedAtEnd(Buffer& buffer) : buffer_(buffer) {}
    WipedAtEnd(const WipedAtEnd&) = delete;
    WipedAtEnd& operator=(const WipedAtEnd&) = delete;
    ~WipedAtEnd() { wipe(buffer_.mutable_view()); }

  private:
    Buffer& buffer_;
};

}  // namespace

Awaitable<Completion> TapeDrive::security_protocol_in(Task task) {
    using namespace layout::security_protocol;
    const std::uint8_t protocol = Protocol::load(task.cdb);
    const std::uint16_t page_code = Specific::load(task.cdb);
    EncryptionPageContext context;
    context.view = encryption_.view(task.it_nexus);
    context.volume_mounted = loaded();
    context.writable = loaded() && !write_protected();
    if (protocol == kTapeDataEncryption && page_code == kNextBlockEncryptionStatusPage) {
        if (!loaded()) {
            co_return not_ready();
        }
        context.next_block = co_await next_block(task.it_nexus);
    }
    auto page = security_protocol_in_page(protocol, page_code, context);
    if (auto* const refused = std::get_if<Completion>(&page)) {
        co_return std::move(*refused);
    }
    co_return scsi::with_allocation_length(*std::get_if<Bytes>(&page), Length::load(task.cdb));
}

// Looks at what comes next and goes back; where that cannot be read, nothing is known of it.
Awaitable<NextBlock> TapeDrive::next_block(scsi::ItNexusId nexus) {
    const std::uint64_t object = tape_->position().logical_object_number;
    NextBlock block;
    block.logical_object_number = object;
    const auto outcome = co_await tape_->read();
    if (!outcome) {
        block.status = BlockEncryptionStatus::unknown_now;
        co_return block;
    }
    block = describe_next_block(encryption_.parameters(nexus), object, *outcome);
    if (const auto back = co_await tape_->locate_object(object); !back) {
        block.status = BlockEncryptionStatus::unknown_now;
    }
    co_return block;
}

Awaitable<Completion> TapeDrive::security_protocol_out(Task task) {
    using namespace layout::security_protocol;
    const WipedAtEnd wiped(task.data_out);
    if (Protocol::load(task.cdb) != kTapeDataEncryption) {
        co_return scsi::invalid_field_in_cdb(1, 7);
    }
    if (Specific::load(task.cdb) != kSetDataEncryptionPage) {
        co_return scsi::invalid_field_in_cdb(2, 7);
    }
    const std::uint32_t length = Length::load(task.cdb);
    if (length == 0) {
        co_return Completion::good();
    }
    if (task.data_out.size() < length) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kInvalidFieldInCommandInformationUnit);
    }
    const SetDataEncryptionContext context{loaded(), holds_reservation(task.it_nexus)};
    auto page = decode_set_data_encryption(task.data_out.view().first(length), context);
    if (auto* const refused = std::get_if<Completion>(&page)) {
        co_return std::move(*refused);
    }
    const auto affected =
        encryption_.set(task.it_nexus, std::move(*std::get_if<SetDataEncryption>(&page)));
    if (!affected) {
        events_.error(name_, "SECURITY PROTOCOL OUT failed: " + affected.error().message, {});
        co_return Completion::check_condition(SenseKey::hardware_error,
                                              asc::kInternalTargetFailure);
    }
    if (*affected == DataEncryption::Affected::others) {
        tell_of_other_encryption(task.it_nexus);
    }
    Completion completion;
    completion.data_out_length = length;
    co_return completion;
}

void TapeDrive::tell_of_other_encryption(scsi::ItNexusId cause) {
    unit_attentions().establish_for_others(cause,
                                           asc::kDataEncryptionParametersChangedByAnotherItNexus);
}

void TapeDrive::on_nexus_lost(scsi::ItNexusId nexus) {
    encryption_.on_nexus_lost(nexus);
}

void TapeDrive::on_reservation_change(bool preempted) {
    const auto reserved_still = [this](scsi::ItNexusId nexus) { return holds_reservation(nexus); };
    if (encryption_.on_reservation_change(preempted, reserved_still)) {
        unit_attentions().establish_for_all(asc::kDataEncryptionParametersChangedByAnotherItNexus);
    }
}

}  // namespace tapeloft::vtl::drive
