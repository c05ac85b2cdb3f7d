// What a changer counts and remembers, and the alerts that moves raise.
#include <algorithm>

#include "vtl/library/log_pages.h"
#include "vtl/library/media_changer.h"

namespace tapeloft::vtl::library {

using media::ElementKind;

namespace {

constexpr const char* kStatisticsName = "changer_statistics";

bool is_mechanical(MoveRefusal refusal) noexcept {
    return refusal == MoveRefusal::load_failed || refusal == MoveRefusal::unload_failed ||
           refusal == MoveRefusal::not_recorded;
}

}  // namespace

void MediaChanger::recall_statistics() {
    const auto kept = recall(kStatisticsName);
    const auto known = kept ? decode_changer_statistics(*kept) : std::nullopt;
    statistics_ = known.value_or(ChangerStatistics{});
    statistics_kept_ = statistics_;
}

void MediaChanger::note_inventory_scan() {
    const auto& cartridges = inventory_.cartridges();
    ++statistics_.inventory_scans;
    statistics_.volume_tags_read += static_cast<std::uint64_t>(
        std::count_if(cartridges.begin(), cartridges.end(),
                      [](const auto& each) { return each.second.element != media::kOutside; }));
}

void MediaChanger::note_move(const MoveOutcome& outcome, std::uint64_t cartridges) {
    raise_or_clear(alerts_, outcome);
    if (!outcome) {
        statistics_.moves += cartridges;
        statistics_.picks += cartridges;
        statistics_.places += cartridges;
    } else if (is_mechanical(outcome->refusal)) {
        ++statistics_.unrecovered_errors;
    }
}

/// A person opens a door, unless the mail slots are open already, and brings in that many.
void MediaChanger::note_hand_in(ElementKind kind, std::uint64_t cartridges) {
    if (kind != ElementKind::import_export) {
        ++statistics_.library_door_opens;
    } else if (!conditions_.mail_slots_open) {
        ++statistics_.mail_slot_door_opens;
    }
    statistics_.volume_tags_read += cartridges;
}

Awaitable<void> MediaChanger::keep_statistics() {
    if (keeping_statistics_) {
        co_return;  // who is at it sees these changes as well
    }
    keeping_statistics_ = true;
    bool kept = true;
    while (kept && statistics_ != statistics_kept_) {
        const auto saved = statistics_;
        kept = co_await remember(kStatisticsName, encode(saved));
        if (kept) {
            statistics_kept_ = saved;
        } else if (!statistics_lost_) {
            events_.error("changer", "The counters of the changer are not kept.", {});
        }
        statistics_lost_ = !kept;
    }
    keeping_statistics_ = false;
}

}  // namespace tapeloft::vtl::library
