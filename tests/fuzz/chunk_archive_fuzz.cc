// The head of a tape file, and the entries of a chunk archive: as the reader of tapes sees them,
// and as the archiver that cuts payload into chunks. A tape file as in tape_input.h.
#include "media/chunk/archive_follower.h"
#include "media/pbs/archive_format.h"
#include "media/pbs/tape/chunk_archive.h"
#include "media/pbs/tape/content.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

/// Where the archiver ends pieces, before it loses the structure.
std::vector<std::uint64_t> ends_of_pieces(ByteView stream) {
    std::vector<std::uint64_t> ends;
    ArchiveFollower follower;
    follower.begin();
    for (std::size_t at = 0; at < stream.size();) {
        const auto step =
            follower.take(stream.subspan(at, std::min<std::size_t>(stream.size() - at, 1000)));
        at += step.taken;
        if (step.ends_piece) {
            ends.push_back(at);
        }
        if (!follower.is_following()) {
            break;
        }
    }
    return ends;
}

/// Entries and gaps cover the stream in order, and nothing twice; until the first gap the archiver
/// cuts where entries end.
void walk(TapeFile& file, std::uint64_t offset, std::uint64_t stream_size, ByteView stream) {
    const auto ends = ends_of_pieces(stream);
    TL_ASSERT(!ends.empty() && ends.front() == offset);
    std::size_t pieces = 1;
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
        if (entries.gaps().empty()) {
            TL_ASSERT(pieces < ends.size() && ends[pieces] == behind);
            ++pieces;
        }
    }
    TL_ASSERT(pieces == ends.size());
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
    if (content && std::holds_alternative<ChunkArchiveHeader>(content->kind)) {
        const auto ending = run(file.ending());
        TL_ASSERT(ending.has_value() && content->data_offset <= ending->stream_size);
        walk(file, content->data_offset, ending->stream_size, stream_of(tape->files.front()));
    }
    return 0;
}

}  // namespace tapeloft::fuzz
