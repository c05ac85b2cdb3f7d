// Catalogs of media, as they stand in catalog archives.
#include "media/pbs/tape/content.h"
#include "media/pbs/tape/media_catalog.h"

#include "tests/fuzz/tape_input.h"
#include "tests/media/pbs/golden_tapes.h"

namespace tapeloft::fuzz {

using namespace media;

std::vector<Bytes> seeds() {
    std::vector<Bytes> catalogs;
    auto tapes = golden_tapes();
    tapes.push_back(eventful_tape(0).tape());
    for (const auto& tape : tapes) {
        MemoryMedium medium(tape);
        for (std::size_t number = 0; number < tape->files.size(); ++number) {
            TapeFile file(medium, number, run(medium.files()).value().at(number), 1);
            const auto content = run(read_content(file));
            if (content && std::holds_alternative<CatalogArchiveHeader>(content->kind)) {
                auto stream = stream_of(tape->files[number]);
                stream.erase(stream.begin(),
                             stream.begin() + static_cast<std::ptrdiff_t>(content->data_offset));
                catalogs.push_back(std::move(stream));
            }
        }
    }
    return catalogs;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto catalog = parse_media_catalog({data, size});
    if (!catalog) {
        return 0;
    }
    std::uint64_t last = 1;
    for (const auto& each : catalog->files) {
        std::visit(
            [&](const auto& file) {
                TL_ASSERT(file.file > last && is_pbs_name(file.store));
                last = file.file;
            },
            each);
    }
    return 0;
}

}  // namespace tapeloft::fuzz
