#include "media/pbs/tape/scan_steps.h"

namespace tapeloft::media {

std::uint64_t behind(const std::vector<TapeFileExtent>& extents, int files) noexcept {
    std::uint64_t number = 0;
    for (; number < extents.size() && files > 0; ++number) {
        files -= extents[number].records > 0 ? 1 : 0;
    }
    while (number < extents.size() && extents[number].records == 0) {
        ++number;
    }
    return number;
}

Awaitable<Result<bool>> tell_apart(SplitMedium& medium, std::uint64_t number, ScannedTape& tape) {
    TL_CO_TRY(const auto lost, co_await medium.split(number));
    if (lost == 0) {
        co_return false;
    }
    TL_CO_TRY(tape.extents, co_await medium.files());
    for (auto& place : tape.catalog_places) {
        place += place > number ? lost : 0;
    }
    for (auto before = number; before < number + lost; ++before) {
        tape.findings.push_back({true,
                                 "tape " + tape.barcode + ": the filemark behind tape file " +
                                     std::to_string(before) +
                                     " is lost; tape files are numbered as though it were there",
                                 true});
    }
    co_return true;
}

}  // namespace tapeloft::media
