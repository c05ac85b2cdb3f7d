#include "media/cartridge/position_index.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

std::optional<PositionIndex> PositionIndex::of(const std::vector<SegmentRecord>& rows,
                                               std::uint32_t partition) {
    PositionIndex index;
    for (const auto& row : rows) {
        TL_ASSERT(row.sealed);
        if (row.partition != partition || row.object_count == 0) {
            continue;
        }
        if (row.first_object != index.end_.object || row.first_file != index.end_.file ||
            row.filemark_count > row.object_count) {
            return std::nullopt;
        }
        index.segments_.push_back({row, nullptr});
        index.end_ = {row.first_object + row.object_count, row.first_file + row.filemark_count,
                      row.first_byte + row.byte_count};
    }
    index.released_ = index.segments_.size();
    return index;
}

Place PositionIndex::start_of(std::size_t index) const {
    const auto& row = segments_[index].row;
    return {row.first_object, row.first_file, row.first_byte};
}

Place PositionIndex::end_of(std::size_t index) const {
    const auto& row = segments_[index].row;
    return {row.first_object + row.object_count, row.first_file + row.filemark_count,
            row.first_byte + row.byte_count};
}

std::size_t PositionIndex::segment_of_object(std::uint64_t object) const {
    TL_ASSERT(object < end_.object);
    const auto behind = std::upper_bound(segments_.begin(), segments_.end(), object,
                                         [](std::uint64_t wanted, const Segment& segment) {
                                             return wanted < segment.row.first_object;
                                         });
    return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

std::size_t PositionIndex::segment_of_filemark(std::uint64_t filemark) const {
    TL_ASSERT(filemark < end_.file);
    // The last segment with at most `filemark` filemarks before it is the one that holds it.
    const auto behind = std::upper_bound(segments_.begin(), segments_.end(), filemark,
                                         [](std::uint64_t wanted, const Segment& segment) {
                                             return wanted < segment.row.first_file;
                                         });
    return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

Place PositionIndex::place_in(std::size_t index, const ObjectRuns& runs,
                              std::uint64_t object) const {
    const auto& row = segments_[index].row;
    const auto relative = object - row.first_object;
    if (relative == row.object_count) {
        return end_of(index);
    }
    const auto place = runs.place(relative);
    return {object, row.first_file + place.file, row.first_byte + place.byte};
}

void PositionIndex::begin_segment(const SegmentRecord& row) {
    TL_ASSERT(row.first_object == end_.object);
    segments_.push_back({row, std::make_shared<ObjectRuns>()});
    segments_.back().row.file_length = kSegmentDataOffset;
}

void PositionIndex::append_record(std::uint32_t length) {
    segments_.back().live->append_record(length);
    append_to_row();
}

void PositionIndex::append_filemarks(std::uint32_t count) {
    segments_.back().live->append_filemarks(count);
    append_to_row();
}

void PositionIndex::append_to_row() {
    auto& segment = segments_.back();
    segment.row.object_count = segment.live->objects();
    segment.row.filemark_count = segment.live->filemarks();
    segment.row.byte_count = segment.live->bytes();
    segment.row.file_length = segment.live->file_length();
    end_ = end_of(segments_.size() - 1);
}

void PositionIndex::release_written(std::uint64_t written) {
    while (released_ + 1 < segments_.size() &&
           segments_[released_ + 1].row.first_object < written) {
        segments_[released_].live.reset();
        ++released_;
    }
}

PositionIndex::Cut PositionIndex::plan_cut(const Place& at, const ObjectRuns* runs) const {
    Cut cut;
    for (auto i = segments_.size(); i-- > 0;) {
        const auto& row = segments_[i].row;
        if (row.first_object >= at.object) {
            cut.removed.push_back(row.number);
            continue;
        }
        if (row.first_object + row.object_count > at.object) {
            TL_ASSERT(runs != nullptr);
            auto kept = *runs;
            kept.cut(at.object - row.first_object);
            cut.shortened = row;
            cut.shortened->sealed = true;
            cut.shortened->object_count = kept.objects();
            cut.shortened->filemark_count = kept.filemarks();
            cut.shortened->byte_count = kept.bytes();
            cut.shortened->file_length = kept.file_length();
        }
        break;
    }
    return cut;
}

void PositionIndex::apply(const Cut& cut) {
    segments_.resize(segments_.size() - cut.removed.size());
    if (cut.shortened) {
        auto& last = segments_.back();
        last.row = *cut.shortened;
        if (last.live) {
            last.live = std::make_shared<ObjectRuns>(*last.live);
            last.live->cut(last.row.object_count);
        }
    }
    released_ = std::min(released_, segments_.size());
    end_ = segments_.empty() ? Place{} : end_of(segments_.size() - 1);
}

}  // namespace tapeloft::media
