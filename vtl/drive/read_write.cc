// READ(6), WRITE(6), WRITE FILEMARKS(6), READ BLOCK LIMITS (SSC-5).
#include <algorithm>

#include "vtl/drive/activity_scope.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::AdditionalSense;
using scsi::Completion;
using scsi::Sense;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::transfer_6 {
using TransferLength = BigEndian<std::uint32_t, 2, 3>;
constexpr std::uint8_t kFixed = 0x01;
constexpr std::uint8_t kSuppressIncorrectLength = 0x02;
constexpr std::uint8_t kImmediate = 0x01;  // of WRITE FILEMARKS
}  // namespace layout::transfer_6

Sense with_information(SenseKey key, AdditionalSense additional, std::int64_t information) {
    Sense sense;
    sense.key = key;
    sense.additional = additional;
    sense.information = information;
    return sense;
}

Completion ended(const Sense& sense, Buffer data) {
    Completion completion = Completion::check_condition(sense);
    completion.data_in = std::move(data);
    return completion;
}

// What a READ reports when it meets no record. residue: blocks (fixed) or bytes (variable).
Sense no_record(media::ReadKind kind, std::int64_t residue) {
    if (kind == media::ReadKind::filemark) {
        Sense sense = with_information(SenseKey::no_sense, asc::kFilemarkDetected, residue);
        sense.filemark = true;
        return sense;
    }
    return with_information(SenseKey::blank_check, asc::kEndOfDataDetected, residue);
}

Sense incorrect_length(std::int64_t residue) {
    Sense sense = with_information(SenseKey::no_sense, asc::kNone, residue);
    sense.incorrect_length = true;
    return sense;
}

Sense early_warning() {
    Sense sense = with_information(SenseKey::no_sense, asc::kEndOfPartitionMediumDetected, 0);
    sense.end_of_medium = true;
    return sense;
}

Sense programmable_early_warning_sense() {
    return with_information(SenseKey::no_sense, asc::kProgrammableEarlyWarningDetected, 0);
}

}  // namespace

Completion TapeDrive::read_block_limits(const Task& /*task*/) {
    Bytes data(6);  // granularity 0: any length
    BigEndian<std::uint32_t, 1, 3>::store(data, media::kRecordLengthMax);
    BigEndian<std::uint16_t, 4>::store(data, media::kRecordLengthMin);
    return Completion::with_data(Buffer::copy_of(data));
}

Awaitable<Completion> TapeDrive::read(Task task) {
    using namespace layout::transfer_6;
    const bool fixed = (task.cdb[1] & kFixed) != 0;
    const bool suppress = (task.cdb[1] & kSuppressIncorrectLength) != 0;
    const std::uint32_t length = TransferLength::load(task.cdb);
    if (fixed && suppress) {
        co_return scsi::invalid_field_in_cdb(1, 1);
    }
    if (fixed && block_length_ == 0) {
        co_return scsi::invalid_field_in_cdb(1, 0);
    }
    if (fixed && std::uint64_t{length} * block_length_ > scsi::kTransferLengthMax) {
        co_return scsi::invalid_field_in_cdb(2, 7);
    }
    if (length == 0) {
        co_return Completion::good();
    }
    if (auto refused = check_encryption_lock(task.it_nexus)) {
        co_return std::move(*refused);
    }
    const ActivityScope activity(*this, Activity::reading);
    if (fixed) {
        co_return co_await read_fixed(task.it_nexus, length);
    }
    co_return co_await read_variable(task.it_nexus, length, suppress);
}

// INFORMATION is the requested length minus the length of the record, in bytes.
Awaitable<Completion> TapeDrive::read_variable(scsi::ItNexusId nexus, std::uint32_t length,
                                               bool suppress_incorrect_length) {
    auto got = co_await read_record(nexus, "READ");
    if (got.failure) {
        got.failure->information = length;
        co_return Completion::check_condition(*got.failure);
    }
    if (got.kind != media::ReadKind::record) {
        co_return Completion::check_condition(no_record(got.kind, length));
    }
    ledger_.count_read(got.record.size());
    const Buffer block = with_protection(protection(nexus), std::move(got.record));
    const bool overlength = block.size() > length;
    // Until the host takes it the session's budget counts what is sent, not the block.
    Buffer data = overlength ? Buffer::copy_of(block.view().first(length)) : block;
    const bool report =
        suppress_incorrect_length ? overlength && block_length_ != 0 : block.size() != length;
    if (!report) {
        co_return Completion::with_data(std::move(data));
    }
    const auto residue = std::int64_t{length} - static_cast<std::int64_t>(block.size());
    co_return ended(incorrect_length(residue), std::move(data));
}

// INFORMATION is the number of blocks not read; a block of another length ends the command, is not
// counted and not transferred, and the position is behind it.
Awaitable<Completion> TapeDrive::read_fixed(scsi::ItNexusId nexus, std::uint32_t count) {
    const std::size_t block_length = block_length_;
    const LogicalBlockProtection in_force = protection(nexus);
    Buffer data;
    for (std::uint32_t done = 0; done < count; ++done) {
        auto got = co_await read_record(nexus, "READ");
        const std::int64_t residue = count - done;
        if (got.failure) {
            got.failure->information = residue;
            co_return ended(*got.failure, data.first(done * block_length));
        }
        if (got.kind != media::ReadKind::record) {
            co_return ended(no_record(got.kind, residue), data.first(done * block_length));
        }
        ledger_.count_read(got.record.size());
        const Buffer block = with_protection(in_force, std::move(got.record));
        if (block.size() != block_length) {
            co_return ended(incorrect_length(residue), data.first(done * block_length));
        }
        if (count == 1) {
            co_return Completion::with_data(block);
        }
        if (data.empty()) {
            data = Buffer::allocate(count * block_length);
        }
        const ByteView bytes = block.view();
        std::copy(bytes.begin(), bytes.end(),
                  data.mutable_view().subspan(done * block_length).begin());
    }
    co_return Completion::with_data(std::move(data));
}

