// What a drive and a cartridge count, and how it is kept over restarts (SSC-5: log pages 02h 03h
// 0Ch 14h 17h 1Bh 30h 32h). Knows no clock and no store.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "cloud/base/bytes.h"

namespace tapeloft::vtl::drive {

/// Transfers between hosts and medium. A record is a logical block.
struct TransferCounters {
    std::uint64_t bytes_written = 0;
    std::uint64_t bytes_read = 0;
    std::uint64_t records_written = 0;
    std::uint64_t records_read = 0;
    std::uint64_t write_errors = 0;  ///< unrecovered
    std::uint64_t read_errors = 0;
    friend bool operator==(const TransferCounters&, const TransferCounters&) = default;
};

/// Log pages whose counters LOG SELECT resets together.
enum class ResetGroup : std::uint8_t {
    write_errors,  ///< 02h
    read_errors,   ///< 03h
    transfers,     ///< 0Ch
    compression,   ///< 1Bh and 32h
};
inline constexpr std::size_t kResetGroups = 4;

[[nodiscard]] TransferCounters operator-(const TransferCounters& left,
                                         const TransferCounters& right);

enum class ErrorOf : std::uint8_t { reading, writing };

/// What a drive remembers, under its serial number.
struct DriveStatistics {
    TransferCounters lifetime;
    /// What `lifetime` was when LOG SELECT last reset the pages of the group; index: ResetGroup.
    std::array<TransferCounters, kResetGroups> at_reset{};
    std::uint64_t loads = 0;
    std::uint64_t loads_at_reset = 0;
    std::uint64_t cleanings = 0;
    std::uint64_t power_cycles = 0;
    std::uint64_t power_on_seconds =
        0;  ///< of the runs before this one, and of this one when saved
    std::uint64_t motion_microseconds = 0;              ///< reading, writing, positioning, erasing
    std::uint64_t motion_microseconds_at_cleaning = 0;  ///< when the last cleaning ended
    friend bool operator==(const DriveStatistics&, const DriveStatistics&) = default;
};

/// What a cartridge remembers beside what the catalog knows of it.
struct VolumeStatistics {
    TransferCounters lifetime;            ///< with the load that is going on
    std::uint64_t mounts = 0;             ///< with this one
    TransferCounters load;                ///< since it came in, this time or the last one
    TransferCounters previous_load;       ///< the time before
    TransferCounters at_format;           ///< what `lifetime` was at the last FORMAT MEDIUM
    std::uint64_t mounts_at_format = 0;   ///< the same of `mounts`
    std::uint64_t partition_changes = 0;  ///< since then
    friend bool operator==(const VolumeStatistics&, const VolumeStatistics&) = default;
};

// A version byte, then the counters as 64-bit numbers, most significant byte first, in the order
// above (a cartridge, version 1: lifetime and mounts alone). Nothing: the bytes are of no version
// that is known.
[[nodiscard]] Bytes encode(const DriveStatistics& statistics);
[[nodiscard]] Bytes encode(const VolumeStatistics& statistics);
[[nodiscard]] std::optional<DriveStatistics> decode_drive_statistics(ByteView bytes);
[[nodiscard]] std::optional<VolumeStatistics> decode_volume_statistics(ByteView bytes);

/// Counts for the drive, for the cartridge in it, and for this load. Unsaved changes are known, so
/// that nothing is written when nothing has happened.
class UsageLedger {
  public:
    /// A start of the drive. saved: what encode() made, or nothing.
    void start(const std::optional<Bytes>& saved);
    /// A cartridge comes in. mounts_before: of a cartridge that remembers nothing.
    void begin_load(const std::optional<Bytes>& saved, std::uint64_t mounts_before);
    /// A cleaning cartridge has done its work.
    void count_cleaning();

    void count_read(std::size_t bytes);
    void count_written(std::size_t bytes);
    void count_error(ErrorOf error_of);
    void count_motion(std::uint64_t microseconds);
    void count_partition_change() { ++volume_.partition_changes; }
    void note_format();  ///< the medium begins anew
    /// LOG SELECT: the pages of the group count from here on.
    void reset(ResetGroup group);
    void reset_loads();  ///< the same for volume loads, log page 14h

    [[nodiscard]] const DriveStatistics& drive() const noexcept { return drive_; }
    [[nodiscard]] const VolumeStatistics& volume() const noexcept { return volume_; }
    [[nodiscard]] const TransferCounters& load() const noexcept { return volume_.load; }
    [[nodiscard]] const TransferCounters& run() const noexcept { return run_; }

    // Saving: take the bytes, store them, and say so. power_on_seconds: of this run.
    [[nodiscard]] bool drive_changed() const { return drive_ != drive_saved_; }
    [[nodiscard]] bool volume_changed() const { return volume_ != volume_saved_; }
    [[nodiscard]] Bytes drive_value(std::uint64_t power_on_seconds) const;
    [[nodiscard]] Bytes volume_value() const { return encode(volume_); }
    void drive_saved() { drive_saved_ = drive_; }
    void volume_saved() { volume_saved_ = volume_; }

  private:
    template <typename Count>
    void count(Count add);

    DriveStatistics drive_;  ///< power_on_seconds: of the runs before this one
    DriveStatistics drive_saved_;
    VolumeStatistics volume_;  ///< of the cartridge in the drive, or of the last one
    VolumeStatistics volume_saved_;
    TransferCounters run_;  ///< since the start
};

}  // namespace tapeloft::vtl::drive
