#include "vtl/doctor/examination.h"

#include <array>

#include "vtl/doctor/checks.h"
#include "vtl/doctor/watched_site.h"

namespace tapeloft::vtl::doctor {
namespace {

/// What a check needs from those before it, or gives to those behind it.
enum Stage : std::uint8_t {
    kNothing = 0,
    kChanger = 1,
    kNames = 2,    ///< which element the drive is
    kScratch = 4,  ///< a scratch cartridge was named and may be moved
    kLoaded = 8,
    kLabelled = 16,
    kWritten = 32,
};

struct Row {
    const char* check;
    std::uint8_t needs;
    std::uint8_t gives;
    Result<void> (Checks::*run)();
};

// clang-format off
constexpr auto kRows = std::to_array<Row>({
    {"The changer tells its elements and cartridges", kNothing, kChanger, &Checks::changer_status},
    {"Serial numbers give each device a name of its own", kChanger, kNames, &Checks::names},
    {"The drive tells its status", kNames, kNothing, &Checks::drive_status},
    {"The changer takes its inventory", kChanger, kNothing, &Checks::inventory},
    {"The scratch cartridge is there and the drive is free", kNames, kScratch, &Checks::find_scratch},
    {"A cartridge is transferred to another slot and back", kScratch, kNothing, &Checks::transfer},
    {"A cartridge is loaded", kScratch, kLoaded, &Checks::load},
    {"The drive is opened for a job", kLoaded, kNothing, &Checks::open},
    {"A tape is formatted and labelled", kLoaded, kLabelled, &Checks::label},
    {"The drive tells the status of a loaded tape", kLabelled, kNothing, &Checks::status_of_loaded},
    {"A tape becomes part of a media set", kLabelled, kNothing, &Checks::media_set_label},
    {"A backup is written, and the drive tells its activity meanwhile", kLabelled, kWritten, &Checks::backup},
    {"A backup is appended after the drive was opened again", kWritten, kNothing, &Checks::append},
    {"The catalog of a tape is found", kWritten, kNothing, &Checks::catalog},
    {"A tape is restored whole and compared", kWritten, kNothing, &Checks::restore},
    {"Files of a tape are found by their numbers", kWritten, kNothing, &Checks::single_files},
    {"What is encrypted is read with its key alone", kWritten, kNothing, &Checks::encryption},
    {"A tape is ejected and loaded again", kWritten, kNothing, &Checks::eject},
    {"A backup goes on on a second tape", kWritten, kNothing, &Checks::second_tape},
    {"A used tape is used again, and nothing old is left on it", kWritten, kNothing, &Checks::reuse},
    {"A tape is exported to a mail slot and taken back", kLoaded, kNothing, &Checks::export_and_import},
    {"The drive is cleaned", kScratch, kNothing, &Checks::clean},
    {"The scratch cartridges are back in their slots", kScratch, kNothing, &Checks::bring_back},
});
// clang-format on

Finding judge(const Row& row, const Result<void>& done, const std::string& disturbance) {
    Finding finding{row.check, Finding::Verdict::passed, ""};
    if (!done) {
        finding.words = done.error().message;
        finding.verdict = done.error().code == Errc::unsupported ? Finding::Verdict::not_done
                                                                 : Finding::Verdict::failed;
        if (finding.verdict == Finding::Verdict::failed && !disturbance.empty()) {
            finding.words += "; " + disturbance;
        }
    }
    return finding;
}

}  // namespace

std::vector<Finding> examine(Site& site, const Order& order,
                             const std::function<void(const Finding&)>& tell) {
    WatchedSite watched(site);
    Checks checks(watched, order);
    std::vector<Finding> findings;
    std::uint8_t stage = kNothing;
    for (const auto& row : kRows) {
        const bool possible = (row.needs & ~stage) == 0;
        const Result<void> done =
            possible ? (checks.*row.run)() : not_done("it builds on a check that was not passed");
        auto finding = judge(row, done, watched.take_disturbance());
        if (finding.verdict == Finding::Verdict::passed) {
            stage = static_cast<std::uint8_t>(stage | row.gives);
        }
        tell(finding);
        findings.push_back(std::move(finding));
    }
    return findings;
}

}  // namespace tapeloft::vtl::doctor
