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

/// The index at the end of the file, cut to what the catalog counts.
Result<std::optional<ObjectRuns>> read_index(File& file, const SegmentRecord& row,
                                             std::uint32_t seed) {
    namespace foot = layout::index_footer;
    std::optional<ObjectRuns> runs;
    TL_TRY(const auto length, file.length());
    if (length < kSegmentDataOffset + foot::kSize) {
        return runs;
    }
    std::array<std::uint8_t, foot::kSize> footer_bytes = {};
    TL_CHECK(file.pread(length - foot::kSize, footer_bytes));
    const auto footer = ObjectRuns::decode_footer(footer_bytes, seed);
    const auto space = length - kSegmentDataOffset - foot::kSize;
    if (!footer || footer->runs > space / layout::index_run::kSize) {
        return runs;
    }
    Bytes bytes(footer->runs * layout::index_run::kSize);
    TL_CHECK(file.pread(length - foot::kSize - bytes.size(), bytes));
    runs = ObjectRuns::decode(*footer, bytes, seed);
    if (runs && runs->objects() >= row.object_count) {
        runs->cut(row.object_count);
    }
    if (runs && !matches(*runs, row)) {
        runs.reset();
    }
    return runs;
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
    TL_TRY(auto runs, read_index(**file, row, segment_seed(identity)));
    if (runs) {
        index.runs = std::move(*runs);
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

}  // namespace tapeloft::media
