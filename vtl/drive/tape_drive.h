// The device server of a tape drive (SSC-5): its load states, its counters, its command table.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cloud/base/event_log.h"
#include "cloud/base/value_store.h"

#include "media/cartridge/block_io.h"

#include "vtl/scsi/device_server.h"
#include "vtl/scsi/personality.h"
#include "vtl/scsi/sense_from_error.h"

namespace tapeloft::vtl::drive {

/// What the drive must know of a cartridge beside its Tape (media::CartridgeRecord has it all).
struct Medium {
    std::string barcode;
    std::string generation;  ///< "L5" to "L9", "M8"
    std::string medium_serial;
    std::uint64_t capacity = 0;       ///< bytes
    std::uint64_t load_count = 0;     ///< before this load
    std::uint64_t bytes_written = 0;  ///< in its life, by hosts, before this load
    std::uint64_t bytes_read = 0;
    bool worm = false;
    bool cleaning = false;               ///< it has no tape
    std::optional<Error> unreadable;     ///< why it has no tape: see media::OpenCartridge
    std::shared_ptr<ValueStore> memory;  ///< kept with the cartridge; null: nothing is kept
};

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
};

class TapeDrive final : public scsi::DeviceServer {
  public:
    /// events must outlive the drive.
    TapeDrive(TapeDriveOptions options, EventLog& events);

    // The calls of the changer, the timer and the administrator may be awaited on any executor:
    // they go to the drive's strand by themselves. insert, remove and sync wait for running tasks.

    /// Puts a cartridge in and threads it: the drive is ready at BOP when it returns. Every nexus
    /// but `cause` (who sent the MOVE MEDIUM) finds unit attention 06/28/00. After an error the
    /// drive is as empty as before and the tape closed. Errors: precondition (not empty),
    /// unsupported (a generation this model cannot read), corrupt, io.
    Awaitable<Result<void>> insert(std::unique_ptr<media::Tape> tape, Medium medium,
                                   std::optional<scsi::ItNexusId> cause = {});
    /// Makes everything durable, unloads, and gives the cartridge back. Errors: not_found (empty),
    /// precondition (removal prevented), corrupt, io and no_space (what was buffered is not safe,
    /// and an event says so). After an error the cartridge stays.
    Awaitable<Result<RemovedMedium>> remove();
    /// May remove() work? Errors: not_found, precondition.
    Awaitable<Result<void>> check_removable();
    /// Syncs what is buffered if no task runs or waits; else does nothing.
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
    Awaitable<Completion> read_variable(std::uint32_t length, bool suppress_incorrect_length);
    Awaitable<Completion> read_fixed(std::uint32_t count);
    Awaitable<Completion> write(Task task);
    Awaitable<Completion> write_records(Buffer data, std::uint32_t count,
                                        std::uint32_t record_length, std::uint32_t unit);
    Awaitable<Completion> write_filemarks(Task task);
    Completion read_block_limits(const Task& task);
    void count_read(std::size_t bytes) noexcept;
    void count_written(std::size_t bytes) noexcept;

    // positioning.cc
    Awaitable<Completion> rewind(Task task);
    Awaitable<Completion> space_6(Task task);
    Awaitable<Completion> space_16(Task task);
    Awaitable<Completion> space(std::uint8_t code, std::int64_t count);
    Awaitable<Completion> locate_10(Task task);
    Awaitable<Completion> locate_16(Task task);
    Awaitable<Completion> locate(std::uint8_t destination_type, std::uint64_t identifier);
    Completion read_position_short(const Task& task);
    Completion read_position_long(const Task& task);
    Completion read_position_extended(const Task& task);
    [[nodiscard]] std::uint8_t position_flags() const;
    /// Makes everything durable and goes to BOP.
    Awaitable<Result<void>> sync_and_rewind();

    // medium.cc
    Awaitable<Completion> load_unload(Task task);
    Awaitable<Completion> load(scsi::ItNexusId nexus);
    Awaitable<Completion> erase(Task task);
    Awaitable<Completion> format_medium(Task task);
    Completion report_density_support(const Task& task);

