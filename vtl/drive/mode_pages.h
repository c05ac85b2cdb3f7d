// The mode pages of a drive as rows (SPC-5; SSC-5).
#pragma once

#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/mode_pages.h"
#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::drive {

inline constexpr std::uint8_t kDeviceConfigurationPage = 0x10;
inline constexpr std::uint8_t kDeviceConfigurationExtensionSubpage = 0x01;
inline constexpr std::uint8_t kMediumConfigurationPage = 0x1D;

/// Offsets in the mode parameters, that is behind the page header.
namespace mode_layout::device_configuration {
inline constexpr std::size_t kActivePartition = 1;
}
namespace mode_layout::device_configuration_extension {
inline constexpr std::size_t kWriteMode = 1;  ///< high nibble; low: SHORT ERASE MODE
using ProgrammableEarlyWarningSize = BigEndian<std::uint16_t, 2>;  ///< 10^6 bytes
}  // namespace mode_layout::device_configuration_extension

/// MAXIMUM ADDITIONAL PARTITIONS: LTO-5 drives make two partitions, later ones four.
[[nodiscard]] std::uint8_t additional_partitions_max(const scsi::DriveModel& model) noexcept;
[[nodiscard]] std::vector<scsi::ModePage> mode_pages_of_drive(const scsi::DriveModel& model);
/// The mode parameters of the medium configuration page.
[[nodiscard]] Bytes medium_configuration(bool worm);

}  // namespace tapeloft::vtl::drive
