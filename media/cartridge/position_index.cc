#include "media/cartridge/position_index.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

PositionIndex::Entry PositionIndex::entry_of(const SegmentRecord& row) {
    constexpr std::uint64_t kLengthMax = (1ULL << 61U) - 1;
    return {row.number,     {row.first_object, row.first_file, row.first_byte},
            row.byte_count, std::min(row.file_length, kLengthMax) & kLengthMax,
            row.sealed,     row.stored,
            row.spooled};
}

bool PositionIndex::add(const SegmentRecord& row) {
    TL_ASSERT(row.sealed && row.partition == partition_);
    if (row.object_count == 0) {
        return true;
    }
    if (row.first_object != end_.object || row.first_file != end_.file ||
        row.filemark_count > row.object_count) {
        return false;
    }
    segments_.push_back(entry_of(row));
    end_ = {row.first_object + row.object_count, row.first_file + row.filemark_count,
            row.first_byte + row.byte_count};
    released_ = segments_.size();
    return true;
}

SegmentRecord PositionIndex::row_of(std::size_t index) const {
    const auto& entry = segments_[index];
    const auto end = end_of(index);
    SegmentRecord row;
    row.partition = partition_;
    row.number = entry.number;
    row.first_object = entry.start.object;
    row.first_file = entry.start.file;
    row.first_byte = entry.start.byte;
    row.sealed = entry.sealed != 0;
    row.stored = entry.stored != 0;
    row.spooled = entry.spooled != 0;
    row.object_count = end.object - entry.start.object;
    row.filemark_count = end.file - entry.start.file;
    row.byte_count = entry.byte_count;
    row.file_length = entry.file_length;
    return row;
}

const std::shared_ptr<ObjectRuns>& PositionIndex::live_of(std::size_t index) const {
    static const std::shared_ptr<ObjectRuns> kNone;
    return index < released_ ? kNone : live_[index - released_];
}

PositionIndex::Segment PositionIndex::segment(std::size_t index) const {
    return {row_of(index), live_of(index)};
}

Place PositionIndex::start_of(std::size_t index) const {
    return segments_[index].start;
}

Place PositionIndex::end_of(std::size_t index) const {
    const auto& entry = segments_[index];
    const auto behind = index + 1 < segments_.size() ? segments_[index + 1].start : end_;
    return {behind.object, behind.file, entry.start.byte + entry.byte_count};
}

std::size_t PositionIndex::segment_of_object(std::uint64_t object) const {
    TL_ASSERT(object < end_.object);
    const auto behind = std::upper_bound(
        segments_.begin(), segments_.end(), object,
        [](std::uint64_t wanted, const Entry& segment) { return wanted < segment.start.object; });
    return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

std::size_t PositionIndex::segment_of_filemark(std::uint64_t filemark) const {
    TL_ASSERT(filemark < end_.file);
    // The last segment with at most `filemark` filemarks before it is the one that holds it.
    const auto behind = std::upper_bound(
        segments_.begin(), segments_.end(), filemark,
        [](std::uint64_t wanted, const Entry& segment) { return wanted < segment.start.file; });
    return static_cast<std::size_t>(behind - segments_.begin()) - 1;
}

Place PositionIndex::place_in(std::size_t index, const ObjectRuns& runs,
                              std::uint64_t object) const {
    const auto end = end_of(index);
    if (object == end.object) {
        return end;
    }
    const auto& start = segments_[index].start;
    const auto place = runs.place(object - start.object);
    return {object, start.file + place.file, start.byte + place.byte};
}

void PositionIndex::begin_segment(const SegmentRecord& row) {
    TL_ASSERT(row.first_object == end_.object);
    segments_.push_back(entry_of(row));
    segments_.back().file_length = kSegmentDataOffset;
    live_.push_back(std::make_shared<ObjectRuns>());
}

void PositionIndex::append_record(std::uint32_t length) {
    live_.back()->append_record(length);
    append_to_row();
}

void PositionIndex::append_filemarks(std::uint32_t count) {
    live_.back()->append_filemarks(count);
    append_to_row();
}

void PositionIndex::append_to_row() {
    constexpr std::uint64_t kLengthMax = (1ULL << 61U) - 1;
    auto& segment = segments_.back();
    const auto& live = *live_.back();
    segment.byte_count = live.bytes();
    segment.file_length = live.file_length() & kLengthMax;
    end_ = {segment.start.object + live.objects(), segment.start.file + live.filemarks(),
            segment.start.byte + live.bytes()};
}

void PositionIndex::release_written(std::uint64_t written) {
    while (released_ + 1 < segments_.size() && segments_[released_ + 1].start.object < written) {
        live_.pop_front();
        ++released_;
    }
}

PositionIndex::Cut PositionIndex::plan_cut(const Place& at, const ObjectRuns* runs) const {
    Cut cut;
    for (auto i = segments_.size(); i-- > 0;) {
        const auto row = row_of(i);
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
    const auto kept = segments_.size() - cut.removed.size();
    auto end = kept == 0 ? Place{} : end_of(kept - 1);
    segments_.resize(kept);
    released_ = std::min(released_, kept);
    live_.resize(kept - released_);
    if (cut.shortened) {
        const auto& row = *cut.shortened;
        segments_.back() = entry_of(row);
        end = {row.first_object + row.object_count, row.first_file + row.filemark_count,
               row.first_byte + row.byte_count};
        if (!live_.empty()) {
            live_.back() = std::make_shared<ObjectRuns>(*live_.back());
            live_.back()->cut(row.object_count);
        }
    }
    end_ = end;
}

}  // namespace tapeloft::media
