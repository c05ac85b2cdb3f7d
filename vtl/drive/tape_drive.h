// The device server of a tape drive (SSC-5): its load states, its counters, its command table.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cloud/base/event_log.h"
#include "cloud/base/value_store.h"

#include "media/cartridge/block_io.h"

#include "vtl/drive/auxiliary_memory.h"
#include "vtl/drive/diagnostic_records.h"
#include "vtl/drive/encryption/data_encryption.h"
#include "vtl/drive/encryption/encryption_pages.h"
#include "vtl/drive/logical_block_protection.h"
#include "vtl/drive/statistics.h"
#include "vtl/drive/storage_conditions.h"
#include "vtl/drive/tape_alert.h"
#include "vtl/scsi/device_server.h"
#include "vtl/scsi/personality.h"
#include "vtl/scsi/sense_from_error.h"

namespace tapeloft::vtl::drive {

/// What the drive must know of a cartridge beside its Tape (media::CartridgeRecord has it all).
struct Medium {
    std::string barcode;
    std::string generation;  ///< "L5" to "L9", "M8"
    std::string medium_serial;
    std::string origin_serial;        ///< of a copy: of the medium that was written first
    std::uint64_t capacity = 0;       ///< bytes
    std::uint64_t load_count = 0;     ///< before this load
    std::uint64_t bytes_written = 0;  ///< in its life, by hosts, before this load
    std::uint64_t bytes_read = 0;
    bool worm = false;
    bool cleaning = false;               ///< it has no tape
    std::optional<Error> unreadable;     ///< why it has no tape: see media::OpenCartridge
    std::shared_ptr<ValueStore> memory;  ///< kept with the cartridge; null: nothing is kept
    std::int64_t created_unix_s = 0;
    /// What is on it cannot be read yet; null: it always can. Any thread, must not block.
    std::function<bool()> becoming_ready;
};

struct LogState;

/// What remove() gives back.
struct RemovedMedium {
    std::unique_ptr<media::Tape> tape;  ///< null: it has none
    std::uint64_t bytes_written = 0;    ///< by hosts while it was in the drive
    std::uint64_t bytes_read = 0;
};

enum class LoadState : std::uint8_t {
    empty,    ///< no cartridge
    ejected,  ///< a cartridge is present, unloaded; NOT READY 3A/00 until LOAD
    held,     ///< present, not threaded (HOLD = 1); NOT READY 04/02 until LOAD
    loaded,
    cleaning,  ///< a cleaning cartridge is present; NOT READY 30/03, or 30/07 if it is used up
    unusable,  ///< a cartridge is present that the drive cannot read; unusable_ says why
};

/// DT device activity (SSC-5, log page 11h).
enum class Activity : std::uint8_t {
    none = 0x00,
    loading = 0x02,
    unloading = 0x03,
    other = 0x04,
    reading = 0x05,
    writing = 0x06,
    locating = 0x07,
    rewinding = 0x08,
    erasing = 0x09,
    formatting = 0x0A,
};
[[nodiscard]] std::string_view to_string(LoadState state) noexcept;
[[nodiscard]] std::string_view to_string(Activity activity) noexcept;

/// A snapshot for the administrator.
struct DriveStatus {
    std::string name;
    std::string serial;
    std::string model;
    LoadState load_state = LoadState::empty;
    Activity activity = Activity::none;
    std::string barcode;                     ///< empty: no cartridge
    std::string medium_serial;               ///< likewise
    std::uint64_t medium_bytes_written = 0;  ///< by hosts in the life of the cartridge
    std::uint64_t medium_bytes_read = 0;
    bool write_protected = false;
    bool removal_prevented = false;
    bool reserved = false;
    media::Position position;  ///< zero unless loaded
    media::Capacity capacity;
    std::uint32_t block_length = 0;   ///< 0: variable
    std::uint64_t bytes_written = 0;  ///< by hosts since the daemon started
    std::uint64_t bytes_read = 0;
    bool becoming_ready = false;  ///< loaded, and what is on the cartridge is being recalled
};

struct TapeDriveOptions {
    Executor executor;                        ///< a strand of its own
    std::string name;                         ///< component in the event log: "drive0"
    const scsi::DriveModel* model = nullptr;  ///< row of scsi::drive_models()
    std::string serial;                       ///< 10 characters [A-Z0-9]
    std::string target_name;                  ///< iSCSI name of the target
    std::uint16_t target_portal_group_tag = 1;
    std::uint16_t logical_unit_count = 1;  ///< of the target
    std::shared_ptr<ValueStore> memory;    ///< of this drive; null: nothing is kept
    std::string automation_serial;         ///< of the changer that serves it; empty: none
    StorageConditions storage_conditions;  ///< empty: none ever holds
};

class TapeDrive final : public scsi::DeviceServer {
  public:
    /// events must outlive the drive.
    TapeDrive(TapeDriveOptions options, EventLog& events);

