// Drive models and media generations as rows: what a drive says it is, and what it may do with
// which medium.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace tapeloft::vtl::scsi {

/// One generation of LTO media, by the suffix of its barcode.
struct MediumGeneration {
    std::string_view suffix;            ///< "L5" to "L9", "M8"
    std::uint8_t density_code = 0;      ///< primary density code (SSC-5)
    std::uint8_t medium_type = 0;       ///< of the mode parameter header
    std::uint8_t worm_medium_type = 0;  ///< of its WORM cartridges; 0: there are none
    std::uint32_t bits_per_mm = 0;      ///< REPORT DENSITY SUPPORT (SSC-5)
    std::uint16_t tracks = 0;
    std::uint32_t capacity_mb = 0;  ///< native, units of 10^6 bytes
    std::uint16_t length_m = 0;     ///< of the tape
    std::string_view density_name;  ///< at most 8 characters
    std::string_view description;   ///< at most 20 characters
};

enum class Access : std::uint8_t { none, read_only, read_write };

/// Whose firmware a drive has: it decides on vendor specific pages.
enum class DriveFamily : std::uint8_t { ibm, hpe, quantum, generic };

struct DriveModel {
    std::string_view name;        ///< for the configuration: vendor and product in one
    std::string_view vendor;      ///< INQUIRY, at most 8 characters
    std::string_view product;     ///< at most 16 characters
    std::string_view revision;    ///< 4 characters
    std::uint8_t generation = 0;  ///< 5 to 9
    DriveFamily family = DriveFamily::generic;
};

[[nodiscard]] std::span<const MediumGeneration> medium_generations() noexcept;
[[nodiscard]] const MediumGeneration* find_generation(
    std::string_view suffix) noexcept;  ///< null: unknown

[[nodiscard]] std::span<const DriveModel> drive_models() noexcept;
[[nodiscard]] const DriveModel* find_drive_model(
    std::string_view name) noexcept;  ///< null: unknown

/// The log pages that a drive of the family has; page 00h is in all. Ascending.
[[nodiscard]] std::span<const std::uint8_t> log_pages_of(DriveFamily family) noexcept;

/// The generation a drive was made for.
[[nodiscard]] const MediumGeneration* native_generation(const DriveModel& model) noexcept;

/// What the drive may do with the medium.
[[nodiscard]] Access access(const DriveModel& model, const MediumGeneration& medium) noexcept;

}  // namespace tapeloft::vtl::scsi
