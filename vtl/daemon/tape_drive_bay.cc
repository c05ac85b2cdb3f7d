#include "vtl/daemon/tape_drive_bay.h"

#include <utility>

#include "media/library/value_stores.h"

namespace tapeloft::vtl::daemon {

library::DriveIdentity TapeDriveBay::identity() const {
    return {std::string(drive_.model().vendor), std::string(drive_.model().product),
            drive_.serial()};
}

Awaitable<Result<void>> TapeDriveBay::insert(media::OpenCartridge cartridge,
                                             std::optional<scsi::ItNexusId> mover) {
    auto& record = cartridge.record;
    drive::Medium medium;
    medium.barcode = std::move(record.barcode);
    medium.generation = std::move(record.generation);
    medium.medium_serial = std::move(record.medium_serial);
    medium.capacity = record.capacity;
    medium.load_count = record.load_count;
    medium.bytes_written = record.bytes_written;
    medium.bytes_read = record.bytes_read;
    medium.created_unix_s = record.created_unix_s;
    medium.worm = record.worm;
    medium.cleaning = record.cleaning;
    medium.unreadable = std::move(cartridge.unreadable);
    medium.origin_serial = media::origin_of(*cartridge.memory);
    medium.memory = std::move(cartridge.memory);
    medium.becoming_ready = std::move(cartridge.becoming_ready);
    co_return co_await drive_.insert(std::move(cartridge.tape), std::move(medium), mover);
}

Awaitable<Result<library::RemovedCartridge>> TapeDriveBay::remove() {
    const auto status = co_await drive_.status();
    if (status.load_state == drive::LoadState::empty) {
        co_return Error{Errc::not_found, status.name + " is empty"};
    }
    TL_CO_TRY(auto removed, co_await drive_.remove());
    library::RemovedCartridge cartridge;
    cartridge.tape = std::move(removed.tape);
    cartridge.bytes_written = removed.bytes_written;
    cartridge.bytes_read = removed.bytes_read;
    co_return cartridge;
}

}  // namespace tapeloft::vtl::daemon