    // The calls of the changer, the timer and the administrator may be awaited on any executor:
    // they go to the drive's strand by themselves. insert, remove and sync wait for running tasks.

    /// Puts a cartridge in and threads it: the drive is ready at BOP when it returns. Every nexus
    /// but `cause` (who sent the MOVE MEDIUM) finds unit attention 06/28/00. A cleaning cartridge,
    /// and one that the drive cannot read (generation, newer format, damage), goes in as well: the
    /// drive is then not ready and says why. tape: null if the medium says that it has none.
    /// Errors: precondition (not empty); the tape is then closed.
    Awaitable<Result<void>> insert(std::unique_ptr<media::Tape> tape, Medium medium,
                                   std::optional<scsi::ItNexusId> cause = {});
    /// Makes everything durable, unloads, and gives the cartridge back. Errors: not_found (empty),
    /// precondition (removal prevented), corrupt, io and no_space (what was buffered is not safe,
    /// and an event says so). After an error the cartridge stays.
    Awaitable<Result<RemovedMedium>> remove();
    /// May remove() work? Errors: not_found, precondition.
    Awaitable<Result<void>> check_removable();
    /// Brings what is buffered to the disk if no task runs or waits; else does nothing.
    Awaitable<void> sync_when_idle();
    Awaitable<DriveStatus> status();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] const scsi::DriveModel& model() const noexcept { return model_; }
    [[nodiscard]] const std::string& serial() const noexcept { return identity().serial; }

  private:
    using Completion = scsi::Completion;
    using Task = scsi::Task;

    struct CommandTable;
    static std::span<const scsi::CommandRow> commands() noexcept;
    static scsi::DeviceServerOptions device_server_options(const TapeDriveOptions& options,
                                                           TapeDrive* drive);

    // read_write.cc
    Awaitable<Completion> read(Task task);
    Awaitable<Completion> read_variable(scsi::ItNexusId nexus, std::uint32_t length,
                                        bool suppress_incorrect_length);
    Awaitable<Completion> read_fixed(scsi::ItNexusId nexus, std::uint32_t count);
    Awaitable<Completion> write(Task task);
    /// The blocks of a WRITE as the host sent them.
    struct BlocksToWrite {
        scsi::ItNexusId nexus;
        Buffer data;
        std::uint32_t count = 0;
        std::uint32_t block_length = 0;  ///< bytes, with protection information
        std::uint32_t unit = 0;  ///< what INFORMATION counts for a block that was not written
    };
    Awaitable<Completion> write_blocks(BlocksToWrite blocks);
    Awaitable<Completion> write_filemarks(Task task);
    Completion read_block_limits(const Task& task);

