// Moves one cartridge from element to element: all or nothing, and durable when it is done.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"

#include "media/library/cartridge_store.h"

#include "vtl/library/drive_bay.h"
#include "vtl/library/inventory.h"
#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::library {

enum class MoveRefusal : std::uint8_t {
    source_address_unknown,
    destination_address_unknown,
    source_empty,
    destination_full,
    removal_prevented,
    incompatible_medium,  ///< the drive cannot read this generation
    load_failed,
    unload_failed,  ///< what was written could not be made durable, or the drive failed
    not_recorded,   ///< the catalog could not take the move
};

struct MoveFailure {
    MoveRefusal refusal = MoveRefusal::source_empty;
    Error error;  ///< for a person
};

/// Nothing: it is done.
using MoveOutcome = std::optional<MoveFailure>;

/// What a host is told (SMC-3, 6.7).
[[nodiscard]] scsi::Sense sense_of(MoveRefusal refusal) noexcept;

/// Order of a move: drive flushed and emptied -> tape closed -> tape opened in the new drive ->
/// catalog (from here on it is durable) -> inventory. A step that fails undoes those before it.
/// Should that fail too, the cartridge is where the catalog says, unloaded if that is a drive, and
/// an event tells it. Moves that share no element may run side by side; all that is passed in must
/// outlive the mover.
class CartridgeMover {
  public:
    CartridgeMover(media::CartridgeStore& store, std::vector<DriveBay*> drives,
                   Inventory& inventory, EventLog& events)
        : store_(store), drives_(std::move(drives)), inventory_(inventory), events_(events) {}

    /// from and to: elements that the library has. mover: who gets no unit attention from the
    /// drive.
    Awaitable<MoveOutcome> move(media::Element from, media::Element to,
                                std::optional<scsi::ItNexusId> mover);

    /// Opens the tape of the cartridge that stands in a drive element, and puts it into the drive.
    Awaitable<Result<void>> mount(media::Element drive, std::optional<scsi::ItNexusId> mover);

    /// Empties the drive, everything durable; the inventory does not change. A drive that is empty
    /// already is no error. Errors: as DriveBay::remove() and Tape::close().
    Awaitable<Result<void>> dismount(media::Element drive);

  private:
    Awaitable<Result<void>> mount_record(media::CartridgeRecord cartridge, media::Element drive,
                                         std::optional<scsi::ItNexusId> mover);
    Awaitable<MoveOutcome> load_and_record(media::CartridgeRecord cartridge, media::Element to,
                                           std::optional<scsi::ItNexusId> mover);
    Awaitable<void> put_back(media::Element drive, std::optional<scsi::ItNexusId> mover);
    Awaitable<void> record_usage(media::Element drive, std::uint64_t bytes_written,
                                 std::uint64_t bytes_read);
    void report(const char* message, const std::string& barcode, media::Element element,
                const Error& cause);

    media::CartridgeStore& store_;
    const std::vector<DriveBay*> drives_;  ///< index = drive number
    Inventory& inventory_;
    EventLog& events_;
};

}  // namespace tapeloft::vtl::library
