#include "media/cartridge/tape_layout.h"

namespace tapeloft::media {

Awaitable<Result<std::vector<TapeFileExtent>>> tape_layout(Tape& tape, std::uint64_t first,
                                                           std::size_t count_max) {
    std::vector<TapeFileExtent> files;
    TL_CO_TRY(const bool there, co_await tape.locate_file(first));
    while (there && files.size() < count_max && !tape.at_end_of_data()) {
        const auto begin = tape.position().logical_object_number;
        TL_CO_TRY(const auto moved, co_await tape.space_filemarks(1));
        TapeFileExtent extent;
        extent.has_filemark = moved.stop == SpaceStop::done;
        extent.records =
            tape.position().logical_object_number - begin - (extent.has_filemark ? 1 : 0);
        files.push_back(extent);
    }
    co_return files;
}

}  // namespace tapeloft::media