    // records.cc
    struct RecordRead {
        std::optional<scsi::Sense> failure;  ///< INFORMATION is for the caller to set
        media::ReadKind kind = media::ReadKind::end_of_data;
        Buffer record;  ///< its plaintext, if kind is record
    };
    /// Like Tape::read(), for what the host sees. After a failure to decrypt the position is
    /// before the record (SSC-5). what: the command, for the event log.
    Awaitable<RecordRead> read_record(scsi::ItNexusId nexus, std::string_view what);
    /// Like Tape::write(), encrypted if the parameters say so; they are used before it waits.
    Awaitable<Result<media::WriteOutcome>> write_record(const DataEncryptionParameters& parameters,
                                                        Buffer record);
    [[nodiscard]] LogicalBlockProtection protection(scsi::ItNexusId nexus) const;
    /// The block as the host gets it.
    [[nodiscard]] static Buffer with_protection(const LogicalBlockProtection& protection,
                                                Buffer record);
    [[nodiscard]] std::optional<Completion> check_encryption_lock(scsi::ItNexusId nexus) const;
    [[nodiscard]] RecordPlace place_of(const media::Position& position) const;

    // security_protocol.cc
    Awaitable<Completion> security_protocol_in(Task task);
    Awaitable<Completion> security_protocol_out(Task task);
    Awaitable<NextBlock> next_block(scsi::ItNexusId nexus);
    /// Unit attention 06/2A/11 for all but `cause`.
    void tell_of_other_encryption(scsi::ItNexusId cause);
    void on_nexus_lost(scsi::ItNexusId nexus) override;
    void on_reservation_change(bool preempted) override;

    // positioning.cc
    Awaitable<Completion> rewind(Task task);
    Awaitable<Completion> space_6(Task task);
    Awaitable<Completion> space_16(Task task);
    Awaitable<Completion> space(std::uint8_t code, std::int64_t count);
    Awaitable<Completion> locate_10(Task task);
    Awaitable<Completion> locate_16(Task task);
    struct Destination {
        std::uint8_t type = 0;  ///< DEST_TYPE
        std::uint64_t identifier = 0;
        std::size_t partition_offset = 0;  ///< in the CDB
    };
    Awaitable<Completion> locate(Task task, Destination to);
    Completion read_position_short(const Task& task);
    Completion read_position_long(const Task& task);
    Completion read_position_extended(const Task& task);
    [[nodiscard]] std::uint8_t position_flags() const;
    [[nodiscard]] std::optional<std::uint64_t> programmable_early_warning() const;
    /// What was written since passed the programmable early warning point.
    [[nodiscard]] bool entered_programmable_early_warning(std::uint64_t used_before) const;
    /// Makes everything durable and goes to BOP of partition 0.
    Awaitable<Result<void>> sync_and_thread();

    // verify.cc
    Awaitable<Completion> verify(Task task);
    Awaitable<Completion> verify_blocks(scsi::ItNexusId nexus, std::uint32_t count,
                                        std::uint32_t block_length, bool fixed);
    Awaitable<Completion> verify_filemarks(scsi::ItNexusId nexus, std::uint64_t count);

    // operations.cc: commands with IMMED = 1
    /// With IMMED = 1, once the command is valid: makes durable what was buffered, so that its
    /// failure is told with this command and not behind it; then the host gets its status. Nothing:
    /// go on. what: the command, for the event log.
    Awaitable<std::optional<Completion>> status_if_immediate(std::string_view what);
    [[nodiscard]] scsi::Sense operation_condition(std::uint8_t opcode) const override;

    // medium.cc
    Awaitable<Completion> load_unload(Task task);
    Awaitable<Completion> load(scsi::ItNexusId nexus);
    Awaitable<Completion> erase(Task task);

    // density_support.cc
    Completion report_density_support(const Task& task);

    // formatting.cc
    Awaitable<Completion> format_medium(Task task);
    Awaitable<Completion> set_capacity(Task task);
    Awaitable<Completion> make_partitions(std::vector<std::uint64_t> capacities,
                                          scsi::ItNexusId nexus, std::string_view what);
    void open_capacity_proportion();
    [[nodiscard]] std::uint64_t usable_capacity() const;
    [[nodiscard]] std::vector<std::uint64_t> partition_capacities() const;  ///< none unless loaded
    [[nodiscard]] bool at_beginning_of_medium() const;
    [[nodiscard]] Bytes bytes_of_partition_page() const;

