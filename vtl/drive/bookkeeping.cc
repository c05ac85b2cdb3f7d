// What a drive counts and remembers, its log pages over that, and the alerts it raises.
#include <algorithm>
#include <array>

#include "vtl/drive/log_state.h"

namespace tapeloft::vtl::drive {
namespace {

using std::chrono::duration_cast;
using std::chrono::steady_clock;

// Names in the value stores.
constexpr const char* kDriveStatistics = "drive statistics";
constexpr const char* kVolumeStatistics = "volume statistics";

std::optional<Bytes> saved_value(const std::shared_ptr<ValueStore>& memory, const char* name) {
    return memory == nullptr ? std::nullopt : memory->get(name);
}

template <typename Unit>
std::uint64_t since(steady_clock::time_point start) {
    return static_cast<std::uint64_t>(duration_cast<Unit>(steady_clock::now() - start).count());
}

struct OperationCodeRow {
    std::string_view what;  // as failed() is told
    std::uint8_t operation_code;
};
// clang-format off
constexpr auto kOperationCodes = std::to_array<OperationCodeRow>({
    {"REWIND", scsi::opcode::kRewind},
    {"FORMAT MEDIUM", scsi::opcode::kFormatMedium},
    {"READ", scsi::opcode::kRead6},
    {"WRITE", scsi::opcode::kWrite6},
    {"WRITE FILEMARKS", scsi::opcode::kWriteFilemarks6},
    {"SPACE", scsi::opcode::kSpace6},
    {"ERASE", scsi::opcode::kErase6},
    {"LOAD UNLOAD", scsi::opcode::kLoadUnload},
    {"LOCATE", scsi::opcode::kLocate16},
});
// clang-format on

std::uint8_t operation_code_of(std::string_view what) {
    for (const OperationCodeRow& row : kOperationCodes) {
        if (row.what == what) {
            return row.operation_code;
        }
    }
    return 0;  // not a command of a host
}

struct KeptPage {
    std::uint8_t page_code;
    void (*add)(scsi::LogParameters&, const LogState&);
    std::optional<ResetGroup> reset_group;  // nothing: LOG SELECT does not reset it
};

// clang-format off
constexpr auto kKeptPages = std::to_array<KeptPage>({
    {0x02, &add_write_error_counters,     ResetGroup::write_errors},  // SPC-5
    {0x03, &add_read_error_counters,      ResetGroup::read_errors},   // SPC-5
    {0x0C, &add_sequential_access_device, ResetGroup::transfers},     // SSC-5
    {0x0D, &add_temperature,              std::nullopt},              // SPC-5
    {0x10, &add_self_test_results,        std::nullopt},              // SPC-5
    {0x11, &add_device_status,            std::nullopt},              // SSC-5
    {0x14, &add_device_statistics,        std::nullopt},              // SSC-5
    {0x15, &add_service_buffers,          std::nullopt},              // ADC-4
    {0x16, &add_diagnostic_data,          std::nullopt},              // SSC-5
    {0x17, &add_volume_statistics,        std::nullopt},              // SSC-5
    {0x18, &add_protocol_specific_port,   std::nullopt},              // SPC-5
    {0x1B, &add_data_compression,         ResetGroup::compression},   // SSC-5
    {0x30, &add_tape_usage,               std::nullopt},              // LTO
    {0x31, &add_tape_capacity,            std::nullopt},              // LTO
    {0x32, &add_vendor_data_compression,  ResetGroup::compression},   // LTO
    {0x37, &add_performance,              std::nullopt},              // LTO
});
// clang-format on

}  // namespace

std::vector<scsi::LogPage> TapeDrive::log_pages(TapeDrive* drive, scsi::DriveFamily family) {
    using scsi::LogParameters;
    std::vector<scsi::LogPage> pages;
    for (const KeptPage& row : kKeptPages) {
        scsi::LogPage page;
        page.page_code = row.page_code;
        page.parameters = [drive, add = row.add](LogParameters& to) {
            add(to, drive->log_state());
        };
        if (row.reset_group) {
            page.reset = [drive, group = *row.reset_group] { drive->ledger_.reset(group); };
        }
        pages.push_back(std::move(page));
    }
    const auto find = [&pages](std::uint8_t code) {
        return std::find_if(pages.begin(), pages.end(),
                            [code](const scsi::LogPage& page) { return page.page_code >= code; });
    };
    find(0x14)->reset = [drive] { drive->ledger_.reset_loads(); };
    scsi::LogPage response;  // SSC-5, TapeAlert response
    response.page_code = 0x12;
    response.parameters = [drive](LogParameters& to) {
        drive->follow_storage_conditions();
        drive->alerts_.add_response_page(to);
    };
    pages.insert(find(response.page_code), std::move(response));
    scsi::LogPage alerts;  // SSC-5, TapeAlert
    alerts.page_code = 0x2E;
    alerts.parameters = [drive](LogParameters& to) {
        drive->follow_storage_conditions();
        drive->alerts_.add_page(to);
    };
    alerts.reset = [drive] { drive->alerts_.reset(); };
    pages.insert(find(alerts.page_code), std::move(alerts));
    const auto wanted = scsi::log_pages_of(family);
    std::erase_if(pages, [wanted](const scsi::LogPage& page) {
        return !std::binary_search(wanted.begin(), wanted.end(), page.page_code);
    });
    return pages;
}

LogState TapeDrive::log_state() const {
    constexpr std::uint8_t kDataCompression = 0x0F;
    constexpr std::uint8_t kDce = 0x80;
    LogState state;
    state.model = &model_;
    state.serial = serial();
    state.load_state = load_state_;
    state.activity = activity_;
    state.write_protected = tape_ != nullptr && write_protected();
    state.removal_prevented = removal_prevented();
    state.compression = (mode_pages().current(kDataCompression)[0] & kDce) != 0;
    state.drive = ledger_.drive();
    state.volume = ledger_.volume();
    state.load = ledger_.load();
    state.power_on_seconds = ledger_.drive().power_on_seconds + power_on_seconds();
    state.mount_milliseconds = mount_milliseconds_;
    state.medium = medium_ ? &*medium_ : nullptr;
    state.generation = medium_ ? scsi::find_generation(medium_->generation) : nullptr;
    state.partitions = tape_ != nullptr ? partitions() : last_partitions_;
    state.diagnostics = &diagnostics_;
    return state;
}

std::vector<media::Capacity> TapeDrive::partitions() const {
    std::vector<media::Capacity> result;
    for (std::uint32_t partition = 0; partition < tape_->partition_count(); ++partition) {
        result.push_back(tape_->capacity(partition));
    }
    return result;
}

std::uint64_t TapeDrive::power_on_seconds() const {
    return since<std::chrono::seconds>(started_);
}

void TapeDrive::begin_bookkeeping_of_load() {
    // What LTO cartridges are rated for: loads and unloads, and writing the whole tape.
    constexpr std::uint64_t kLoadsRated = 20'000;
    constexpr std::uint64_t kFullWritesRated = 260;
    constexpr std::uint64_t kNearingPercent = 90;
    ledger_.begin_load(saved_value(medium_->memory, kVolumeStatistics), medium_->load_count);
    mount_milliseconds_ = since<std::chrono::milliseconds>(load_started_);
    alerts_.clear_all(AlertCleared::at_load);
    storage_alerts_.erase(StorageCondition::damaged_object);  // its flag has just gone
    if (read_only_) {
        alerts_.raise(TapeAlert::read_only_format);
    }
    const std::uint64_t rated_bytes = medium_->capacity * kFullWritesRated;
    const auto beyond = [&](std::uint64_t percent) {
        return ledger_.volume().mounts >= kLoadsRated * percent / 100 ||
               (rated_bytes != 0 && medium_->bytes_written >= rated_bytes / 100 * percent);
    };
    if (beyond(100)) {
        alerts_.raise(TapeAlert::medium_life);
    } else if (beyond(kNearingPercent)) {
        alerts_.raise(TapeAlert::nearing_medium_life);
    }
}

void TapeDrive::end_bookkeeping_of_load() {
    last_partitions_ = tape_ != nullptr ? partitions() : std::vector<media::Capacity>{};
    medium_->memory.reset();  // it goes with the cartridge
}

Awaitable<void> TapeDrive::save_statistics() {
    if (memory_ != nullptr && ledger_.drive_changed()) {
        Bytes value = ledger_.drive_value(power_on_seconds());
        const auto kept = co_await memory_->put(kDriveStatistics, std::move(value));
        if (kept) {
            ledger_.drive_saved();
        }
        note_saving(kept, TapeAlert::lost_statistics, "The counters of the drive are not kept.");
    }
    if (tape_ != nullptr && medium_->memory != nullptr && ledger_.volume_changed()) {
        Bytes value = ledger_.volume_value();
        const auto memory = medium_->memory;
        const auto kept = co_await memory->put(kVolumeStatistics, std::move(value));
        if (kept) {
            ledger_.volume_saved();
        }
        note_saving(kept, TapeAlert::memory_chip_failure,
                    "The counters of a cartridge are not kept.");
    }
}

/// One event, and the flag, until it works again.
void TapeDrive::note_saving(const Result<void>& kept, TapeAlert alert, std::string_view message) {
    if (kept) {
        alerts_.clear(alert);
    } else if (!alerts_.active(alert)) {
        alerts_.raise(alert);
        events_.error(name_, std::string(message), {{"cause", kept.error().message}});
    }
}

void TapeDrive::follow_storage_conditions() {
    struct Row {
        StorageCondition condition;
        TapeAlert alert;
    };
    // None of the first two is critical to PBS, which would call the tape damaged.
    static constexpr auto kRows = std::to_array<Row>({
        {StorageCondition::spool_nearly_full, TapeAlert::diagnostics_required},
        {StorageCondition::store_unreachable, TapeAlert::primary_interface},
        {StorageCondition::damaged_object, TapeAlert::medium},
    });
    const std::string serial =
        load_state_ == LoadState::empty ? std::string() : medium_->medium_serial;
    for (const Row& row : kRows) {
        const bool holds = storage_conditions_ && storage_conditions_(row.condition, serial);
        if (holds && !alerts_.active(row.alert)) {
            alerts_.raise(row.alert);
            storage_alerts_.insert(row.condition);
        } else if (!holds && storage_alerts_.erase(row.condition) != 0) {
            alerts_.clear(row.alert);
        }
    }
}

void TapeDrive::start_bookkeeping() {
    started_ = steady_clock::now();
    ledger_.start(saved_value(memory_, kDriveStatistics));
}

scsi::Sense TapeDrive::failed(const Error& error, scsi::Direction direction,
                              std::string_view what) {
    const bool writing = direction == scsi::Direction::writing;
    const bool data_in_doubt = error.code == Errc::corrupt || error.code == Errc::io;
    scsi::Sense sense = scsi::sense_from_error(error, direction);
    if (data_in_doubt) {
        alerts_.raise(TapeAlert::hard_error);
        alerts_.raise(writing ? TapeAlert::write_failure : TapeAlert::read_failure);
        if (error.code == Errc::corrupt) {
            alerts_.raise(TapeAlert::medium);
        }
        ledger_.count_error(writing ? ErrorOf::writing : ErrorOf::reading);
        record_diagnostic(sense, operation_code_of(what));
    }
    const bool spool_full = error.code == Errc::no_space;  // hosts try again and again
    const bool known = alerts_.active(TapeAlert::preventive_maintenance);
    const bool not_promised = sense.key == scsi::SenseKey::hardware_error;  // the store is away
    if (data_in_doubt || not_promised || (spool_full && !known)) {
        events_.error(name_, std::string(what) + " failed: " + error.message,
                      {{"barcode", medium_ ? medium_->barcode : ""},
                       {"object", tape_ == nullptr
                                      ? std::string()
                                      : std::to_string(tape_->position().logical_object_number)}});
    }
    if (spool_full && !known) {
        alerts_.raise(TapeAlert::preventive_maintenance);
    }
    return sense;
}

void TapeDrive::record_diagnostic(const scsi::Sense& sense, std::uint8_t operation_code) {
    constexpr std::uint64_t kMicrosecondsPerHour = 3'600'000'000;
    DiagnosticRecord record;
    if (generation_ != nullptr) {
        record.density_code = generation_->density_code;
        record.medium_type = generation_->medium_type;
    }
    const DriveStatistics& statistics = ledger_.drive();
    const auto hours = [](std::uint64_t microseconds) {
        return static_cast<std::uint32_t>(microseconds / kMicrosecondsPerHour);
    };
    record.motion_hours = hours(statistics.motion_microseconds);
    record.hours_since_cleaning =
        hours(statistics.motion_microseconds - statistics.motion_microseconds_at_cleaning);
    record.sense = sense;
    std::copy_n(model_.revision.begin(), record.revision.size(), record.revision.begin());
    record.operation_code = operation_code;
    record.medium_serial = medium_ ? medium_->medium_serial : "";
    diagnostics_.add(std::move(record));
}

}  // namespace tapeloft::vtl::drive
