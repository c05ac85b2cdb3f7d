// The mode pages of a drive as rows (SPC-5; SSC-5).
#pragma once

#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/mode_pages.h"
#include "vtl/scsi/personality.h"

namespace tapeloft::vtl::drive {

inline constexpr std::uint8_t kControlPage = 0x0A;
inline constexpr std::uint8_t kInformationalExceptionsPage = 0x1C;
inline constexpr std::uint8_t kDeviceConfigurationPage = 0x10;
inline constexpr std::uint8_t kDeviceConfigurationExtensionSubpage = 0x01;
inline constexpr std::uint8_t kMediumConfigurationPage = 0x1D;

/// Offsets in the mode parameters, that is behind the page header.
namespace mode_layout::control {
inline constexpr std::size_t kWriteProtection = 2;
inline constexpr std::uint8_t kSoftware = 0x08;  ///< SWP
}  // namespace mode_layout::control
namespace mode_layout::device_configuration {
inline constexpr std::size_t kActivePartition = 1;
inline constexpr std::size_t kWriteProtection = 13;
inline constexpr std::uint8_t kAssociated = 0x04;  ///< ASOCWP
}  // namespace mode_layout::device_configuration
namespace mode_layout::informational_exceptions {
inline constexpr std::size_t kFlags = 0;
inline constexpr std::uint8_t kTest = 0x04;
using TestFlagNumber = BigEndian<std::uint32_t, 6>;  ///< two's complement
}  // namespace mode_layout::informational_exceptions
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
