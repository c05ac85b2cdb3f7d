// Moves cartridges from element to element: all or nothing, and durable when it is done.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"

#include "media/library/cartridge_store.h"

#include "vtl/library/drive_bay.h"
#include "vtl/library/element_conditions.h"
#include "vtl/library/inventory.h"
#include "vtl/scsi/sense.h"

namespace tapeloft::vtl::library {

enum class MoveRefusal : std::uint8_t {
    source_address_unknown,
    destination_address_unknown,
    second_destination_address_unknown,
    source_empty,
    destination_full,
    first_destination_empty,
    second_destination_full,
    mail_slots_open,  ///< out of the robot's reach
    removal_prevented,
    incompatible_medium,  ///< the drive cannot read this generation
    archived,             ///< it was asked for; it takes longer than a host waits for a drive
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

/// What a host is told (SMC-3, 6.3 and 6.7).
[[nodiscard]] scsi::Sense sense_of(MoveRefusal refusal) noexcept;

/// Order of a move: drives flushed and emptied -> tapes closed -> tapes opened in the new drives ->
/// catalog (from here on it is durable) -> inventory. A step that fails undoes those before it.
/// Should that fail too, the cartridge is where the catalog says, unloaded if that is a drive, and
/// an event tells it. Moves that share no element may run side by side; all that is passed in must
/// outlive the mover.
class CartridgeMover {
  public:
    CartridgeMover(media::CartridgeStore& store, std::vector<DriveBay*> drives,
                   Inventory& inventory, ElementConditions& conditions, EventLog& events,
                   std::chrono::seconds load_wait)
        : store_(store),
          drives_(std::move(drives)),
          inventory_(inventory),
          conditions_(conditions),
          events_(events),
          load_wait_(load_wait) {}

    /// from and to: elements that the library has. mover: who gets no unit attention from the
    /// drive.
    Awaitable<MoveOutcome> move(media::Element from, media::Element to,
                                std::optional<scsi::ItNexusId> mover);

    /// The cartridge in `source` goes to `first`, and the one that is there to `second`, which may
    /// be `source`: both of them or none.
    Awaitable<MoveOutcome> exchange(media::Element source, media::Element first,
                                    media::Element second, std::optional<scsi::ItNexusId> mover);

    /// Opens the tape of the cartridge that stands in a drive element, and puts it into the drive.
    /// If that fails the element is an exception until the cartridge leaves it.
    Awaitable<Result<void>> mount(media::Element drive, std::optional<scsi::ItNexusId> mover);

    /// Empties the drive, everything durable; the inventory does not change. A drive that is empty
    /// already is no error. Errors: as DriveBay::remove() and Tape::close().
    Awaitable<Result<void>> dismount(media::Element drive);

  private:
    struct Transfer {
        media::CartridgeRecord cartridge;  ///< as it is before
        media::Element to;
        std::optional<media::Element> source;  ///< as it is afterwards
    };
    /// What was done to drives, for the way back.
    struct Done {
        std::vector<media::Element> emptied;
        std::vector<media::Element> loaded;
    };

    [[nodiscard]] MoveOutcome check_reach(const std::vector<media::Element>& elements) const;
    [[nodiscard]] Transfer transfer(media::Element from, media::Element to) const;
    Awaitable<MoveOutcome> carry(std::vector<Transfer> transfers,
                                 std::optional<scsi::ItNexusId> mover);
    Awaitable<MoveOutcome> empty_drives(const std::vector<Transfer>* transfers, Done* done);
    Awaitable<MoveOutcome> load_drives(const std::vector<Transfer>* transfers,
                                       std::optional<scsi::ItNexusId> mover, Done* done);
    Awaitable<MoveOutcome> record(const std::vector<Transfer>* transfers);
    Awaitable<void> take_back(Done done);
    void take_over(const std::vector<Transfer>& transfers);
    Awaitable<Result<void>> load_record(media::CartridgeRecord cartridge, media::Element drive,
                                        std::optional<scsi::ItNexusId> mover);
    Awaitable<Result<void>> mount_record(media::CartridgeRecord cartridge, media::Element drive,
                                         std::optional<scsi::ItNexusId> mover);
    Awaitable<Result<void>> unload(media::Element drive);
    Awaitable<void> put_back(media::Element drive);
    Awaitable<void> record_usage(media::Element drive, std::uint64_t bytes_written,
                                 std::uint64_t bytes_read);
    void report(const char* message, const std::string& barcode, media::Element element,
                const Error& cause);

    media::CartridgeStore& store_;
    const std::vector<DriveBay*> drives_;  ///< index = drive number
    Inventory& inventory_;
    ElementConditions& conditions_;
    EventLog& events_;
    const std::chrono::seconds load_wait_;  ///< no move into a drive that is ready later than this
};

}  // namespace tapeloft::vtl::library
