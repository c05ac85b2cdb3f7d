#include "vtl/library/log_pages.h"

#include <array>

namespace tapeloft::vtl::library {
namespace {

struct CounterRow {
    std::uint16_t code;
    std::uint64_t ChangerStatistics::*counter;  // null: nothing here ever does it
};

// SMC-3, medium changer statistics. A robot of values has no retries, no recovered errors and no
// axes, and reads every label.
constexpr auto kStatistics = std::to_array<CounterRow>({
    {0x0000, &ChangerStatistics::moves},
    {0x0001, &ChangerStatistics::picks},
    {0x0002, nullptr},  // pick retries
    {0x0003, &ChangerStatistics::places},
    {0x0004, nullptr},  // place retries
    {0x0005, &ChangerStatistics::volume_tags_read},
    {0x0006, nullptr},  // invalid volume tags
    {0x0007, &ChangerStatistics::library_door_opens},
    {0x0008, &ChangerStatistics::mail_slot_door_opens},
    {0x0009, &ChangerStatistics::inventory_scans},
    {0x000A, &ChangerStatistics::unrecovered_errors},
    {0x000B, nullptr},  // recovered errors
});

void add_temperature(scsi::LogParameters& to) {
    constexpr std::uint64_t kNothingToMeasure = 0xFF;
    to.number(0x0000, kNothingToMeasure, 2);
    to.number(0x0001, kNothingToMeasure, 2);
}

void add_statistics(scsi::LogParameters& to, const ChangerStatistics& statistics) {
    constexpr std::uint8_t kCounterWidth = 4;
    for (const auto& row : kStatistics) {
        to.number(row.code, row.counter == nullptr ? 0 : statistics.*row.counter, kCounterWidth);
    }
}

}  // namespace

std::vector<scsi::LogPage> changer_log_pages(scsi::AlertFlags& alerts,
                                             const ChangerStatistics& statistics) {
    constexpr std::uint8_t kTemperature = 0x0D;              // SPC-5
    constexpr std::uint8_t kMediumChangerStatistics = 0x14;  // SMC-3
    constexpr std::uint8_t kTapeAlert = 0x2E;                // SMC-3; 64 flags, as libraries have
    return {
        {kTemperature, 0, &add_temperature},
        {kMediumChangerStatistics, 0,
         [&statistics](scsi::LogParameters& to) { add_statistics(to, statistics); }},
        {kTapeAlert, 0,
         [&alerts](scsi::LogParameters& to) { alerts.add_page(to, scsi::AlertFlags::kFlagMax); }},
    };
}

void raise_or_clear(scsi::AlertFlags& alerts, const MoveOutcome& outcome) {
    const auto flag = [](ChangerAlert alert) { return static_cast<std::uint8_t>(alert); };
    if (!outcome) {
        alerts.clear(flag(ChangerAlert::load_retry));
        alerts.clear(flag(ChangerAlert::inventory));
        return;
    }
    const MoveRefusal refusal = outcome->refusal;
    if (refusal == MoveRefusal::load_failed || refusal == MoveRefusal::unload_failed) {
        alerts.raise(flag(ChangerAlert::load_retry));
    } else if (refusal == MoveRefusal::not_recorded) {
        alerts.raise(flag(ChangerAlert::inventory));
    }
}

}  // namespace tapeloft::vtl::library
