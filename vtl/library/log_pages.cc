#include "vtl/library/log_pages.h"

namespace tapeloft::vtl::library {

std::vector<scsi::LogPage> changer_log_pages(scsi::AlertFlags& alerts) {
    constexpr std::uint8_t kTapeAlert = 0x2E;  // SMC-3, 7.2.2
    return {
        {kTapeAlert, 0,
         [&alerts](scsi::LogParameters& to) { alerts.add_page(to, kChangerAlertFlags); }},
    };
}

void note_move(scsi::AlertFlags& alerts, const MoveOutcome& outcome) {
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
