// READ ATTRIBUTE, WRITE ATTRIBUTE, READ MEDIA SERIAL NUMBER, and what is kept with the cartridge.
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::Completion;

constexpr std::string_view kMemoryName = "auxiliary_memory";  // of the cartridge's value

}  // namespace

Completion TapeDrive::read_attribute(const Task& task) {
    if (load_state_ == LoadState::empty) {
        return not_ready();
    }
    follow_storage_conditions();  // TAPEALERT FLAGS
    return auxiliary_memory_.read(task, volume_facts());
}

Awaitable<Completion> TapeDrive::write_attribute(Task task) {
    auto written = auxiliary_memory_.write(task, volume_facts().partitions.size());
    if (auto* const refused = std::get_if<Completion>(&written)) {
        co_return std::move(*refused);
    }
    AuxiliaryMemory& changed = *std::get_if<AuxiliaryMemory>(&written);
    if (const auto kept = co_await keep_auxiliary_memory(std::move(changed)); !kept) {
        failed(kept.error(), scsi::Direction::writing, "WRITE ATTRIBUTE");
        co_return Completion::check_condition(scsi::SenseKey::medium_error,
                                              scsi::asc::kAuxiliaryMemoryWriteError);
    }
    Completion completion;
    completion.data_out_length = static_cast<std::uint32_t>(task.data_out.size());
    co_return completion;
}

Completion TapeDrive::read_media_serial_number(const Task& task) {
    using AllocationLength = BigEndian<std::uint32_t, 6>;
    Bytes data(4);
    const ByteView serial = as_bytes(medium_->medium_serial);
    data.insert(data.end(), serial.begin(), serial.end());
    data.resize((data.size() + 3) / 4 * 4);
    store_big_endian<4>(data, data.size() - 4);
    return scsi::with_allocation_length(data, AllocationLength::load(task.cdb));
}

VolumeFacts TapeDrive::volume_facts() const {
    VolumeFacts facts;
    for (std::uint32_t i = 0; tape_ != nullptr && i < tape_->partition_count(); ++i) {
        const media::Capacity capacity = tape_->capacity(i);
        facts.partitions.push_back({capacity.native - std::min(capacity.native, capacity.used),
                                    capacity.native, tape_->end_of_data(i) == 0});
    }
    if (facts.partitions.empty()) {
        facts.partitions.emplace_back();
    }
    facts.barcode = medium_->barcode;
    facts.medium_serial = medium_->medium_serial;
    facts.created_unix_s = medium_->created_unix_s;
    facts.density_code = generation_ == nullptr ? std::uint8_t{0} : generation_->density_code;
    facts.worm = medium_->worm;
    facts.cleaning = medium_->cleaning;
    facts.load_count = medium_->load_count + 1;
    facts.bytes_written = medium_->bytes_written + ledger_.load().bytes_written;
    facts.bytes_read = medium_->bytes_read + ledger_.load().bytes_read;
    facts.usage = ledger_.volume();
    facts.tape_alerts = alerts_.state();
    return facts;
}

Awaitable<void> TapeDrive::open_auxiliary_memory() {
    const auto kept = medium_->memory ? medium_->memory->get(kMemoryName) : std::nullopt;
    AuxiliaryMemory memory = AuxiliaryMemory::decode(kept);
    memory.note_load(model_.vendor, serial());
    auxiliary_memory_ = memory;
    change_noted_ = false;
    if (const auto done = co_await keep_auxiliary_memory(std::move(memory)); !done) {
        failed(done.error(), scsi::Direction::writing, "load");
    }
}

Awaitable<Result<void>> TapeDrive::keep_auxiliary_memory(AuxiliaryMemory changed) {
    if (medium_->memory) {
        TL_CO_CHECK(co_await medium_->memory->put(std::string(kMemoryName), changed.encode()));
    }
    auxiliary_memory_ = std::move(changed);
    co_return Result<void>();
}

// The new volume change reference is durable before the content changes (SSC-5).
Awaitable<Result<void>> TapeDrive::note_change() {
    if (!change_noted_) {
        AuxiliaryMemory changed = auxiliary_memory_;
        changed.note_change();
        TL_CO_CHECK(co_await keep_auxiliary_memory(std::move(changed)));
        change_noted_ = true;
    }
    co_return Result<void>();
}

}  // namespace tapeloft::vtl::drive
