#include "media/archive/segment_check.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "media/segment/segment_index.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {
namespace {

constexpr std::size_t kCheckedMax = 4UL * 1024 * 1024;  // bytes of file at once

bool is_damage(RunKind kind) {
    return kind == RunKind::damaged || kind == RunKind::lost_filemarks;
}

/// Puts the records of one segment together, one after the other, in one buffer.
class StoredCheck {
  public:
    StoredCheck(const SegmentPlan& plan, std::span<const Result<Buffer>* const> chunks,
                SegmentVerdict& verdict)
        : plan_(plan), chunks_(chunks), verdict_(verdict) {}

    void check_record(std::uint64_t object) {
        const auto source = plan_.record(plan_.record_of_object(object));
        record_.resize(source.length);
        const auto place = payload_place(source);
        auto into = MutableByteView(record_).subspan(place);
        for (const auto& slice : plan_.slices(source.payload_offset, source.payload_length)) {
            const auto& chunk = *chunks_[slice.chunk];
            if (!chunk) {
                verdict_.add_damage({object, 1, slice.chunk, chunk.error().message});
                return;
            }
            const auto from = chunk->view().subspan(slice.offset, slice.length);
            std::copy(from.begin(), from.end(), into.begin());
            into = into.subspan(from.size());
        }
        const auto payload = ByteView(record_).subspan(place, source.payload_length);
        const auto whole = assemble_record(source, payload, record_);
        if (!whole) {
            verdict_.add_damage({object, 1, std::nullopt, whole.error().message});
            return;
        }
        ++verdict_.records;
        verdict_.bytes += source.length;
    }

  private:
    const SegmentPlan& plan_;
    std::span<const Result<Buffer>* const> chunks_;
    SegmentVerdict& verdict_;
    Bytes record_;
};

/// The frames of the records from `object` on, up to `end` or kCheckedMax.
std::vector<RecordFrame> frames_from(const ObjectRuns& runs, const SegmentRecord& row,
                                     std::uint64_t object, std::uint64_t end) {
    std::vector<RecordFrame> frames;
    std::size_t size = 0;
    for (; object < end && size < kCheckedMax; ++object) {
        const auto place = runs.place(object);
        frames.push_back(
            {place.offset, place.length, row.first_object + object, row.first_file + place.file});
        size += place.length;
    }
    return frames;
}

Result<void> check_frames(File& file, std::uint32_t seed, const SegmentRecord& row,
                          const std::vector<RecordFrame>& frames, SegmentVerdict& verdict) {
    TL_TRY(const auto records, read_records(file, seed, frames));
    for (std::size_t i = 0; i < frames.size(); ++i) {
        // Once more, by itself: what is wrong in memory only is then right.
        const auto alone = records[i].empty() ? read_record(file, seed, frames[i])
                                              : Result<StoredRecord>(StoredRecord{records[i]});
        if (alone) {
            ++verdict.records;
            verdict.bytes += frames[i].length;
        } else if (alone.error().code == Errc::corrupt) {
            verdict.add_damage(
                {frames[i].object - row.first_object, 1, std::nullopt, alone.error().message});
        } else {
            return alone.error();
        }
    }
    return {};
}

}  // namespace

void SegmentVerdict::add_damage(DamagedObjects objects) {
    if (!damage.empty()) {
        auto& last = damage.back();
        if (last.first + last.count == objects.first && last.chunk == objects.chunk &&
            (objects.chunk || last.what == objects.what)) {
            last.count += objects.count;
            return;
        }
    }
    damage.push_back(std::move(objects));
}

SegmentVerdict check_stored_segment(const SegmentMap& map, const SegmentPlan& plan,
                                    std::uint64_t objects,
                                    std::span<const Result<Buffer>* const> chunks) {
    SegmentVerdict verdict;
    StoredCheck check(plan, chunks, verdict);
    const auto there = std::min(objects, map.runs.objects());
    for (std::uint64_t object = 0; object < there;) {
        const auto kind = map.runs.place(object).kind;
        const auto end = std::min(map.runs.end_of_run(object), there);
        if (is_damage(kind)) {
            verdict.add_damage(
                {object, end - object, std::nullopt, "was damaged before it was stored"});
        }
        for (; object < end; ++object) {
            if (kind == RunKind::records) {
                check.check_record(object);
            }
        }
    }
    if (there < objects) {
        verdict.add_damage(
            {there, objects - there, std::nullopt, "its segment map does not have it"});
    }
    return verdict;
}

Result<SegmentVerdict> check_spooled_segment(FileSystem& files, const std::filesystem::path& path,
                                             const SegmentRecord& row,
                                             const std::string& medium_serial) {
    const auto identity = identity_of(row, medium_serial);
    const auto seed = segment_seed(identity);
    TL_TRY(const auto index, load_segment_index(files, path, row, identity));
    SegmentVerdict verdict;
    std::unique_ptr<File> file;
    for (std::uint64_t object = 0; object < index.runs.objects();) {
        const auto kind = index.runs.place(object).kind;
        const auto end = index.runs.end_of_run(object);
        if (kind == RunKind::records) {
            if (!file) {
                TL_TRY(file, files.open(path));
            }
            const auto frames = frames_from(index.runs, row, object, end);
            TL_CHECK(check_frames(*file, seed, row, frames, verdict));
            object += frames.size();
            continue;
        }
        if (is_damage(kind)) {
            verdict.add_damage({object, end - object, std::nullopt, index.damage});
        }
        object = end;
    }
    return verdict;
}

}  // namespace tapeloft::media
