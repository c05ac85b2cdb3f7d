#include "media/segment/segment_index.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "media/segment/segment_scan.h"

namespace tapeloft::media {
namespace {

bool matches(const ObjectRuns& runs, const SegmentRecord& row) {
    return runs.objects() == row.object_count && runs.filemarks() == row.filemark_count;
}

struct IndexInFile {
    ObjectRuns runs;
    std::uint64_t offset = 0;  ///< of the index in the file
};

/// The index at the end of a file of that length.
Result<std::optional<IndexInFile>> read_index_at(File& file, std::uint64_t length,
                                                 std::uint32_t seed) {
    namespace foot = layout::index_footer;
    std::optional<IndexInFile> none;
    if (length < kSegmentDataOffset + foot::kSize) {
        return none;
    }
    std::array<std::uint8_t, foot::kSize> footer_bytes = {};
    TL_CHECK(file.pread(length - foot::kSize, footer_bytes));
    const auto footer = ObjectRuns::decode_footer(footer_bytes, seed);
    const auto space = length - kSegmentDataOffset - foot::kSize;
    if (!footer || footer->runs > space / layout::index_run::kSize) {
        return none;
    }
    Bytes bytes(footer->runs * layout::index_run::kSize);
    const auto offset = length - foot::kSize - bytes.size();
    TL_CHECK(file.pread(offset, bytes));
    auto runs = ObjectRuns::decode(*footer, bytes, seed);
    if (!runs) {
        return none;
    }
    return std::optional(IndexInFile{std::move(*runs), offset});
}

/// Cut to what the catalog counts. The file may be shortened meanwhile: then its end is looked at
/// again.
Result<std::optional<IndexInFile>> read_index(File& file, const SegmentRecord& row,
                                              std::uint32_t seed) {
    TL_TRY(auto length, file.length());
    while (true) {
        TL_TRY(auto index, read_index_at(file, length, seed));
        if (index && index->runs.objects() >= row.object_count) {
            index->runs.cut(row.object_count);
        }
        if (index && matches(index->runs, row)) {
            return index;
        }
        TL_TRY(const auto now, file.length());
        if (now >= length) {
            return std::optional<IndexInFile>();
        }
        length = now;
    }
}

ObjectRuns all_damaged(const SegmentRecord& row) {
    ObjectRuns runs;
    runs.append_damage(row.object_count, std::min(row.filemark_count, row.object_count), 0);
    return runs;
}

}  // namespace

SegmentIdentity identity_of(const SegmentRecord& row, const std::string& serial) {
    return {serial, row.partition, row.number, row.first_object, row.first_file};
}

Result<SegmentIndex> load_segment_index(FileSystem& files, const std::filesystem::path& path,
                                        const SegmentRecord& row, const SegmentIdentity& identity) {
    SegmentIndex index;
    auto file = files.open(path);
    if (!file && file.error().code == Errc::not_found) {
        index.runs = all_damaged(row);
        index.damage = "the segment file " + path.string() + " is missing";
        return index;
    }
    if (!file) {
        return std::move(file).error();
    }
    TL_TRY(auto in_file, read_index(**file, row, segment_seed(identity)));
    if (in_file) {
        index.runs = std::move(in_file->runs);
        return index;
    }
    index.damage = "the index of the segment file " + path.string() +
                   " was damaged or missing and was rebuilt";
    const SegmentPromise promise{row.object_count, row.filemark_count, row.file_length};
    const SegmentLimit limit{row.object_count, row.file_length};
    TL_TRY(auto scan, scan_segment(**file, identity, promise, limit));
    index.runs = std::move(scan.runs);
    if (!matches(index.runs, row)) {
        index.runs = all_damaged(row);
        index.damage = "the segment file " + path.string() + " does not hold what the catalog says";
    }
    return index;
}

Result<SegmentShortening> shorten_segment(FileSystem& files, const std::filesystem::path& path,
                                          const SegmentRecord& row,
                                          const SegmentIdentity& identity) {
    TL_TRY(const auto file, files.open(path));
    TL_TRY(const auto length, file->length());
    const auto seed = segment_seed(identity);
    TL_TRY(const auto index, read_index(*file, row, seed));
    if (!index) {
        return Error{Errc::corrupt, "the index of " + path.string() + " is damaged or missing"};
    }
    const auto bytes = index->runs.encode(seed);
    const auto end = row.file_length + bytes.size();
    if (end > index->offset) {
        return SegmentShortening{length, length};
    }
    const std::array<ByteView, 1> parts = {bytes};
    TL_CHECK(file->pwritev(row.file_length, parts));
    TL_CHECK(file->truncate(end));
    return SegmentShortening{length, end};
}

}  // namespace tapeloft::media
