#include "media/archive/segment_records.h"

#include <utility>

#include "media/segment/segment_index.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kReadMax = 4UL * 1024 * 1024;  // bytes of file at once

}  // namespace

void SegmentPiece::feed(TapeStream& stream, std::vector<StreamChunk>& out) const {
    for (const auto& object : objects) {
        if (const auto* record = std::get_if<StoredRecord>(&object); record != nullptr) {
            stream.add_record(*record, out);
        } else if (const auto* marks = std::get_if<Filemarks>(&object); marks != nullptr) {
            stream.add_filemarks(marks->count, out);
        } else {
            const auto& lost = std::get<Damage>(object);
            stream.add_damage(lost.objects, lost.filemarks, lost.file_bytes);
        }
    }
}

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

Result<SegmentPiece> SegmentRecords::read(std::size_t bytes) {
    SegmentPiece piece;
    std::size_t taken = 0;
    while (next_ < runs_.objects() && taken < bytes) {
        const auto place = runs_.place(next_);
        const auto end = runs_.end_of_run(next_);
        switch (place.kind) {
            case RunKind::records: {
                TL_TRY(const auto size, take_records(piece, end, bytes - taken));
                taken += size;
                continue;
            }
            case RunKind::filemarks:
                piece.objects.emplace_back(
                    SegmentPiece::Filemarks{static_cast<std::uint32_t>(end - next_)});
                break;
            case RunKind::damaged:
                piece.objects.emplace_back(SegmentPiece::Damage{end - next_, 0, place.length});
                break;
            case RunKind::lost_filemarks:
                piece.objects.emplace_back(
                    SegmentPiece::Damage{end - next_, end - next_, place.length});
                break;
        }
        next_ = end;
    }
    piece.last = next_ >= runs_.objects();
    if (piece.last) {
        piece.damage = damage_;
    }
    return piece;
}

Result<std::size_t> SegmentRecords::take_records(SegmentPiece& piece, std::uint64_t end,
                                                 std::size_t bytes) {
    std::vector<RecordFrame> frames;
    std::size_t size = 0;
    while (next_ < end && (frames.empty() || size < std::min(bytes, kReadMax))) {
        frames.push_back(frame_of(runs_.place(next_)));
        size += frames.back().length;
        ++next_;
    }
    TL_TRY(auto records, read_records(*file_, seed_, frames));
    for (std::size_t i = 0; i < frames.size(); ++i) {
        if (records[i].empty()) {
            TL_CHECK(take_unsound(piece, frames[i]));
        } else {
            piece.objects.emplace_back(std::move(records[i]));
        }
    }
    return size;
}

/// Once more, by itself: what is wrong in memory only is then right.
Result<void> SegmentRecords::take_unsound(SegmentPiece& piece, const RecordFrame& frame) {
    auto record = read_record(*file_, seed_, frame);
    if (record) {
        piece.objects.emplace_back(std::move(*record));
        return {};
    }
    if (record.error().code != Errc::corrupt) {
        return record.error();
    }
    piece.objects.emplace_back(SegmentPiece::Damage{1, 0, frame.length});
    damage_ = record.error().message;
    return {};
}

RecordFrame SegmentRecords::frame_of(const ObjectPlace& place) const {
    return {place.offset, place.length, row_.first_object + place.object,
            row_.first_file + place.file};
}

}  // namespace tapeloft::media
