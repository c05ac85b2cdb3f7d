// Private to vtl/drive: all that the log pages tell of, taken from the drive at one moment.
#pragma once

#include <string>
#include <vector>

#include "vtl/drive/diagnostic_records.h"
#include "vtl/drive/statistics.h"
#include "vtl/drive/tape_drive.h"

namespace tapeloft::vtl::drive {

struct LogState {
    const scsi::DriveModel* model = nullptr;
    std::string serial;
    LoadState load_state = LoadState::empty;
    Activity activity = Activity::none;
    bool write_protected = false;
    bool removal_prevented = false;
    bool compression = false;  ///< DCE of the data compression mode page

    DriveStatistics drive;
    VolumeStatistics volume;  ///< of the loaded medium, or of the last one, as all below
    TransferCounters load;
    std::uint64_t power_on_seconds = 0;    ///< in its life
    std::uint64_t mount_milliseconds = 0;  ///< how long the load took
    const Medium* medium = nullptr;        ///< null: there was none
    const scsi::MediumGeneration* generation = nullptr;
    std::vector<media::Capacity> partitions;  ///< at least one where there is a medium
    const DiagnosticRecords* diagnostics = nullptr;

    [[nodiscard]] TransferCounters since_reset(ResetGroup group) const {
        return drive.lifetime - drive.at_reset[static_cast<std::size_t>(group)];
    }
    [[nodiscard]] std::uint64_t native_capacity() const {
        std::uint64_t sum = 0;
        for (const media::Capacity& partition : partitions) {
            sum += partition.native;
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t used_capacity() const {
        std::uint64_t sum = 0;
        for (const media::Capacity& partition : partitions) {
            sum += partition.used;
        }
        return sum;
    }
};

// Every page adds one parameter at least, whatever the state.
void add_write_error_counters(scsi::LogParameters& to, const LogState& state);      // 02h
void add_read_error_counters(scsi::LogParameters& to, const LogState& state);       // 03h
void add_sequential_access_device(scsi::LogParameters& to, const LogState& state);  // 0Ch
void add_temperature(scsi::LogParameters& to, const LogState& state);               // 0Dh
void add_self_test_results(scsi::LogParameters& to, const LogState& state);         // 10h
void add_device_status(scsi::LogParameters& to, const LogState& state);             // 11h
void add_device_statistics(scsi::LogParameters& to, const LogState& state);         // 14h
void add_service_buffers(scsi::LogParameters& to, const LogState& state);           // 15h
void add_diagnostic_data(scsi::LogParameters& to, const LogState& state);           // 16h
void add_volume_statistics(scsi::LogParameters& to, const LogState& state);         // 17h
void add_protocol_specific_port(scsi::LogParameters& to, const LogState& state);    // 18h
void add_data_compression(scsi::LogParameters& to, const LogState& state);          // 1Bh
void add_tape_usage(scsi::LogParameters& to, const LogState& state);                // 30h
void add_tape_capacity(scsi::LogParameters& to, const LogState& state);             // 31h
void add_vendor_data_compression(scsi::LogParameters& to, const LogState& state);   // 32h
void add_performance(scsi::LogParameters& to, const LogState& state);               // 37h

}  // namespace tapeloft::vtl::drive
