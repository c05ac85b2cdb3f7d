// REWIND, SPACE, LOCATE, READ POSITION (SSC-5).
#include <algorithm>
#include <limits>

#include "vtl/drive/activity_scope.h"
#include "vtl/drive/mode_pages.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::Sense;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::space_6 {
using Count = BigEndian<std::uint32_t, 2, 3>;  // two's complement
}
namespace layout::space_16 {
using Count = BigEndian<std::uint64_t, 4>;  // two's complement
}
constexpr std::uint8_t kSpaceCodeMask = 0x0F;
enum SpaceCode : std::uint8_t {
    logical_blocks = 0,
    filemarks = 1,
    sequential_filemarks = 2,
    end_of_data = 3,
};

namespace layout::locate_10 {
using LogicalObjectIdentifier = BigEndian<std::uint32_t, 3>;
constexpr std::size_t kPartition = 8;
}  // namespace layout::locate_10
namespace layout::locate_16 {
using LogicalIdentifier = BigEndian<std::uint64_t, 4>;
constexpr std::size_t kPartition = 3;
}  // namespace layout::locate_16
constexpr std::uint8_t kChangePartition = 0x02;
enum DestinationType : std::uint8_t {
    logical_object_identifier = 0,
    logical_file_identifier = 1,
    destination_end_of_data = 3,
};
constexpr std::uint8_t kReservedDestination = 2;

namespace layout::short_form {  // READ POSITION, SSC-5
using FirstLogicalObjectLocation = BigEndian<std::uint32_t, 4>;
using LastLogicalObjectLocation = BigEndian<std::uint32_t, 8>;
constexpr std::size_t kLength = 20;
}  // namespace layout::short_form
namespace layout::long_form {  // 7.7.3
using PartitionNumber = BigEndian<std::uint32_t, 4>;
using LogicalObjectNumber = BigEndian<std::uint64_t, 8>;
using LogicalFileIdentifier = BigEndian<std::uint64_t, 16>;
constexpr std::size_t kLength = 32;
}  // namespace layout::long_form
namespace layout::extended_form {                      // 7.7.4
using AllocationLength = BigEndian<std::uint16_t, 7>;  // in the CDB
using AdditionalLength = BigEndian<std::uint16_t, 2>;
using FirstLogicalObjectLocation = BigEndian<std::uint64_t, 8>;
using LastLogicalObjectLocation = BigEndian<std::uint64_t, 16>;
constexpr std::size_t kLength = 32;
}  // namespace layout::extended_form

// Byte 0 of every form.
constexpr std::uint8_t kBeginningOfPartition = 0x80;
constexpr std::uint8_t kEndOfPartition = 0x40;  // between early warning and the end
constexpr std::uint8_t kPositionError = 0x02;   // short form: a number does not fit
constexpr std::uint8_t kBeyondProgrammableEarlyWarning = 0x01;

// residue: of what was asked for, what was not passed; never negative.
Completion stopped(media::SpaceStop stop, std::uint64_t residue) {
    Sense sense;
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    sense.information = static_cast<std::int64_t>(std::min(residue, kMax));
    switch (stop) {
        case media::SpaceStop::done:
            return Completion::good();
        case media::SpaceStop::filemark:
            sense.filemark = true;
            sense.additional = asc::kFilemarkDetected;
            break;
        case media::SpaceStop::end_of_data:
            sense.key = SenseKey::blank_check;
            sense.additional = asc::kEndOfDataDetected;
            break;
        case media::SpaceStop::beginning_of_partition:
            sense.end_of_medium = true;
            sense.additional = asc::kBeginningOfPartitionMediumDetected;
            break;
    }
    return Completion::check_condition(sense);
}

std::uint64_t magnitude(std::int64_t count) noexcept {
    const auto bits = static_cast<std::uint64_t>(count);
    return count < 0 ? 0 - bits : bits;
}

}  // namespace