    // overwriting.cc
    Completion allow_overwrite(const Task& task);
    [[nodiscard]] bool append_only() const;
    void forbid_overwriting() noexcept;  ///< ALLOW OVERWRITE ends: the position moves, or is used
    /// A WRITE or WRITE FILEMARKS must await check_write_here() first.
    [[nodiscard]] bool must_check_write() const {
        return !change_noted_ || medium_->worm || append_only();
    }
    /// Nothing: what is at the position may be overwritten, and the volume change reference is new.
    Awaitable<std::optional<Completion>> check_write_here();
    Awaitable<Result<bool>> among_trailing_filemarks();
    [[nodiscard]] std::optional<Completion> check_erase();
    [[nodiscard]] std::optional<Completion> check_format();
    Completion refused_worm_overwrite();

    // attributes.cc
    Completion read_attribute(const Task& task);
    Awaitable<Completion> write_attribute(Task task);
    Completion read_media_serial_number(const Task& task);
    [[nodiscard]] VolumeFacts volume_facts() const;  ///< of medium_, which is in the drive
    Awaitable<void> open_auxiliary_memory();
    Awaitable<Result<void>> keep_auxiliary_memory(AuxiliaryMemory changed);
    Awaitable<Result<void>> note_change();  ///< before the content changes

    // mode_pages.cc
    Completion mode_sense(const Task& task);
    Awaitable<Completion> mode_select(Task task);
    void show_active_partition();
    void show_medium_in_mode_pages();
    [[nodiscard]] std::optional<Completion> check_write_mode(
        const scsi::SelectedModePage& page) const;
    void follow_selected_pages(const scsi::ModeSelection& selection);
    [[nodiscard]] bool software_write_protected() const;    ///< SWP, by a host
    [[nodiscard]] bool associated_write_protected() const;  ///< ASOCWP: this medium, by a host
    void end_associated_write_protection();                 ///< the medium is demounted

    // bay.cc
    Awaitable<Result<void>> insert_on_strand(std::unique_ptr<media::Tape> tape, Medium medium,
                                             std::optional<scsi::ItNexusId> cause);
    Awaitable<std::optional<scsi::Sense>> thread_medium();
    scsi::Sense refuse_medium(scsi::SenseKey key, scsi::AdditionalSense additional,
                              std::string_view why);
    Awaitable<scsi::Sense> clean();
    void raise_alert_of_unusable_medium();
    Awaitable<Result<RemovedMedium>> remove_on_strand();
    Awaitable<Result<void>> check_removable_on_strand();
    Awaitable<Result<void>> sync_when_idle_on_strand();
    Awaitable<DriveStatus> status_on_strand();
    [[nodiscard]] Result<void> removable();

    // tape_drive.cc: hooks of DeviceServer
    [[nodiscard]] std::optional<Completion> check_gates(scsi::Gate gates) override;
    /// What was buffered was lost in an operation that no host waited for: the next command that
    /// needs the medium tells it. A store that is away has lost nothing.
    void keep_loss(const Error& error, const scsi::Sense& sense);
    std::optional<Completion> tell_loss();
    [[nodiscard]] std::optional<scsi::Sense> current_condition() const override;
    [[nodiscard]] scsi::ModeParameterHeader mode_parameter_header() const override;
    [[nodiscard]] std::optional<scsi::BlockDescriptor> block_descriptor() const override;
    [[nodiscard]] std::optional<Completion> check_mode_selection(
        const scsi::ModeSelection& selection) override;
    [[nodiscard]] std::optional<Completion> check_page_selection(
        const scsi::SelectedModePage& page) const;
    bool apply_mode_selection(const scsi::ModeSelection& selection) override;
    void on_reset() override;

