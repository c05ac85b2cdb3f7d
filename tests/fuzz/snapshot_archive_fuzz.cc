// Snapshot archives: their files, and what these say. A tape file as in tape_input.h.
#include "media/pbs/store/chunk_index.h"
#include "media/pbs/store/manifest.h"
#include "media/pbs/tape/content.h"
#include "media/pbs/tape/snapshot_archive.h"

#include "tests/fuzz/tape_input.h"
#include "tests/media/pbs/golden_tapes.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

constexpr std::size_t kSeedMax = 32UL * 1024;

void parse(const SnapshotFile& file, const Bytes& bytes) {
    const auto kind = snapshot_file_kind(file.name);
    if (kind && *kind != SnapshotFileKind::blob) {
        (void)ChunkIndex::parse(*kind, bytes);
    } else if (file.name == kManifestName) {
        (void)parse_manifest(bytes);
    }
}

}  // namespace

std::vector<Bytes> seeds() {
    std::vector<Bytes> inputs;
    auto tapes = golden_tapes();
    tapes.push_back(eventful_tape(0).tape());
    for (const auto& tape : tapes) {
        MemoryMedium medium(tape);
        for (std::size_t number = 0; number < tape->files.size(); ++number) {
            TapeFile file(medium, number, run(medium.files()).value().at(number), 1);
            const auto content = run(read_content(file));
            if (content && std::holds_alternative<SnapshotArchiveHeader>(content->kind) &&
                stream_of(tape->files[number]).size() <= kSeedMax) {
                append_tape_file(inputs.emplace_back(), tape->files[number]);
            }
        }
    }
    return inputs;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    auto tape = std::make_shared<MemoryTape>();
    tape->files.push_back(take_tape_file(input));
    MemoryMedium medium(tape);
    TapeFile file(medium, 0, run(medium.files()).value().front(), 4);
    const auto content = run(read_content(file));
    const auto ending = run(file.ending());
    const auto offset = content ? content->data_offset : 0;
    const auto files = run(read_snapshot_files(file, offset, ending.value().stream_size));
    if (!files) {
        return 0;
    }
    for (const auto& each : *files) {
        TL_ASSERT(is_pbs_name(each.name) && each.name != "." && each.name != "..");
        TL_ASSERT(each.offset + each.size <= ending->stream_size);
        if (const auto bytes = run(read_snapshot_file(file, each))) {
            TL_ASSERT(bytes->size() == each.size);
            parse(each, *bytes);
        }
    }
    return 0;
}

}  // namespace tapeloft::fuzz
