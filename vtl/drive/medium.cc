// LOAD UNLOAD, ERASE(6), FORMAT MEDIUM, REPORT DENSITY SUPPORT (SSC-5).
#include <algorithm>

#include "vtl/drive/activity_scope.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;
using scsi::SenseKey;

namespace asc = scsi::asc;

namespace layout::load_unload {  // SSC-5; all in byte 4
constexpr std::uint8_t kLoad = 0x01;
constexpr std::uint8_t kEndOfTape = 0x04;
constexpr std::uint8_t kHold = 0x08;
}  // namespace layout::load_unload

namespace layout::density {  // density support data block descriptor, SSC-5
using AllocationLength = BigEndian<std::uint16_t, 7>;  // in the CDB
using PrimaryDensityCode = BigEndian<std::uint8_t, 0>;
using SecondaryDensityCode = BigEndian<std::uint8_t, 1>;
using BitsPerMm = BigEndian<std::uint32_t, 5, 3>;
using MediaWidth = BigEndian<std::uint16_t, 8>;  // tenths of a millimetre
using Tracks = BigEndian<std::uint16_t, 10>;
using Capacity = BigEndian<std::uint32_t, 12>;  // 10^6 bytes
constexpr std::size_t kAssigningOrganization = 16;
constexpr std::size_t kDensityName = 24;
constexpr std::size_t kDescription = 32;
constexpr std::size_t kLength = 52;
constexpr std::uint8_t kWriteOk = 0x80;
constexpr std::uint8_t kDefault = 0x20;
}  // namespace layout::density

void put_text(MutableByteView field, std::string_view text) {
    std::fill(field.begin(), field.end(), static_cast<std::uint8_t>(' '));
    std::copy_n(text.begin(), std::min(text.size(), field.size()), field.begin());
}

void append_density(Bytes& data, const scsi::MediumGeneration& row, bool write_ok,
                    bool is_default) {
    using namespace layout::density;
    constexpr std::uint16_t kHalfInch = 127;
    Bytes descriptor(kLength);
    const MutableByteView bytes(descriptor);
    PrimaryDensityCode::store(bytes, row.density_code);
    SecondaryDensityCode::store(bytes, row.density_code);
    descriptor[2] =
        static_cast<std::uint8_t>((write_ok ? kWriteOk : 0U) | (is_default ? kDefault : 0U));
    BitsPerMm::store(bytes, row.bits_per_mm);
    MediaWidth::store(bytes, kHalfInch);
    Tracks::store(bytes, row.tracks);
    Capacity::store(bytes, row.capacity_mb);
    put_text(bytes.subspan(kAssigningOrganization, 8), "LTO-CVE");
    put_text(bytes.subspan(kDensityName, 8), row.density_name);
    put_text(bytes.subspan(kDescription, 20), row.description);
    data.insert(data.end(), descriptor.begin(), descriptor.end());
}

}  // namespace

Awaitable<Completion> TapeDrive::load_unload(Task task) {
    using namespace layout::load_unload;
    const bool hold = (task.cdb[4] & kHold) != 0;
    const bool wants_load = (task.cdb[4] & kLoad) != 0;
    if ((task.cdb[4] & kEndOfTape) != 0) {
        co_return scsi::invalid_field_in_cdb(4, 2);
    }
    if (load_state_ == LoadState::empty) {
        co_return not_ready();
    }
    if (wants_load && !hold) {
        co_return co_await load(task.it_nexus);
    }
    if (!hold && removal_prevented()) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kMediumRemovalPrevented);
    }
    if (loaded()) {
        const ActivityScope activity(*this, Activity::unloading);
        if (const auto done = co_await sync_and_rewind(); !done) {
            co_return failure(done.error(), scsi::Direction::writing, "LOAD UNLOAD");
        }
    }
    load_state_ = hold ? LoadState::held : LoadState::ejected;
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::load(scsi::ItNexusId nexus) {
    const ActivityScope activity(*this, Activity::loading);
    if (const auto done = co_await sync_and_rewind(); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "LOAD UNLOAD");
    }
    if (!loaded()) {
        load_state_ = LoadState::loaded;
        unit_attentions().establish_for_others(nexus, asc::kNotReadyToReadyChange);
    }
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::erase(Task /*task*/) {
    const ActivityScope activity(*this, Activity::erasing);
    if (const auto done = co_await tape_->erase_to_end(); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "ERASE");
    }
    co_return Completion::good();
}

Awaitable<Completion> TapeDrive::format_medium(Task task) {
    constexpr std::uint8_t kFormatMask = 0x0F;
    if ((task.cdb[2] & kFormatMask) != 0) {  // only the default format: one partition
        co_return scsi::invalid_field_in_cdb(2, 3);
    }
    if (tape_->position().logical_object_number != 0) {
        co_return Completion::check_condition(SenseKey::illegal_request,
                                              asc::kPositionPastBeginningOfMedium);
    }
    const ActivityScope activity(*this, Activity::formatting);
    std::vector<std::uint64_t> capacities = {medium_->capacity};
    if (const auto done = co_await tape_->format(std::move(capacities)); !done) {
        co_return failure(done.error(), scsi::Direction::writing, "FORMAT MEDIUM");
    }
    co_return Completion::good();
}

Completion TapeDrive::report_density_support(const Task& task) {
    using namespace layout::density;
    const bool of_the_medium = (task.cdb[1] & 0x01U) != 0;
    if (of_the_medium && !loaded()) {
        return not_ready();
    }
    Bytes data(4);
    for (const scsi::MediumGeneration& row : scsi::medium_generations()) {
        const scsi::Access access = scsi::access(model_, row);
        const bool listed = of_the_medium ? &row == generation_ : access != scsi::Access::none;
        if (listed) {
            const bool is_default = &row == scsi::native_generation(model_);
            append_density(data, row, access == scsi::Access::read_write, is_default);
        }
    }
    store_big_endian<2>(data, data.size() - 2);
    return scsi::with_allocation_length(data, AllocationLength::load(task.cdb));
}

}  // namespace tapeloft::vtl::drive
