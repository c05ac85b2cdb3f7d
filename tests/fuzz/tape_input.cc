#include "tests/fuzz/tape_input.h"

#include <algorithm>

#include "media/pbs/block_format.h"
#include "media/pbs/store/data_blob.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

constexpr std::size_t kTapeFilesMax = 24;
constexpr std::size_t kKib = 1024;
constexpr auto kEnds =
    std::to_array<StreamEnd>({StreamEnd::complete, StreamEnd::incomplete, StreamEnd::aborted,
                              StreamEnd::truncated, StreamEnd::empty});

const Bytes& key_bytes() {
    static const Bytes kKey(32, 0x5A);
    return kKey;
}

}  // namespace

MemoryTapeFile take_tape_file(Input& input) {
    const auto end = kEnds.at(input.number(1) % kEnds.size());
    const auto gap_at = input.number(2);
    const auto gap = input.number(1) * kKib;
    const auto size = input.number(4);
    const auto stream = input.bytes(size);
    if (end == StreamEnd::empty) {
        return {};
    }
    Bytes whole(stream.begin(), stream.end());
    const auto at = std::min<std::size_t>(gap_at, whole.size());
    whole.insert(whole.begin() + static_cast<std::ptrdiff_t>(at), gap, std::uint8_t{0});
    return frame_stream(whole, end);
}

std::shared_ptr<MemoryTape> take_tape(Input& input) {
    auto tape = std::make_shared<MemoryTape>();
    tape->barcode = "FZ0000L8";
    for (auto count = input.number(1) % (kTapeFilesMax + 1); count > 0; --count) {
        tape->files.push_back(take_tape_file(input));
    }
    for (auto count = input.number(1) % 4; count > 0; --count) {
        const auto file = input.number(1);
        tape->unreadable.emplace(std::pair(file, input.number(1)), Errc::io);
    }
    return tape;
}

Bytes stream_of(const MemoryTapeFile& file) {
    Bytes stream;
    for (const auto& record : file.records) {
        const auto size = layout::pbs_block::kSize.load(record);
        append(stream, ByteView(record).subspan(kPbsBlockHeaderSize, size));
    }
    return stream;
}

void append_tape_file(Bytes& input, const MemoryTapeFile& file, std::uint16_t gap_at,
                      std::uint8_t gap_kib) {
    const auto stream = stream_of(file);
    const auto flags =
        file.records.empty() ? 4 : layout::pbs_block::kFlags.load(file.records.back());
    // The flags of the last block: 1 complete, 3 incomplete, 0 none.
    const auto end = flags == 4 ? 4 : flags == 3 ? 1 : flags == 1 ? 0 : file.has_filemark ? 2 : 3;
    append_number(input, static_cast<std::uint64_t>(end), 1);
    append_number(input, gap_at, 2);
    append_number(input, gap_kib, 1);
    append_number(input, stream.size(), 4);
    append(input, stream);
}

void append_tape(Bytes& input, const MemoryTape& tape) {
    append_number(input, tape.files.size(), 1);
    for (const auto& file : tape.files) {
        append_tape_file(input, file);
    }
    append_number(input, 0, 1);
}

std::vector<MadeChunk> few_chunks() {
    std::mt19937_64 random(1);
    std::vector<MadeChunk> chunks;
    for (const auto encoding : {MadeEncoding::plain, MadeEncoding::zstd, MadeEncoding::encrypted,
                                MadeEncoding::zstd_encrypted}) {
        chunks.push_back(make_chunk(make_data(random, 500), encoding, key_bytes()));
    }
    return chunks;
}

const CryptKey& fuzz_key() {
    static const CryptKey kKey{SecretKey(key_bytes())};
    return kKey;
}

TapeMaker eventful_tape(std::uint64_t sequence) {
    const auto chunks = few_chunks();
    const std::vector<MadeChunk> plain(chunks.begin(), chunks.begin() + 2);
    const std::vector<MadeChunk> sealed(chunks.begin() + 2, chunks.end());
    TapeMaker tape("FZ0000L8", static_cast<std::uint8_t>(1 + sequence), TapeMaker::uuid(9),
                   sequence);
    tape.chunk_archive("store", plain);
    tape.snapshot("store", "vm/100/2024-06-05T07:04:24Z",
                  {make_fixed_index("drive.img.fidx", plain),
                   make_blob_file("a.conf.blob", plain_blob(as_bytes("a configuration")))});
    tape.stray_filemark();
    tape.catalog(tape);
    tape.chunk_archive("other", sealed, StreamEnd::complete, 100);
    tape.chunk_archive("other", sealed);
    tape.snapshot("other", "ns/a/ct/7/2024-06-06T07:04:24Z",
                  {make_dynamic_index("root.pxar.didx", sealed, "encrypt")});
    tape.catalog(tape);
    return tape;
}

}  // namespace tapeloft::fuzz