    [[nodiscard]] bool loaded() const noexcept { return load_state_ == LoadState::loaded; }
    [[nodiscard]] bool becoming_ready() const {
        return medium_ && medium_->becoming_ready && medium_->becoming_ready();
    }
    [[nodiscard]] bool write_protected() const;  ///< tape_ is set
    [[nodiscard]] Completion not_ready() const;
    [[nodiscard]] Completion refused_write();
    [[nodiscard]] bool medium_is_worm() const noexcept { return medium_ && medium_->worm; }
    /// Turns the failure into sense data; where data or hardware are in doubt also writes an event
    /// and raises TapeAlert flags.
    scsi::Sense failed(const Error& error, scsi::Direction direction, std::string_view what);
    Completion failure(const Error& error, scsi::Direction direction, std::string_view what) {
        return Completion::check_condition(failed(error, direction, what));
    }

    // bookkeeping.cc
    static std::vector<scsi::LogPage> log_pages(TapeDrive* drive, scsi::DriveFamily family);
    [[nodiscard]] LogState log_state() const;
    [[nodiscard]] std::vector<media::Capacity> partitions() const;  ///< of tape_
    [[nodiscard]] std::uint64_t power_on_seconds() const;           ///< of this run
    void follow_storage_conditions();  ///< before TapeAlert flags are told
    void start_bookkeeping();
    void begin_bookkeeping_of_load();  ///< medium_ is set and in the drive
    void end_bookkeeping_of_load();    ///< it is about to leave
    /// Keeps what has changed in drive and cartridge. A failure is in the event log and an alert.
    Awaitable<void> save_statistics();
    void note_saving(const Result<void>& kept, TapeAlert alert, std::string_view message);
    void record_diagnostic(const scsi::Sense& sense, std::uint8_t operation_code);

    /// Shows an activity in log page 11h while it lives.
    class ActivityScope;

    const std::string name_;
    const std::shared_ptr<ValueStore> memory_;
    std::uint64_t end_at_last_look_ = 0;  ///< end of data, when the drive was idle last
    const StorageConditions storage_conditions_;
    const scsi::DriveModel& model_;
    EventLog& events_;

    // Invariants: while ejected, held or loaded, tape_ and generation_ are set; a tape that is not
    // loaded has nothing buffered and stands at BOP of partition 0; medium_ is set unless there
    // never was one.
    LoadState load_state_ = LoadState::empty;
    std::unique_ptr<media::Tape> tape_;
    const scsi::MediumGeneration* generation_ = nullptr;
    std::optional<Medium> medium_;  ///< of tape_, or of the last one: page 17h still tells of it
    bool read_only_ = false;        ///< the drive can only read this generation
    std::optional<scsi::Sense>
        unusable_;  ///< set while cleaning or unusable: what TEST UNIT READY says
    std::optional<scsi::Sense> untold_loss_;
    AuxiliaryMemory auxiliary_memory_;  ///< of the medium of medium_
    bool change_noted_ = false;         ///< since the load there is a new volume change reference
    std::uint16_t capacity_proportion_ = 0xFFFF;             ///< SET CAPACITY
    std::optional<media::Position> overwriting_allowed_at_;  ///< ALLOW OVERWRITE, append-only mode
    bool format_allowed_ = false;
    std::vector<media::Capacity> last_partitions_;  ///< of the last medium, when it left
    std::uint64_t mount_milliseconds_ = 0;          ///< how long its load took

    Activity activity_ = Activity::none;
    UsageLedger ledger_;
    TapeAlerts alerts_;
    std::set<StorageCondition>
        storage_alerts_;  ///< those whose flag was raised and not yet cleared
    DiagnosticRecords diagnostics_;
    std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point load_started_;
    std::uint32_t block_length_ = 0;
    std::uint8_t buffered_mode_ = 1;
    DataEncryption encryption_;
};

}  // namespace tapeloft::vtl::drive
