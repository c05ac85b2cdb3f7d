// The head of a tape file, and the entries of a chunk archive. A tape file as in tape_input.h.
#include "media/pbs/tape/chunk_archive.h"
#include "media/pbs/tape/content.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

/// Entries and gaps cover the stream in order, and nothing twice.
void walk(TapeFile& file, std::uint64_t offset, std::uint64_t stream_size) {
    ChunkArchiveWalk entries(file, offset, stream_size);
    auto behind = offset;
    while (true) {
        const auto entry = run(entries.next());
        TL_ASSERT(entry.has_value());
        if (!*entry) {
            break;
        }
        TL_ASSERT((*entry)->offset >= behind + layout::pbs_chunk_entry::kSize);
        behind = (*entry)->offset + (*entry)->size;
        TL_ASSERT(behind <= stream_size);
    }
    std::uint64_t gap_end = offset;
    for (const auto& gap : entries.gaps()) {
        TL_ASSERT(gap_end <= gap.begin && gap.begin < gap.end && gap.end <= stream_size);
        gap_end = gap.end;
    }
}

}  // namespace

std::vector<Bytes> seeds() {
    std::vector<Bytes> inputs;
    const auto tape = eventful_tape(0);
    for (const auto& file : tape.tape()->files) {
        append_tape_file(inputs.emplace_back(), file);
    }
    // Over three blocks, so that a header is cut by one.
    append_tape_file(inputs.emplace_back(), tape.tape()->files.at(2), 600, 255);
    append_tape_file(inputs.emplace_back(),
                     frame_stream(stream_of(tape.tape()->files.at(2)), StreamEnd::incomplete));
    return inputs;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    auto tape = std::make_shared<MemoryTape>();
    tape->barcode = "FZ0000L8";
    tape->files.push_back(take_tape_file(input));
    MemoryMedium medium(tape);
    TapeFile file(medium, 0, run(medium.files()).value().front(), 2);
    const auto content = run(read_content(file));
    if (content) {
        const auto ending = run(file.ending());
        TL_ASSERT(ending.has_value() && content->data_offset <= ending->stream_size);
        walk(file, content->data_offset, ending->stream_size);
    }
    return 0;
}

}  // namespace tapeloft::fuzz
