// The SMC-3 media changer: LUN 0 of a library. It moves cartridges between storage, import/export
// and drive elements, for hosts (MOVE MEDIUM) and for the administrator by the same code path.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/event_log.h"
#include "cloud/base/value_store.h"

#include "media/library/cartridge_store.h"

#include "vtl/library/cartridge_mover.h"
#include "vtl/library/changer_statistics.h"
#include "vtl/library/drive_bay.h"
#include "vtl/library/element_address.h"
#include "vtl/library/element_conditions.h"
#include "vtl/library/element_locks.h"
#include "vtl/library/element_status.h"
#include "vtl/library/inventory.h"
#include "vtl/library/volume_tags.h"
#include "vtl/scsi/alert_flags.h"
#include "vtl/scsi/changer_model.h"
#include "vtl/scsi/device_server.h"

namespace tapeloft::vtl::library {

/// One element as an administrator sees it.
struct ElementView {
    media::Element element;
    ElementAddress address = 0;
    std::optional<media::CartridgeRecord> cartridge;
};

/// The mail slots open and close as one, like the magazine of a real library.
struct MailSlots {
    bool open = false;    ///< a person may fill and empty them, the robot does not reach them
    bool locked = false;  ///< PREVENT ALLOW MEDIUM REMOVAL of a host
};

class MediaChanger final : public scsi::DeviceServer {
  public:
    struct Settings {
        Executor executor;  ///< a strand; everything below happens on it
        const scsi::ChangerModel* model =
            &scsi::default_changer_model();  ///< row of scsi::changer_models()
        std::string target_name;             ///< iqn; for the device identification page
        std::string serial;                  ///< exactly 10 characters [A-Z0-9]; never changes
        std::uint16_t target_portal_group_tag = 1;
        std::uint32_t slots = 0;
        std::uint32_t import_export_slots = 0;
        /// A cartridge that is archived in the store is not put into a drive where it takes longer.
        std::chrono::seconds load_wait{540};
        /// Of the changer; null: its reservations, open mail slots, alternate volume tags and
        /// counters are forgotten at the end.
        std::shared_ptr<ValueStore> memory;
    };

    /// Store, drives (index = drive number = LUN - 1) and event log must outlive the changer.
    /// Errors: invalid_argument (impossible numbers of elements).
    [[nodiscard]] static Result<std::unique_ptr<MediaChanger>> create(Settings settings,
                                                                      media::CartridgeStore& store,
                                                                      std::vector<DriveBay*> drives,
                                                                      EventLog& events);

    /// Reads the inventory and mounts again what was in drives. Call it once, before a host may log
    /// in. A cartridge that cannot be mounted stays in its drive unloaded, with an event; it can be
    /// moved out. Errors: precondition (a cartridge stands in an element that the library no longer
    /// has; it is named), io, corrupt.
    Awaitable<Result<void>> start();
    /// Makes durable and unloads what is in drives, which stays there as far as the catalog knows.
    /// Call it once, after the last session has ended. Errors: the first one of a drive; the others
    /// are unloaded all the same.
    Awaitable<Result<void>> stop();

    // Administration; call and await these on executor(). A move waits for those that need the same
    // elements, all others for every move that runs.
    /// Storage, then import/export, then drives; each in order of index. Does not wait.
    [[nodiscard]] std::vector<ElementView> snapshot() const;
    /// In order of barcode, also those outside of the library. Does not wait.
    [[nodiscard]] std::vector<media::CartridgeRecord> cartridges() const;
    [[nodiscard]] std::optional<media::CartridgeRecord> cartridge(const std::string& barcode) const;
    [[nodiscard]] MailSlots mail_slots() const noexcept;
    [[nodiscard]] const ElementCounts& element_counts() const noexcept {
        return inventory_.counts();
    }

    /// Moves as MOVE MEDIUM does. Errors: not_found (no such cartridge or element), precondition
    /// (destination full, removal prevented, a host has reserved the changer), unsupported (drive
    /// and generation), io, corrupt.
    Awaitable<Result<void>> move(std::string barcode, media::Element destination);

    /// Creates blank cartridges, in `first` and the elements behind it, or in the first free
    /// storage elements; all of them or none. Errors: as CartridgeStore::create(), precondition
    /// (not enough free elements; mail slots locked by a host), not_found (no such element).
    Awaitable<Result<std::vector<media::CartridgeRecord>>> create_cartridges(
        std::vector<std::string> barcodes, std::optional<std::uint64_t> capacity,
        std::optional<media::Element> first, bool worm = false);

    /// The write protect switch of a cartridge, which a drive looks at when it comes in. Errors:
    /// not_found, precondition (it is in a drive), io.
    Awaitable<Result<void>> set_write_protected(std::string barcode, bool on);

    /// Opens a cartridge for somebody who reads it beside the drives, and gives it back to the
    /// store at the end. A host that wants it in a drive gets it all the same. Errors: not_found,
    /// precondition (it is in a drive), those of CartridgeStore::lend().
    Awaitable<Result<std::shared_ptr<media::LentCartridge>>> lend_cartridge(std::string barcode);
    /// A cartridge that the store has and nobody sees yet, outside of the library: it appears in
    /// the first free slot, or stays outside, also where the catalog does not take the move (an
    /// event says so). It is returned as it is now.
    Awaitable<media::CartridgeRecord> take_in(media::CartridgeRecord cartridge);
    [[nodiscard]] media::CartridgeStore& store() noexcept { return store_; }

