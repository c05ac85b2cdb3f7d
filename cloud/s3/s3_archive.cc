#include "cloud/s3/s3_archive.h"

#include <algorithm>
#include <array>

#include "cloud/s3/timestamps.h"

namespace tapeloft::s3 {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct TierRow {
    std::string_view storage_class;
    std::string_view tier;
    seconds time;
};
constexpr auto kTiers = std::to_array<TierRow>({
    {"GLACIER", "Expedited", minutes(5)},
    {"GLACIER", "Standard", hours(5)},
    {"GLACIER", "Bulk", hours(12)},
    {"DEEP_ARCHIVE", "Standard", hours(12)},
    {"DEEP_ARCHIVE", "Bulk", hours(48)},
});

}  // namespace

std::optional<seconds> restore_time(std::string_view storage_class,
                                    std::string_view tier) noexcept {
    const auto* row = std::ranges::find_if(kTiers, [&](const TierRow& each) {
        return each.storage_class == storage_class && each.tier == tier;
    });
    return row == kTiers.end() ? std::nullopt : std::optional(row->time);
}

bool is_archive_class(std::string_view storage_class) noexcept {
    return std::ranges::find(kTiers, storage_class, &TierRow::storage_class) != kTiers.end();
}

bool is_restore_tier(std::string_view tier) noexcept {
    return std::ranges::find(kTiers, tier, &TierRow::tier) != kTiers.end();
}

ArchiveState archive_state_of(const HttpResponse& head) {
    ArchiveState state;
    state.archived = is_archive_class(head.header("x-amz-storage-class").value_or(""));
    const std::string restore(head.header("x-amz-restore").value_or(""));
    state.restoring = restore.find("ongoing-request=\"true\"") != std::string::npos;
    constexpr std::string_view kExpiry = "expiry-date=\"";
    if (const auto begin = restore.find(kExpiry); begin != std::string::npos) {
        const auto text = std::string_view(restore).substr(begin + kExpiry.size());
        state.readable_until_s = parse_http_time(text.substr(0, text.find('"')));
    }
    return state;
}

std::string restore_body(const Settings& settings) {
    return "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Days>" +
           std::to_string(settings.restore.days) + "</Days><GlacierJobParameters><Tier>" +
           settings.restore.tier + "</Tier></GlacierJobParameters></RestoreRequest>";
}

}  // namespace tapeloft::s3