Awaitable<Completion> TapeDrive::write(Task task) {
    using namespace layout::transfer_6;
    const bool fixed = (task.cdb[1] & kFixed) != 0;
    const std::uint32_t length = TransferLength::load(task.cdb);
    if (fixed && block_length_ == 0) {
        co_return scsi::invalid_field_in_cdb(1, 0);
    }
    const std::uint32_t overhead = protection(task.it_nexus).write_overhead();
    const std::uint64_t total = fixed ? std::uint64_t{length} * block_length_ : length;
    const std::uint64_t total_max =
        fixed ? scsi::kTransferLengthMax : media::kRecordLengthMax + overhead;
    const bool no_data = length != 0 && (fixed ? block_length_ : length) <= overhead;
    if (total > total_max || no_data) {
        co_return scsi::invalid_field_in_cdb(2, 7);
    }
    if (length == 0) {
        co_return Completion::good();
    }
    if (task.data_out.size() < total) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kInvalidFieldInCommandInformationUnit);
    }
    const ActivityScope activity(*this, Activity::writing);
    BlocksToWrite blocks;
    blocks.nexus = task.it_nexus;
    // What waits to be written holds its block, not all that came with the command.
    blocks.data = task.data_out.size() == total
                      ? std::move(task.data_out)
                      : Buffer::copy_of(task.data_out.view().first(total));
    blocks.count = fixed ? length : 1;
    blocks.block_length = fixed ? block_length_ : length;
    blocks.unit = fixed ? 1 : length;
    co_return co_await write_blocks(std::move(blocks));
}

Awaitable<Completion> TapeDrive::write_blocks(BlocksToWrite blocks) {
    if (must_check_write()) {
        if (auto refused = co_await check_write_here()) {
            co_return std::move(*refused);
        }
    }
    if (auto refused = check_encryption_lock(blocks.nexus)) {
        co_return std::move(*refused);
    }
    // Whatever becomes of them meanwhile: all blocks of a command are encrypted, or none.
    const DataEncryptionParameters encryption = encryption_.parameters(blocks.nexus);
    const LogicalBlockProtection in_force = protection(blocks.nexus);
    const std::uint32_t count = blocks.count;
    const std::uint32_t block_length = blocks.block_length;
    bool warned = false;
    const std::uint64_t used_before = tape_->capacity().used_to_position;
    Completion completion;
    for (std::uint32_t done = 0; done < count; ++done) {
        const std::int64_t residue = std::int64_t{count - done} * blocks.unit;
        const Buffer block = blocks.data.slice(std::size_t{done} * block_length, block_length);
        if (in_force.write_overhead() != 0 && !in_force.sound(block.view())) {
            completion = Completion::check_condition(with_information(
                SenseKey::hardware_error, asc::kLogicalBlockGuardCheckFailed, residue));
            completion.data_out_length = done * block_length;
            co_return completion;
        }
        Buffer record = block.first(block_length - in_force.write_overhead());
        const std::size_t record_length = record.size();
        const auto outcome = co_await write_record(encryption, std::move(record));
        if (!outcome) {
            Sense sense = failed(outcome.error(), scsi::Direction::writing, "WRITE");
            sense.information = residue;
            completion = Completion::check_condition(sense);
            completion.data_out_length = done * block_length;
            co_return completion;
        }
        alerts_.clear(TapeAlert::preventive_maintenance);
        ledger_.count_written(record_length);
        warned = outcome->early_warning;
    }
    completion.data_out_length = count * block_length;
    if (buffered_mode_ == 0) {  // SSC-5: GOOD only when the data is on the medium
        if (const auto synced = co_await tape_->sync(); !synced) {
            completion = failure(synced.error(), scsi::Direction::writing, "WRITE");
            co_return completion;
        }
    }
    if (warned || entered_programmable_early_warning(used_before)) {
        completion.status = scsi::Status::check_condition;
        completion.sense = warned ? early_warning() : programmable_early_warning_sense();
    }
    co_return completion;
}

Awaitable<Completion> TapeDrive::write_filemarks(Task task) {
    using namespace layout::transfer_6;
    const bool immediate = (task.cdb[1] & kImmediate) != 0;
    const std::uint32_t count = TransferLength::load(task.cdb);
    if (count != 0 && write_protected()) {
        co_return refused_write();
    }
    const ActivityScope activity(*this, Activity::writing);
    bool warned = false;
    const std::uint64_t used_before = tape_->capacity().used_to_position;
    if (count != 0) {
        if (must_check_write()) {
            if (auto refused = co_await check_write_here()) {
                co_return std::move(*refused);
            }
        }
        const auto outcome = co_await tape_->write_filemarks(count);
        if (!outcome) {
            Sense sense = failed(outcome.error(), scsi::Direction::writing, "WRITE FILEMARKS");
            sense.information = count;
            co_return Completion::check_condition(sense);
        }
        alerts_.clear(TapeAlert::preventive_maintenance);
        warned = outcome->early_warning;
    }
    if (!immediate) {
        if (const auto synced = co_await tape_->sync(); !synced) {
            co_return failure(synced.error(), scsi::Direction::writing, "WRITE FILEMARKS");
        }
    }
    if (warned || entered_programmable_early_warning(used_before)) {
        co_return Completion::check_condition(warned ? early_warning()
                                                     : programmable_early_warning_sense());
    }
    co_return Completion::good();
}

}  // namespace tapeloft::vtl::drive
