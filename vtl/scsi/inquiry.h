// INQUIRY: standard data and vital product data (SPC-5), and REPORT LUNS.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::scsi {

enum class PeripheralDeviceType : std::uint8_t {
    sequential_access = 0x01,
    media_changer = 0x08,
    unknown = 0x1F
};

/// A vital product data page of one device type (87h and above).
inline constexpr std::uint8_t kRelativeTargetPort = 1;  ///< of the one that there is

struct VitalProductDataPage {
    std::uint8_t page_code = 0;
    Bytes body;  ///< what follows the four bytes of the page header
};

/// Who a logical unit says it is. Nothing of it may ever change for a serial number.
struct Identity {
    PeripheralDeviceType device_type = PeripheralDeviceType::unknown;
    std::string vendor;    ///< T10 vendor identification, at most 8 characters
    std::string product;   ///< at most 16 characters
    std::string revision;  ///< at most 4 characters
    std::string
        serial;  ///< VPD 80h, verbatim; 10 characters [A-Z0-9], unique over all logical units
    std::string
        target_name;  ///< iSCSI name, for the target port and target device designators of VPD 83h
    std::uint16_t target_portal_group_tag = 1;
    std::uint16_t logical_unit_count =
        1;  ///< of the target, for REPORT LUNS: LUN 0 to count - 1; at most 256
    std::array<std::uint8_t, 20> vendor_specific{};  ///< bytes 36 to 55 of the standard data
    std::vector<VitalProductDataPage> device_pages;  ///< ascending page codes
};

/// The NAA locally assigned designator (NAA 3h, SPC-5): 60 bits of SHA-256 of the serial
/// number.
[[nodiscard]] std::array<std::uint8_t, 8> naa_locally_assigned(const std::string& serial);

/// The whole answer to INQUIRY, cut to the allocation length.
[[nodiscard]] Completion inquiry_data(const Identity& identity, const Task& task);

/// The whole answer to REPORT LUNS (SPC-5).
[[nodiscard]] Completion report_luns_data(std::uint16_t logical_unit_count, const Task& task);

}  // namespace tapeloft::vtl::scsi
