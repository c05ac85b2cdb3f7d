// The SMC-3 media changer: LUN 0 of a library. It moves cartridges between storage, import/export
// and drive elements, for hosts (MOVE MEDIUM) and for the administrator by the same code path.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/event_log.h"

#include "media/library/cartridge_store.h"

#include "vtl/library/drive_bay.h"
#include "vtl/library/element_address.h"
#include "vtl/scsi/logical_unit.h"

namespace tapeloft::vtl::library {

/// One element as an administrator sees it.
struct ElementView {
    media::Element element;
    ElementAddress address = 0;
    std::optional<media::CartridgeRecord> cartridge;
};

class MediaChanger : public scsi::LogicalUnit {
  public:
    struct Settings {
        Executor executor;        ///< a strand; everything below happens on it
        std::string target_name;  ///< iqn; for the device identification page
        std::string serial;       ///< exactly 10 characters [A-Z0-9]; never changes
        std::uint32_t slots = 0;
        std::uint32_t import_export_slots = 0;
    };

    /// Store, drives (index = drive number = LUN - 1) and event log must outlive the changer.
    /// Errors: invalid_argument (impossible numbers of elements).
    [[nodiscard]] static Result<std::unique_ptr<MediaChanger>> create(Settings settings,
                                                                      media::CartridgeStore& store,
                                                                      std::vector<DriveBay*> drives,
                                                                      EventLog& events);

    /// Reads the inventory and mounts again what was in drives. Call it once, before a host may log
    /// in. A cartridge that its drive does not take goes back to its slot with an event. Errors:
    /// precondition (a cartridge stands in an element that the library no longer has; it is named).
    virtual Awaitable<Result<void>> start() = 0;

    // Administration; call these on executor().
    /// Storage, then import/export, then drives; each in order of index.
    [[nodiscard]] virtual std::vector<ElementView> snapshot() const = 0;
    [[nodiscard]] virtual ElementCounts element_counts() const noexcept = 0;

    /// Moves as MOVE MEDIUM does. Errors: not_found (no such cartridge or element), precondition
    /// (destination full, removal prevented), unsupported (drive and generation), io, corrupt.
    virtual Awaitable<Result<void>> move(std::string barcode, media::Element destination) = 0;

    /// Creates blank cartridges, in `first` and the elements behind it, or in the first free
    /// storage elements; all of them or none. Errors: as CartridgeStore::create(), precondition
    /// (not enough free elements), not_found (no such element).
    virtual Awaitable<Result<std::vector<media::CartridgeRecord>>> create_cartridges(
        std::vector<std::string> barcodes, std::optional<std::uint64_t> capacity,
        std::optional<media::Element> first) = 0;

    /// Deletes a cartridge and its data. Errors: not_found, precondition (it is in a drive).
    virtual Awaitable<Result<void>> delete_cartridge(std::string barcode) = 0;
};

}  // namespace tapeloft::vtl::library