    // bay.cc
    Awaitable<Result<void>> insert_on_strand(std::unique_ptr<media::Tape> tape, Medium medium,
                                             std::optional<scsi::ItNexusId> cause);
    Awaitable<Result<RemovedMedium>> remove_on_strand();
    Awaitable<Result<void>> check_removable_on_strand();
    Awaitable<Result<void>> sync_when_idle_on_strand();
    Awaitable<DriveStatus> status_on_strand();
    [[nodiscard]] Result<void> removable() const;

    // tape_drive.cc: hooks of DeviceServer
    [[nodiscard]] std::optional<Completion> check_gates(scsi::Gate gates) override;
    [[nodiscard]] std::optional<scsi::Sense> current_condition() const override;
    [[nodiscard]] scsi::ModeParameterHeader mode_parameter_header() const override;
    [[nodiscard]] std::optional<scsi::BlockDescriptor> block_descriptor() const override;
    [[nodiscard]] std::optional<Completion> check_mode_selection(
        const scsi::ModeSelection& selection) override;
    bool apply_mode_selection(const scsi::ModeSelection& selection) override;
    void on_reset() override;

    [[nodiscard]] bool loaded() const noexcept { return load_state_ == LoadState::loaded; }
    [[nodiscard]] bool write_protected() const noexcept;
    [[nodiscard]] Completion not_ready() const;
    [[nodiscard]] Completion refused_write() const;
    /// Turns the failure into sense data; where data or hardware are in doubt also writes an event
    /// and raises TapeAlert flags.
    scsi::Sense failed(const Error& error, scsi::Direction direction, std::string_view what);
    Completion failure(const Error& error, scsi::Direction direction, std::string_view what) {
        return Completion::check_condition(failed(error, direction, what));
    }

    // log_pages.cc
    static std::vector<scsi::LogPage> log_pages(TapeDrive* drive);
    void device_status(scsi::LogParameters& parameters) const;
    void error_counters(scsi::LogParameters& parameters, std::uint64_t bytes,
                        std::uint64_t unrecovered) const;
    void sequential_access_device(scsi::LogParameters& parameters) const;
    void tape_alert_response(scsi::LogParameters& parameters) const;
    void tape_alert(scsi::LogParameters& parameters);
    void volume_statistics(scsi::LogParameters& parameters) const;
    void tape_capacity(scsi::LogParameters& parameters) const;
    /// Of the loaded medium, or of the last one when it left.
    [[nodiscard]] media::Capacity capacity() const;

    /// Shows an activity in log page 11h while it lives.
    class ActivityScope;

    struct Counters {
        std::uint64_t bytes_written = 0;
        std::uint64_t bytes_read = 0;
        std::uint64_t records_written = 0;
        std::uint64_t records_read = 0;
        std::uint64_t write_errors = 0;  ///< unrecovered
        std::uint64_t read_errors = 0;
    };

    const std::string name_;
    const std::shared_ptr<ValueStore> memory_;
    const scsi::DriveModel& model_;
    EventLog& events_;

    // Invariants: load_state_ == empty if and only if tape_ == null; generation_ is set if and only
    // if tape_ is; a tape that is not loaded has nothing buffered and stands at BOP.
    LoadState load_state_ = LoadState::empty;
    std::unique_ptr<media::Tape> tape_;
    const scsi::MediumGeneration* generation_ = nullptr;
    std::optional<Medium> medium_;   ///< of tape_, or of the last one: page 17h still tells of it
    bool read_only_ = false;         ///< the drive can only read this generation
    Counters load_counters_;         ///< since the medium of medium_ came in
    media::Capacity last_capacity_;  ///< of the last medium, when it left

    Activity activity_ = Activity::none;
    Counters counters_;            ///< since the daemon started
    std::bitset<64> tape_alerts_;  ///< bit n: flag n + 1
    bool spool_full_ = false;      ///< there was an event; the next comes after a write that worked
    std::uint32_t block_length_ = 0;
    std::uint8_t buffered_mode_ = 1;
};

}  // namespace tapeloft::vtl::drive