    /// Deletes a cartridge and its data. Errors: not_found, precondition (it is in a drive, or in a
    /// mail slot locked by a host), io.
    Awaitable<Result<void>> delete_cartridge(std::string barcode);
    /// Deletes one that was lent, unless somebody has had it in a drive since. Errors: as
    /// delete_cartridge(), cancelled (somebody has).
    Awaitable<Result<void>> delete_lent(std::shared_ptr<media::LentCartridge> lent);

    /// Errors: precondition (locked by a host), io. Open or closed already: nothing happens. When
    /// they close every host gets unit attention 06/28/01.
    Awaitable<Result<void>> open_mail_slots();
    Awaitable<Result<void>> close_mail_slots();

    /// Takes a cartridge out of the library, by way of a mail slot, which is returned: the first
    /// free one, unless it stands in one already. Closed mail slots open and close for it. Errors:
    /// as move(), precondition (outside already, no free mail slot, mail slots locked, or open and
    /// out of the robot's reach).
    Awaitable<Result<media::Element>> export_cartridge(std::string barcode);

    /// Puts a cartridge from outside into a mail slot, which is returned: this one or the first
    /// free one. Errors: not_found, precondition (not outside, no free mail slot, mail slots
    /// locked), io.
    Awaitable<Result<media::Element>> import_cartridge(std::string barcode,
                                                       std::optional<media::Element> mail_slot);

  private:
    using Completion = scsi::Completion;
    using Task = scsi::Task;

    MediaChanger(Settings settings, Inventory inventory, media::CartridgeStore& store,
                 std::vector<DriveBay*> drives, EventLog& events);

    struct CommandTable;
    [[nodiscard]] static std::span<const scsi::CommandRow> commands() noexcept;

    Completion initialize_element_status(const Task& task);
    Completion initialize_element_status_with_range(const Task& task);
    Completion position_to_element(const Task& task);
    Completion read_element_status(const Task& task);
    Completion request_volume_element_address(const Task& task);
    Awaitable<Completion> send_volume_tag(Task task);
    Awaitable<Completion> move_medium(Task task);
    Awaitable<Completion> exchange_medium(Task task);
    Awaitable<Completion> open_close_import_export_element(Task task);
    [[nodiscard]] Completion report_elements(ElementStatusRequest request) const;
    [[nodiscard]] static Completion invalid_element_address(std::uint16_t cdb_byte);
    void on_nexus_lost(scsi::ItNexusId nexus) override;
    void on_reset() override;

    void recall_alternate_tags();
    /// What it is refused with, or nothing: it is done, and durable.
    Awaitable<std::optional<Completion>> change_alternate_tag(AlternateTagChange change);
    Awaitable<void> forget_alternate_tag(media::CartridgeRecord cartridge);

    void recall_statistics();
    void note_inventory_scan();
    void note_move(const MoveOutcome& outcome, std::uint64_t cartridges);
    void note_hand_in(media::ElementKind kind, std::uint64_t cartridges);
    /// Saves the counters if they have changed. A failure is an event, and the next call tries
    /// again.
    Awaitable<void> keep_statistics();

    Awaitable<Result<void>> delete_with_turn(std::string barcode);
    Awaitable<ElementLocks::Held> lock(media::Element one, media::Element other);
    Awaitable<Result<void>> move_locked(media::Element from, media::Element to);
    [[nodiscard]] bool remembers_open_mail_slots() const;
    Awaitable<Result<void>> set_mail_slots_open(bool open);
    [[nodiscard]] Result<void> check_reachable(const media::CartridgeRecord& cartridge) const;
    [[nodiscard]] Result<media::Element> mail_slot_for(const media::CartridgeRecord& cartridge,
                                                       std::optional<media::Element> wanted) const;
    Awaitable<Result<void>> carry_out(std::string barcode, media::Element from,
                                      media::Element mail_slot);
    Awaitable<Result<void>> carry_over_the_door(std::string barcode, media::Element to);
    [[nodiscard]] Result<std::vector<media::Element>> elements_for(
        std::size_t count, std::optional<media::Element> first) const;
    [[nodiscard]] Result<void> check_mail_slots_unlocked(media::ElementKind kind) const;
    void establish_inventory_changed(bool import_export_accessed);
    void establish_mail_slots_accessed();

    media::CartridgeStore& store_;
    const std::vector<DriveBay*> drives_;
    EventLog& events_;
    Inventory inventory_;
    ElementConditions conditions_;
    std::map<scsi::ItNexusId, VolumeTagSearch> searches_;  ///< by who sent them
    ElementLocks locks_;
    CartridgeMover mover_;
    scsi::AlertFlags alerts_;
    ChangerStatistics statistics_;
    ChangerStatistics statistics_kept_;  ///< as they were saved last
    bool keeping_statistics_ = false;    ///< one call saves for all
    bool statistics_lost_ = false;       ///< the last try failed
};

}  // namespace tapeloft::vtl::library