Awaitable<Result<void>> TapeDrive::sync_and_thread() {
    forbid_overwriting();
    TL_CO_CHECK(co_await tape_->sync());
    TL_CO_CHECK(co_await tape_->change_partition(0));
    co_return Result<void>();
}

// To BOP of the partition in which it is (SSC-5).
Awaitable<Completion> TapeDrive::rewind(Task /*task*/) {
    const ActivityScope activity(*this, Activity::rewinding);
    forbid_overwriting();
    if (const auto done = co_await tape_->sync(); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "REWIND");
    }
    status_now();
    if (const auto done = co_await tape_->locate_object(0); !done) {
        co_return failure(done.error(), scsi::Direction::reading, "REWIND");
    }
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::space_6(Task task) {
    constexpr std::uint32_t kSign = 0x800000;
    const std::uint32_t raw = layout::space_6::Count::load(task.cdb);
    const std::int64_t count = std::int64_t{raw ^ kSign} - std::int64_t{kSign};
    co_return co_await space(static_cast<std::uint8_t>(task.cdb[1] & kSpaceCodeMask), count);
}

Awaitable<Completion> TapeDrive::space_16(Task task) {
    const auto count = static_cast<std::int64_t>(layout::space_16::Count::load(task.cdb));
    co_return co_await space(static_cast<std::uint8_t>(task.cdb[1] & kSpaceCodeMask), count);
}

Awaitable<Completion> TapeDrive::space(std::uint8_t code, std::int64_t count) {
    if (code > end_of_data) {
        co_return scsi::invalid_field_in_cdb(1, 3);
    }
    const ActivityScope activity(*this, Activity::locating);
    forbid_overwriting();
    if (code == end_of_data) {
        if (const auto done = co_await tape_->space_to_end_of_data(); !done) {
            co_return failure(done.error(), scsi::Direction::reading, "SPACE");
        }
        co_return Completion::good();
    }
    if (count == 0) {
        co_return Completion::good();
    }
    // The most negative number has no counterpart; no tape is as long as that.
    const std::int64_t wanted = std::max(count, -std::numeric_limits<std::int64_t>::max());
    auto motion = code == logical_blocks ? tape_->space_records(wanted)
                  : code == filemarks    ? tape_->space_filemarks(wanted)
                                         : tape_->space_sequential_filemarks(wanted);
    const auto outcome = co_await std::move(motion);
    if (!outcome) {
        co_return failure(outcome.error(), scsi::Direction::reading, "SPACE");
    }
    co_return stopped(outcome->stop, magnitude(count) - outcome->moved);
}

Awaitable<Completion> TapeDrive::locate_10(Task task) {
    using namespace layout::locate_10;
    Destination to;
    to.identifier = LogicalObjectIdentifier::load(task.cdb);
    to.partition_offset = kPartition;
    co_return co_await locate(std::move(task), to);
}

Awaitable<Completion> TapeDrive::locate_16(Task task) {
    using namespace layout::locate_16;
    constexpr std::uint8_t kDestinationTypeMask = 0x07;
    Destination to;
    to.type = static_cast<std::uint8_t>((task.cdb[1] >> 3U) & kDestinationTypeMask);
    to.identifier = LogicalIdentifier::load(task.cdb);
    to.partition_offset = kPartition;
    co_return co_await locate(std::move(task), to);
}

