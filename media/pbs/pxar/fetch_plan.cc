#include "media/pbs/pxar/fetch_plan.h"

#include <algorithm>
#include <utility>

#include "media/pbs/pxar/selection_walk.h"

namespace tapeloft::media {

void RangeSet::add(std::uint64_t offset, std::uint64_t size) {
    if (size == 0) {
        return;
    }
    if (!ranges_.empty()) {
        auto& last = ranges_.back();
        const auto end = last.offset + last.size;
        if (offset >= last.offset && (offset <= end || offset - end <= near_)) {
            last.size = std::max(end, offset + size) - last.offset;
            return;
        }
    }
    ranges_.push_back({offset, size});
    if (ranges_.size() >= merge_at_) {
        merge();
    }
}

std::vector<ByteRange> RangeSet::ranges() const {
    auto copy = *this;
    copy.merge();
    return copy.ranges_;
}

void RangeSet::merge() {
    std::ranges::sort(ranges_, {}, &ByteRange::offset);
    while (true) {
        std::vector<ByteRange> merged;
        for (const auto& range : ranges_) {
            const auto end = merged.empty() ? 0 : merged.back().offset + merged.back().size;
            if (!merged.empty() && (range.offset <= end || range.offset - end <= near_)) {
                merged.back().size =
                    std::max(end, range.offset + range.size) - merged.back().offset;
            } else {
                merged.push_back(range);
            }
        }
        ranges_ = std::move(merged);
        if (ranges_.size() <= kRangesMax) {
            return;
        }
        near_ *= 2;
    }
}

Awaitable<Result<FetchPlan>> plan_fetch(PxarReader& reader, PathSelection selection) {
    RangeSet archive;
    RangeSet payload;
    SelectionWalk walk(reader, std::move(selection));
    while (true) {
        TL_CO_TRY(const auto event, co_await walk.next());
        if (!event) {
            break;
        }
        const auto& entry = event->entry;
        if (event->kind != PxarEvent::Kind::entry) {
            continue;
        }
        auto end = entry.end;
        if (entry.kind == FileKind::directory && event->selected && reader.is_one_stream()) {
            auto whole = co_await walk.end_of_current();
            if (!whole && !is_damage(whole.error())) {
                co_return std::move(whole).error();
            }
            if (whole) {
                end = *whole;
                walk.skip();
            }
        }
        if (end > entry.position) {
            archive.add(entry.position, end - entry.position);
        }
        if (entry.kind == FileKind::file && entry.payload_apart) {
            payload.add(entry.payload_offset - kPxarHeaderSize, kPxarHeaderSize + entry.size);
        }
    }
    FetchPlan plan;
    plan.archive = archive.ranges();
    plan.payload = payload.ranges();
    co_return plan;
}

}  // namespace tapeloft::media
