// A cartridge of 100 GB whose blobs are made when they are read: most of them are zeros that nobody
// wants. Counts what is asked of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/media/pbs/tape_maker.h"

namespace tapeloft::media {

struct LargeTape {
    /// In a chunk archive: the blobs of `real`, in an order that follows from the seed, among
    /// others of 1 to 7 MiB, and a few longer ones.
    static LargeTape make(const std::vector<MadeChunk>& real, const std::vector<MadeFile>& files,
                          const std::string& snapshot, std::uint64_t seed);

    struct Entry {
        std::uint64_t offset = 0;  ///< in the stream, of the 48 bytes before the blob
        PbsDigest digest{};
        std::uint64_t blob_size = 0;
        Bytes blob;  ///< empty: zeros
    };
    struct ChunkArchive {
        Bytes head;  ///< content header and JSON
        std::vector<Entry> entries;
        std::uint64_t stream_size = 0;
        [[nodiscard]] std::uint64_t records() const { return stream_size / kPbsPayloadMax + 1; }
    };

    std::shared_ptr<MemoryTape> tape;                ///< its other tape files
    std::map<std::uint64_t, ChunkArchive> archives;  ///< by tape file
    std::uint64_t reads = 0;
    std::uint64_t records_read = 0;
};

class LargeMedium final : public TapeMedium {
  public:
    /// with_cuts: as if the archiver had stored it.
    LargeMedium(LargeTape& tape, bool with_cuts) : tape_(tape), with_cuts_(with_cuts) {}

    [[nodiscard]] const std::string& barcode() const override { return tape_.tape->barcode; }
    Awaitable<Result<std::vector<TapeFileExtent>>> files() override;
    Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                std::size_t count) override;
    Awaitable<Result<std::vector<RecordCut>>> cuts(std::uint64_t file) override;

  private:
    LargeTape& tape_;
    const bool with_cuts_;
};

}  // namespace tapeloft::media