Awaitable<Completion> TapeDrive::locate(Task task, Destination to) {
    const ActivityScope activity(*this, Activity::locating);
    const std::uint8_t partition = task.cdb[to.partition_offset];
    const bool change_partition = (task.cdb[1] & kChangePartition) != 0;
    if (to.type > destination_end_of_data || to.type == kReservedDestination) {
        co_return scsi::invalid_field_in_cdb(1, 5);
    }
    if (change_partition && partition >= tape_->partition_count()) {
        co_return scsi::invalid_field_in_cdb(static_cast<std::uint16_t>(to.partition_offset), 7);
    }
    forbid_overwriting();
    if (auto refused = co_await status_if_immediate("LOCATE")) {
        co_return std::move(*refused);
    }
    if (change_partition && partition != tape_->position().partition) {
        if (const auto done = co_await tape_->change_partition(partition); !done) {
            co_return failure(done.error(), scsi::Direction::writing, "LOCATE");
        }
        ledger_.count_partition_change();
    }
    Result<bool> found = true;
    if (to.type == logical_object_identifier) {
        found = co_await tape_->locate_object(to.identifier);
    } else if (to.type == logical_file_identifier) {
        found = co_await tape_->locate_file(to.identifier);
    } else if (auto done = co_await tape_->space_to_end_of_data(); !done) {
        found = std::move(done).error();
    }
    if (!found) {
        co_return failure(found.error(), scsi::Direction::reading, "LOCATE");
    }
    co_return *found ? Completion::good()
                     : Completion::check_condition(SenseKey::blank_check, asc::kEndOfDataDetected);
}

// Where programmable early warning begins, in bytes from BOP; with PEWS = 0 there is none.
std::optional<std::uint64_t> TapeDrive::programmable_early_warning() const {
    using namespace mode_layout::device_configuration_extension;
    constexpr std::uint64_t kMegabyte = 1'000'000;
    const std::uint64_t size =
        kMegabyte * ProgrammableEarlyWarningSize::load(mode_pages().current(
                        kDeviceConfigurationPage, kDeviceConfigurationExtensionSubpage));
    const std::uint64_t early_warning = tape_->capacity().early_warning;
    return size == 0 ? std::nullopt : std::optional(early_warning - std::min(early_warning, size));
}

bool TapeDrive::entered_programmable_early_warning(std::uint64_t used_before) const {
    const auto begin = programmable_early_warning();
    return begin && used_before < *begin && tape_->capacity().used_to_position >= *begin;
}

std::uint8_t TapeDrive::position_flags() const {
    std::uint8_t flags = 0;
    if (tape_->position().logical_object_number == 0) {
        flags |= kBeginningOfPartition;
    }
    const media::Capacity now = tape_->capacity();
    if (now.used_to_position >= now.early_warning) {
        flags |= kEndOfPartition;
    }
    if (const auto begin = programmable_early_warning(); begin && now.used_to_position >= *begin) {
        flags |= kBeyondProgrammableEarlyWarning;
    }
    return flags;
}

Completion TapeDrive::read_position_short(const Task& /*task*/) {
    using namespace layout::short_form;
    Bytes data(kLength);
    data[0] = position_flags();
    data[1] = static_cast<std::uint8_t>(tape_->position().partition);
    const std::uint64_t object = tape_->position().logical_object_number;
    if (object > std::numeric_limits<std::uint32_t>::max()) {
        data[0] |= kPositionError;
    } else {
        FirstLogicalObjectLocation::store(data, static_cast<std::uint32_t>(object));
        LastLogicalObjectLocation::store(data, static_cast<std::uint32_t>(object));
    }
    return Completion::with_data(Buffer::copy_of(data));
}

Completion TapeDrive::read_position_long(const Task& /*task*/) {
    using namespace layout::long_form;
    Bytes data(kLength);
    const media::Position position = tape_->position();
    data[0] = position_flags();
    PartitionNumber::store(data, position.partition);
    LogicalObjectNumber::store(data, position.logical_object_number);
    LogicalFileIdentifier::store(data, position.logical_file_number);
    return Completion::with_data(Buffer::copy_of(data));
}

Completion TapeDrive::read_position_extended(const Task& task) {
    using namespace layout::extended_form;
    Bytes data(kLength);
    const media::Position position = tape_->position();
    data[0] = position_flags();
    data[1] = static_cast<std::uint8_t>(position.partition);
    AdditionalLength::store(data, kLength - 4);
    FirstLogicalObjectLocation::store(data, position.logical_object_number);
    LastLogicalObjectLocation::store(data, position.logical_object_number);
    return scsi::with_allocation_length(data, AllocationLength::load(task.cdb));
}

}  // namespace tapeloft::vtl::drive
