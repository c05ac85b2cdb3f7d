#include "media/archive/segment_records.h"

#include <utility>

#include "media/segment/segment_index.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kReadMax = 4UL * 1024 * 1024;  // bytes of file at once

}  // namespace

Result<SegmentRecords> SegmentRecords::open(FileSystem& files, const std::filesystem::path& path,
                                            const SegmentRecord& row,
                                            const std::string& medium_serial) {
    const auto identity = identity_of(row, medium_serial);
    TL_TRY(auto file, files.open(path));
    TL_TRY(auto index, load_segment_index(files, path, row, identity));
    return SegmentRecords(std::move(file), row, segment_seed(identity), std::move(index.runs),
                          std::move(index.damage));
}

SegmentRecords::SegmentRecords(std::unique_ptr<File> file, const SegmentRecord& row,
                               std::uint32_t seed, ObjectRuns runs, std::string damage)
    : file_(std::move(file)),
      row_(row),
      seed_(seed),
      runs_(std::move(runs)),
      damage_(std::move(damage)) {}

Result<bool> SegmentRecords::feed(TapeStream& stream, std::size_t bytes,
                                  std::vector<StreamChunk>& out) {
    std::size_t fed = 0;
    while (next_ < runs_.objects() && fed < bytes) {
        const auto place = runs_.place(next_);
        const auto end = runs_.end_of_run(next_);
        switch (place.kind) {
            case RunKind::records: {
                TL_TRY(const auto read, feed_records(stream, end, bytes - fed, out));
                fed += read;
                continue;
            }
            case RunKind::filemarks:
                stream.add_filemarks(static_cast<std::uint32_t>(end - next_), out);
                break;
            case RunKind::damaged:
                stream.add_damage(end - next_, 0, place.length);
                break;
            case RunKind::lost_filemarks:
                stream.add_damage(end - next_, end - next_, place.length);
                break;
        }
        next_ = end;
    }
    return next_ < runs_.objects();
}

Result<std::size_t> SegmentRecords::feed_records(TapeStream& stream, std::uint64_t end,
                                                 std::size_t bytes, std::vector<StreamChunk>& out) {
    std::vector<RecordFrame> frames;
    std::size_t size = 0;
    while (next_ < end && (frames.empty() || size < std::min(bytes, kReadMax))) {
        frames.push_back(frame_of(runs_.place(next_)));
        size += frames.back().length;
        ++next_;
    }
    TL_TRY(const auto records, read_records(*file_, seed_, frames));
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (records[i].empty()) {
            TL_CHECK(feed_unsound(stream, frames[i], out));
        } else {
            stream.add_record(records[i], out);
        }
    }
    return size;
}

/// Once more, by itself: what is wrong in memory only is then right.
Result<void> SegmentRecords::feed_unsound(TapeStream& stream, const RecordFrame& frame,
                                          std::vector<StreamChunk>& out) {
    const auto record = read_record(*file_, seed_, frame);
    if (record) {
        stream.add_record(*record, out);
        return {};
    }
    if (record.error().code != Errc::corrupt) {
        return record.error();
    }
    stream.add_damage(1, 0, frame.length);
    damage_ = record.error().message;
    return {};
}

RecordFrame SegmentRecords::frame_of(const ObjectPlace& place) const {
    return {place.offset, place.length, row_.first_object + place.object,
            row_.first_file + place.file};
}

}  // namespace tapeloft::media
