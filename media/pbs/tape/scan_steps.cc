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

namespace {

Awaitable<Result<void>> note_lost_filemarks(SplitMedium& medium, std::uint64_t number,
                                            std::size_t lost, ScannedTape& tape) {
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
    co_return Result<void>();
}

}  // namespace

Awaitable<Result<bool>> tell_apart(SplitMedium& medium, std::uint64_t number, ScannedTape& tape) {
    TL_CO_TRY(const auto lost, co_await medium.split(number));
    if (lost > 0) {
        TL_CO_CHECK(co_await note_lost_filemarks(medium, number, lost, tape));
    }
    co_return lost > 0;
}

Awaitable<Result<bool>> tell_apart_at_end(SplitMedium& medium, std::uint64_t number,
                                          ScannedTape& tape) {
    TapeFile file(medium, number, tape.extents.at(number), TapeFile::kReadAheadMax);
    TL_CO_TRY(const auto end, co_await file.end_inside());
    if (end) {
        medium.split_behind(number, *end);
        TL_CO_CHECK(co_await note_lost_filemarks(medium, number, 1, tape));
    }
    co_return end.has_value();
}

}  // namespace tapeloft::media
