#include "vtl/drive/tape_alert.h"

#include <algorithm>
#include <array>

namespace tapeloft::vtl::drive {
namespace {

using enum AlertSeverity;
using enum AlertCleared;

// clang-format off
constexpr auto kAlerts = std::to_array<TapeAlertRow>({
    { 1, warning,     at_load,    "read warning"},
    { 2, warning,     at_load,    "write warning"},
    { 3, warning,     at_load,    "hard error"},
    { 4, critical,    at_load,    "medium"},
    { 5, critical,    at_load,    "read failure"},
    { 6, critical,    at_load,    "write failure"},
    { 7, warning,     at_load,    "medium life"},
    { 8, warning,     at_load,    "not data grade"},
    { 9, critical,    at_load,    "write protect"},
    {10, information, at_load,    "medium removal prevented"},
    {11, information, at_load,    "cleaning medium"},
    {12, information, at_load,    "unsupported format"},
    {13, critical,    at_load,    "recoverable mechanical cartridge failure"},
    {14, critical,    at_load,    "unrecoverable mechanical cartridge failure"},
    {15, warning,     at_load,    "memory chip in cartridge failure"},
    {16, critical,    at_load,    "forced eject"},
    {17, warning,     at_load,    "read only format"},
    {18, warning,     at_load,    "tape directory corrupted on load"},
    {19, information, at_load,    "nearing medium life"},
    {20, critical,    cleaning,   "cleaning required"},
    {21, warning,     cleaning,   "cleaning requested"},
    {22, critical,    at_load,    "expired cleaning medium"},
    {23, critical,    at_load,    "invalid cleaning medium"},
    {24, warning,     at_load,    "retension requested"},
    {25, warning,     correction, "multi-port interface error on a primary port"},
    {26, warning,     correction, "cooling fan failure"},
    {27, warning,     correction, "power supply failure"},
    {28, warning,     correction, "power consumption"},
    {29, warning,     at_load,    "drive preventive maintenance required"},
    {30, critical,    correction, "hardware A"},
    {31, critical,    correction, "hardware B"},
    {32, warning,     correction, "primary interface"},
    {33, critical,    at_load,    "eject medium"},
    {34, warning,     correction, "microcode update fail"},
    {35, warning,     correction, "drive humidity"},
    {36, warning,     correction, "drive temperature"},
    {37, warning,     correction, "drive voltage"},
    {38, critical,    correction, "predictive failure"},
    {39, warning,     correction, "diagnostics required"},
    {40, unused,      never,      "obsolete"},
    {41, unused,      never,      "obsolete"},
    {42, unused,      never,      "obsolete"},
    {43, unused,      never,      "obsolete"},
    {44, unused,      never,      "obsolete"},
    {45, unused,      never,      "obsolete"},
    {46, unused,      never,      "obsolete"},
    {47, unused,      never,      "reserved"},
    {48, unused,      never,      "reserved"},
    {49, unused,      never,      "reserved"},
    {50, warning,     correction, "lost statistics"},
    {51, warning,     at_load,    "tape directory invalid at unload"},
    {52, critical,    at_load,    "tape system area write failure"},
    {53, critical,    at_load,    "tape system area read failure"},
    {54, critical,    at_load,    "no start of data"},
    {55, critical,    at_load,    "loading or threading failure"},
    {56, critical,    at_load,    "unrecoverable unload failure"},
    {57, critical,    correction, "automation interface failure"},
    {58, warning,     correction, "microcode failure"},
    {59, warning,     at_load,    "WORM medium, integrity check failed"},
    {60, warning,     at_load,    "WORM medium, overwrite attempted"},
    {61, unused,      never,      "reserved"},
    {62, unused,      never,      "reserved"},
    {63, unused,      never,      "reserved"},
    {64, unused,      never,      "reserved"},
});

// What this drive can raise.
constexpr auto kSupported = std::to_array<TapeAlert>({
    TapeAlert::hard_error, TapeAlert::medium, TapeAlert::read_failure, TapeAlert::write_failure,
    TapeAlert::medium_life, TapeAlert::write_protect, TapeAlert::medium_removal_prevented,
    TapeAlert::cleaning_medium, TapeAlert::unsupported_format, TapeAlert::memory_chip_failure,
    TapeAlert::read_only_format, TapeAlert::nearing_medium_life, TapeAlert::expired_cleaning_medium,
    TapeAlert::preventive_maintenance, TapeAlert::primary_interface,
    TapeAlert::diagnostics_required, TapeAlert::lost_statistics, TapeAlert::worm_overwrite,
});
// clang-format on

constexpr bool complete() {
    for (std::size_t i = 0; i < kAlerts.size(); ++i) {
        if (kAlerts[i].flag != i + 1) {
            return false;
        }
    }
    return kAlerts.size() == scsi::AlertFlags::kFlagMax;
}
static_assert(complete());

constexpr std::int32_t kTestAll = 32767;  // TEST FLAG NUMBER

constexpr std::uint64_t bit_of(std::uint8_t flag) {
    return std::uint64_t{1} << (scsi::AlertFlags::kFlagMax - flag);
}

}  // namespace

std::span<const TapeAlertRow> tape_alert_rows() noexcept {
    return kAlerts;
}

void TapeAlerts::clear_all(AlertCleared event) {
    for (const TapeAlertRow& row : kAlerts) {
        if (row.cleared == event) {
            flags_.clear(row.flag);
        }
    }
}

void TapeAlerts::reset() {
    for (const TapeAlertRow& row : kAlerts) {
        flags_.clear(row.flag);
    }
}

void TapeAlerts::add_page(scsi::LogParameters& parameters) {
    flags_.add_page(parameters, scsi::AlertFlags::kFlagMax);
}

// Flag 1 is the most significant bit.
void TapeAlerts::add_response_page(scsi::LogParameters& parameters) const {
    std::uint64_t flags = 0;
    for (const TapeAlertRow& row : kAlerts) {
        flags |= flags_.active(row.flag) ? bit_of(row.flag) : 0;
    }
    parameters.number(0x0000, flags, 8);
}

bool TapeAlerts::can_test(std::int32_t test_flag_number) noexcept {
    constexpr std::int32_t kMax = scsi::AlertFlags::kFlagMax;
    return test_flag_number == kTestAll ||
           (test_flag_number != 0 && test_flag_number <= kMax && test_flag_number >= -kMax);
}

bool TapeAlerts::apply_test(std::int32_t test_flag_number) {
    if (!can_test(test_flag_number)) {
        return false;
    }
    if (test_flag_number == kTestAll) {
        for (const TapeAlert alert : kSupported) {
            raise(alert);
        }
    } else if (test_flag_number > 0) {
        flags_.raise(static_cast<std::uint8_t>(test_flag_number));
    } else {
        flags_.clear(static_cast<std::uint8_t>(-test_flag_number));
    }
    return true;
}

std::uint64_t TapeAlerts::supported() noexcept {
    std::uint64_t flags = 0;
    for (const TapeAlert alert : kSupported) {
        flags |= bit_of(static_cast<std::uint8_t>(alert));
    }
    return flags;
}

}  // namespace tapeloft::vtl::drive
