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

}  // namespace

void TapeDrive::count_read(std::size_t bytes) noexcept {
    for (Counters* const counters : {&counters_, &load_counters_}) {
        counters->bytes_read += bytes;
        ++counters->records_read;
    }
}

void TapeDrive::count_written(std::size_t bytes) noexcept {
    for (Counters* const counters : {&counters_, &load_counters_}) {
        counters->bytes_written += bytes;
        ++counters->records_written;
    }
}

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
    const ActivityScope activity(*this, Activity::reading);
    if (fixed) {
        co_return co_await read_fixed(length);
    }
    co_return co_await read_variable(length, suppress);
}

// INFORMATION is the requested length minus the length of the record, in bytes.
Awaitable<Completion> TapeDrive::read_variable(std::uint32_t length,
                                               bool suppress_incorrect_length) {
    auto outcome = co_await tape_->read();
    if (!outcome) {
        Sense sense = failed(outcome.error(), scsi::Direction::reading, "READ");
        sense.information = length;
        co_return Completion::check_condition(sense);
    }
    if (outcome->kind != media::ReadKind::record) {
        co_return Completion::check_condition(no_record(outcome->kind, length));
    }
    const Buffer& record = outcome->record;
    count_read(record.size());
    Buffer data = record.first(std::min<std::size_t>(record.size(), length));
    const bool overlength = record.size() > length;
    const bool report =
        suppress_incorrect_length ? overlength && block_length_ != 0 : record.size() != length;
    if (!report) {
        co_return Completion::with_data(std::move(data));
    }
    const auto residue = std::int64_t{length} - static_cast<std::int64_t>(record.size());
    co_return ended(incorrect_length(residue), std::move(data));
}

// INFORMATION is the number of blocks not read; a block of another length ends the command, is not
// counted and not transferred, and the position is behind it.
Awaitable<Completion> TapeDrive::read_fixed(std::uint32_t count) {
    const std::size_t block_length = block_length_;
    Buffer data;
    for (std::uint32_t done = 0; done < count; ++done) {
        auto outcome = co_await tape_->read();
        const std::int64_t residue = count - done;
        if (!outcome) {
            Sense sense = failed(outcome.error(), scsi::Direction::reading, "READ");
            sense.information = residue;
            co_return ended(sense, data.first(done * block_length));
        }
        if (outcome->kind != media::ReadKind::record) {
            co_return ended(no_record(outcome->kind, residue), data.first(done * block_length));
        }
        const Buffer& record = outcome->record;
        count_read(record.size());
        if (record.size() != block_length) {
            co_return ended(incorrect_length(residue), data.first(done * block_length));
        }
        if (count == 1) {
            co_return Completion::with_data(record);
        }
        if (data.empty()) {
            data = Buffer::allocate(count * block_length);
        }
        const ByteView bytes = record.view();
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
    const std::uint64_t total = fixed ? std::uint64_t{length} * block_length_ : length;
    const std::uint64_t total_max = fixed ? scsi::kTransferLengthMax : media::kRecordLengthMax;
    if (total > total_max) {
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
    if (fixed) {
        co_return co_await write_records(std::move(task.data_out), length, block_length_, 1);
    }
    co_return co_await write_records(std::move(task.data_out), 1, length, length);
}

// unit: what INFORMATION counts for a record that was not written, 1 (fixed) or its bytes
// (variable).
Awaitable<Completion> TapeDrive::write_records(Buffer data, std::uint32_t count,
                                               std::uint32_t record_length, std::uint32_t unit) {
    bool warned = false;
    Completion completion;
    for (std::uint32_t done = 0; done < count; ++done) {
        Buffer record = data.slice(std::size_t{done} * record_length, record_length);
        const auto outcome = co_await tape_->write(std::move(record));
        if (!outcome) {
            Sense sense = failed(outcome.error(), scsi::Direction::writing, "WRITE");
            sense.information = std::int64_t{count - done} * unit;
            completion = Completion::check_condition(sense);
            completion.data_out_length = done * record_length;
            co_return completion;
        }
        spool_full_ = false;
        count_written(record_length);
        warned = outcome->early_warning;
    }
    completion.data_out_length = count * record_length;
    if (buffered_mode_ == 0) {  // SSC-5: GOOD only when the data is on the medium
        if (const auto synced = co_await tape_->sync(); !synced) {
            completion = failure(synced.error(), scsi::Direction::writing, "WRITE");
            co_return completion;
        }
    }
    if (warned) {
        completion.status = scsi::Status::check_condition;
        completion.sense = early_warning();
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
    if (count != 0) {
        const auto outcome = co_await tape_->write_filemarks(count);
        if (!outcome) {
            Sense sense = failed(outcome.error(), scsi::Direction::writing, "WRITE FILEMARKS");
            sense.information = count;
            co_return Completion::check_condition(sense);
        }
        spool_full_ = false;
        warned = outcome->early_warning;
    }
    if (!immediate) {
        if (const auto synced = co_await tape_->sync(); !synced) {
            co_return failure(synced.error(), scsi::Direction::writing, "WRITE FILEMARKS");
        }
    }
    co_return warned ? Completion::check_condition(early_warning()) : Completion::good();
}

}  // namespace tapeloft::vtl::drive
