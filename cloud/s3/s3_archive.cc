#include "cloud/s3/s3_archive.h"

#include <algorithm>
#include <array>

#include "cloud/base/timestamps.h"

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
    {"ARCHIVE_ACCESS", "Expedited", minutes(5)},
    {"ARCHIVE_ACCESS", "Standard", hours(5)},
    {"ARCHIVE_ACCESS", "Bulk", hours(12)},
    {"DEEP_ARCHIVE_ACCESS", "Standard", hours(12)},
    {"DEEP_ARCHIVE_ACCESS", "Bulk", hours(48)},
});

/// Of INTELLIGENT_TIERING, as x-amz-archive-status names them.
bool is_access_tier(std::string_view archive) {
    return archive.ends_with("_ACCESS");
}

}  // namespace

std::optional<seconds> restore_time(std::string_view storage_class,
                                    std::string_view tier) noexcept {
    const auto* row = std::ranges::find_if(kTiers, [&](const TierRow& each) {
        return each.storage_class == storage_class && each.tier == tier;
    });
    return row == kTiers.end() ? std::nullopt : std::optional(row->time);
}

bool is_archive_class(std::string_view storage_class) noexcept {
    return !is_access_tier(storage_class) &&
           std::ranges::find(kTiers, storage_class, &TierRow::storage_class) != kTiers.end();
}

bool is_restore_tier(std::string_view tier) noexcept {
    return std::ranges::find(kTiers, tier, &TierRow::tier) != kTiers.end();
}

ArchiveState archive_state_of(const HttpResponse& head) {
    ArchiveState state;
    const std::string_view storage_class = head.header("x-amz-storage-class").value_or("");
    state.archive = head.header("x-amz-archive-status")
                        .value_or(is_archive_class(storage_class) ? storage_class : "");
    const std::string restore(head.header("x-amz-restore").value_or(""));
    state.restoring = restore.find("ongoing-request=\"true\"") != std::string::npos;
    constexpr std::string_view kExpiry = "expiry-date=\"";
    if (const auto begin = restore.find(kExpiry); begin != std::string::npos) {
        const auto text = std::string_view(restore).substr(begin + kExpiry.size());
        state.readable_until_s = parse_http_time(text.substr(0, text.find('"')));
    }
    return state;
}

std::string_view restore_tier(std::string_view archive, const Settings& settings) {
    const std::string_view wish = settings.restore.tier;
    return is_access_tier(archive) && !restore_time(archive, wish) ? "Standard" : wish;
}

std::string restore_body(std::string_view archive, const Settings& settings) {
    const auto days = is_access_tier(archive)
                          ? std::string()
                          : "<Days>" + std::to_string(settings.restore.days) + "</Days>";
    return "<RestoreRequest xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + days +
           "<GlacierJobParameters><Tier>" + std::string(restore_tier(archive, settings)) +
           "</Tier></GlacierJobParameters></RestoreRequest>";
}

}  // namespace tapeloft::s3
