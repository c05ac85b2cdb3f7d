#include "vtl/drive/vital_product_data.h"

#include <algorithm>
#include <array>
#include <optional>

#include "vtl/drive/logical_block_protection.h"
#include "vtl/drive/tape_alert.h"

namespace tapeloft::vtl::drive {
namespace {

using scsi::DriveFamily;

void append_text(Bytes& body, std::string_view text, std::size_t width) {
    for (std::size_t i = 0; i < width; ++i) {
        body.push_back(static_cast<std::uint8_t>(i < text.size() ? text[i] : ' '));
    }
}

Bytes text_body(std::string_view text) {
    return {text.begin(), text.end()};
}

// What each I_T nexus has for itself; all else is shared.
Bytes mode_page_policy(const DrivePageSource& /*source*/) {
    constexpr std::uint8_t kShared = 0x00;
    constexpr std::uint8_t kPerNexus = 0x03;
    constexpr std::uint8_t kAllOthers = 0x3F;
    constexpr std::uint8_t kAllSubpages = 0xFF;
    return {kControlDataProtectionPage,
            kControlDataProtectionSubpage,
            kPerNexus,
            0,
            kAllOthers,
            kAllSubpages,
            kShared,
            0};
}

Bytes sequential_access_capabilities(const DrivePageSource& /*source*/) {
    constexpr std::uint8_t kWorm = 0x01;  // TSMC is 0: no timestamps in the medium auxiliary memory
    return {kWorm, 0};
}

Bytes manufacturer_serial_number(const DrivePageSource& source) {
    return text_body(source.serial);
}

Bytes tape_alert_supported_flags(const DrivePageSource& /*source*/) {
    Bytes body(8);
    store_big_endian<8>(body, TapeAlerts::supported());
    return body;
}

Bytes automation_serial_number(const DrivePageSource& source) {
    return text_body(source.automation_serial);
}

Bytes logical_block_protection(const DrivePageSource& /*source*/) {
    return logical_block_protection_vpd_page();
}

// Code name, time, date, platform.
Bytes component_revision_levels(const DrivePageSource& source) {
    Bytes body;
    append_text(body,
                "LTO" + std::to_string(source.model->generation) + "_" +
                    std::string(source.model->revision),
                12);
    append_text(body, "000000", 7);
    append_text(body, "20240101", 8);
    append_text(body, source.model->product, 12);
    return body;
}

// As made and as reported.
Bytes drive_serial_numbers(const DrivePageSource& source) {
    Bytes body;
    append_text(body, source.serial, 12);
    append_text(body, source.serial, 12);
    return body;
}

// Component, version, date, variant.
Bytes component_page(std::string_view component, std::string_view version) {
    Bytes body;
    append_text(body, component, 25);
    append_text(body, version, 19);
    append_text(body, "2024/01/01 00:00", 24);
    append_text(body, "", 23);
    return body;
}

Bytes firmware_component(const DrivePageSource& source) {
    return component_page("Firmware", source.model->revision);
}

Bytes hardware_component(const DrivePageSource& source) {
    return component_page("Hardware", source.model->product);
}

struct VitalProductPage {
    std::uint8_t page_code;
    std::optional<DriveFamily> family;  // nothing: of all
    Bytes (*body)(const DrivePageSource&);
};

// clang-format off
constexpr auto kVitalProductPages = std::to_array<VitalProductPage>({
    {0x87, std::nullopt,         &mode_page_policy},                    // SPC-5, mode page policy
    {0xB0, std::nullopt,         &sequential_access_capabilities},      // SSC-5, sequential-access device capabilities
    {0xB1, std::nullopt,         &manufacturer_serial_number},      // SSC-5, manufacturer-assigned serial number
    {0xB2, std::nullopt,         &tape_alert_supported_flags},      // SSC-5, TapeAlert supported flags
    {0xB3, std::nullopt,         &automation_serial_number},        // SSC-5, automation device serial number
    {0xB5, std::nullopt,         &logical_block_protection},        // SSC-5, logical block protection
    {0xC0, DriveFamily::ibm,     &component_revision_levels},
    {0xC0, DriveFamily::quantum, &component_revision_levels},
    {0xC0, DriveFamily::hpe,     &firmware_component},
    {0xC1, DriveFamily::ibm,     &drive_serial_numbers},
    {0xC1, DriveFamily::quantum, &drive_serial_numbers},
    {0xC1, DriveFamily::hpe,     &hardware_component},
});
// clang-format on

}  // namespace

std::vector<scsi::VitalProductDataPage> drive_vital_product_data(const DrivePageSource& source) {
    std::vector<scsi::VitalProductDataPage> pages;
    for (const VitalProductPage& row : kVitalProductPages) {
        if (row.family && *row.family != source.model->family) {
            continue;
        }
        Bytes body = row.body(source);
        if (!body.empty()) {
            pages.push_back({row.page_code, std::move(body)});
        }
    }
    return pages;
}

}  // namespace tapeloft::vtl::drive
