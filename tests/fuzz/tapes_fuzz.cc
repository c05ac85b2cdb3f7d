// Whole tapes: scanned, verified, and read by chunk and by archive.
//
//   input := bit 0: trust no catalog (1 byte), one or two tapes as in tape_input.h
#include "media/pbs/store/archive_source.h"
#include "media/pbs/store/collection.h"
#include "media/pbs/store/open_snapshot.h"
#include "media/pbs/store/restore.h"
#include "media/pbs/store/verifier.h"

#include "tests/fuzz/tape_input.h"

namespace tapeloft::fuzz {
namespace {

using namespace media;

class CountingSink final : public RandomSink {
  public:
    Result<void> write(std::uint64_t offset, ByteView bytes) override {
        end = std::max(end, offset + bytes.size());
        written += bytes.size();
        return {};
    }
    std::uint64_t end = 0;
    std::uint64_t written = 0;
};

/// What comes back has the digest that was asked for, and is written once.
void read_archive(const Collection& collection, OpenSnapshot& opened, const SnapshotCopy& copy,
                  const ManifestFile& file) {
    const auto index = run(opened.index(file.name));
    if (!index) {
        return;
    }
    ChunkReader reader(collection, copy.set, opened.snapshot().store, &fuzz_key());
    for (const auto& chunk : opened.chunks(file.name, *index)) {
        if (const auto found = run(reader.read(chunk))) {
            TL_ASSERT(found->data.size() == chunk.size);
            TL_ASSERT((chunk.encrypted ? fuzz_key().chunk_digest(found->data.view())
                                       : chunk_digest(found->data.view())) == chunk.digest);
        }
    }
    CountingSink sink;
    if (run(restore_archive(opened, file.name, reader, sink, {}))) {
        TL_ASSERT(sink.end <= index->size() && sink.written <= index->size());
    }
}

void read_all(const Collection& collection) {
    for (const auto& snapshot : collection.snapshots()) {
        for (const auto& copy : snapshot.copies) {
            auto opened = run(OpenSnapshot::open(collection, snapshot, copy));
            if (!opened) {
                continue;
            }
            (void)check_key(opened->manifest(), &fuzz_key());
            for (const auto& file : opened->manifest().files) {
                if (file.kind == SnapshotFileKind::blob) {
                    (void)run(opened->blob_data(file.name, &fuzz_key()));
                } else {
                    read_archive(collection, *opened, copy, file);
                }
            }
        }
    }
}

}  // namespace

std::vector<Bytes> seeds() {
    const auto first = eventful_tape(0);
    auto second = eventful_tape(1);
    second.catalog(first);
    std::vector<Bytes> inputs;
    for (const bool full : {false, true}) {
        append_number(inputs.emplace_back(), full ? 1 : 0, 1);
        append_tape(inputs.back(), *first.tape());
        auto two = inputs.back();
        append_tape(two, *second.tape());
        inputs.push_back(std::move(two));
    }
    return inputs;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input(data, size);
    const bool full = input.number(1) % 2 == 1;
    std::vector tapes = {take_tape(input)};
    if (!input.empty()) {
        tapes.push_back(take_tape(input));
    }
    auto collection = run(Collection::scan(media_of(tapes), {full, "", {}}));
    TL_ASSERT(collection.has_value());
    PbsVerifyOptions options;
    options.key = &fuzz_key();
    TL_ASSERT(run(verify(*collection, options)).has_value());
    read_all(*collection);
    const auto wrong = run(collection->check_catalogs());
    TL_ASSERT(wrong.has_value());
    if (*wrong) {
        read_all(*collection);
    }
    return 0;
}

}  // namespace tapeloft::fuzz
