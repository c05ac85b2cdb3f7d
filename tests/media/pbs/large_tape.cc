#include "tests/media/pbs/large_tape.h"

#include <algorithm>

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kArchives = 25;
constexpr std::uint64_t kArchiveSize = 4ULL << 30U;  // where PBS begins the next one
constexpr std::uint64_t kCutMax = 8ULL << 20U;       // longer blobs are cut inside, too
constexpr std::uint64_t kHeadSize = 48;              // of an entry

/// The part of `bytes`, which stand at `at` of the stream, that lies in [from, from + into.size()).
void copy_part(ByteView bytes, std::uint64_t at, std::uint64_t from, MutableByteView into) {
    const auto begin = std::max(at, from);
    const auto end = std::min(at + bytes.size(), from + into.size());
    if (begin < end) {
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(begin - at), end - begin,
                    into.begin() + static_cast<std::ptrdiff_t>(begin - from));
    }
}

Bytes entry_head(const LargeTape::Entry& entry) {
    namespace at = layout::pbs_chunk_entry;
    Bytes head(at::kSize);
    std::copy(at::kMagic.begin(), at::kMagic.end(), head.begin());
    std::copy(entry.digest.begin(), entry.digest.end(), head.begin() + at::kDigestOffset);
    at::kBlobSize.store(head, entry.blob_size);
    return head;
}

Buffer record_of(const LargeTape::ChunkArchive& archive, std::uint64_t number) {
    namespace at = layout::pbs_block;
    const auto from = number * kPbsPayloadMax;
    const auto size = std::min<std::uint64_t>(kPbsPayloadMax, archive.stream_size - from);
    Bytes record(kPbsBlockSize);
    std::copy(at::kMagic.begin(), at::kMagic.end(), record.begin());
    if (number + 1 == archive.records()) {
        at::kFlags.store(record, 1);
    }
    at::kSize.store(record, static_cast<std::uint32_t>(size));
    at::kSequence.store(record, static_cast<std::uint32_t>(number));
    const auto payload = MutableByteView(record).subspan(kPbsBlockHeaderSize, size);
    copy_part(archive.head, 0, from, payload);
    auto entry = std::upper_bound(
        archive.entries.begin(), archive.entries.end(), from,
        [](std::uint64_t wanted, const auto& each) { return wanted < each.offset; });
    entry -= entry == archive.entries.begin() ? 0 : 1;
    for (; entry != archive.entries.end() && entry->offset < from + size; ++entry) {
        copy_part(entry_head(*entry), entry->offset, from, payload);
        copy_part(entry->blob, entry->offset + kHeadSize, from, payload);
    }
    return Buffer::copy_of(record);
}

}  // namespace

LargeTape LargeTape::make(const std::vector<MadeChunk>& real, const std::vector<MadeFile>& files,
                          const std::string& snapshot, std::uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<const MadeChunk*> order;
    for (const auto& chunk : real) {
        order.push_back(&chunk);
    }
    std::shuffle(order.begin(), order.end(), random);
    LargeTape large;
    TapeMaker maker("TS0100L9", 1, TapeMaker::uuid(9), 0);
    for (std::size_t number = 0; number < kArchives; ++number) {
        std::vector<MadeChunk> listed;
        ChunkArchive archive;
        const auto share = (order.size() + kArchives - 1 - number) / kArchives;
        for (std::uint64_t size = 0, left = share; size < kArchiveSize || left > 0;) {
            Entry entry;
            if (left > 0 && random() % 100 == 0) {
                entry.digest = order[number + kArchives * --left]->digest;
                entry.blob = order[number + kArchives * left]->blob;
                entry.blob_size = entry.blob.size();
            } else {
                const auto smallest = random() % 50 == 0 ? 9ULL : 1ULL;
                entry.blob_size = (smallest << 20U) + random() % (6ULL << 20U);
                std::generate(entry.digest.begin(), entry.digest.end(),
                              [&] { return static_cast<std::uint8_t>(random()); });
            }
            listed.push_back({entry.digest, {}, {}});
            size += kHeadSize + entry.blob_size;
            archive.entries.push_back(std::move(entry));
        }
        maker.chunk_archive("store", listed);
        const auto file = maker.files() - 1;
        const auto& first = maker.tape()->files[file].records[0];
        const auto json = std::string_view(R"({"store":"store"})");
        archive.head.assign(first.begin() + 16,
                            first.begin() + 16 + 48 + static_cast<std::ptrdiff_t>(json.size()));
        archive.stream_size = archive.head.size();
        for (auto& entry : archive.entries) {
            entry.offset = archive.stream_size;
            archive.stream_size += kHeadSize + entry.blob_size;
        }
        large.archives.emplace(file, std::move(archive));
    }
    maker.snapshot("store", snapshot, files);
    maker.catalog(maker);
    large.tape = maker.tape();
    return large;
}

Awaitable<Result<std::vector<TapeFileExtent>>> LargeMedium::files() {
    std::vector<TapeFileExtent> extents;
    for (std::uint64_t file = 0; file < tape_.tape->files.size(); ++file) {
        const auto archive = tape_.archives.find(file);
        extents.push_back({archive != tape_.archives.end() ? archive->second.records()
                                                           : tape_.tape->files[file].records.size(),
                           true});
    }
    co_return extents;
}

Awaitable<Result<std::vector<Buffer>>> LargeMedium::read(std::uint64_t file, std::uint64_t first,
                                                         std::size_t count) {
    ++tape_.reads;
    std::vector<Buffer> records;
    const auto archive = tape_.archives.find(file);
    const auto end = archive != tape_.archives.end() ? archive->second.records()
                                                     : tape_.tape->files.at(file).records.size();
    for (auto number = first; number < std::min<std::uint64_t>(end, first + count); ++number) {
        records.push_back(archive != tape_.archives.end()
                              ? record_of(archive->second, number)
                              : Buffer::copy_of(tape_.tape->files.at(file).records.at(number)));
    }
    tape_.records_read += records.size();
    co_return records;
}

Awaitable<Result<std::vector<RecordCut>>> LargeMedium::cuts(std::uint64_t file) {
    std::vector<RecordCut> cuts;
    const auto archive = tape_.archives.find(file);
    if (!with_cuts_ || archive == tape_.archives.end()) {
        co_return cuts;
    }
    const auto cut = [&](std::uint64_t offset) {
        cuts.push_back({offset / kPbsPayloadMax,
                        static_cast<std::uint32_t>(kPbsBlockHeaderSize + offset % kPbsPayloadMax)});
    };
    cut(0);
    for (const auto& entry : archive->second.entries) {
        cut(entry.offset);
        if (entry.blob_size > kCutMax) {
            cut(entry.offset + kCutMax / 2);
        }
    }
    co_return cuts;
}

}  // namespace tapeloft::media
