#include "media/chunk/segment_map_builder.h"

#include <utility>

namespace tapeloft::media {

void SegmentMapBuilder::add_record(const RecordFacts& record) {
    map_.runs.append_record(record.length);
    map_.record_crcs.push_back(record.crc);
    if (!map_.encodings.empty() && map_.encodings.back().encoding == record.encoding) {
        ++map_.encodings.back().count;
    } else {
        map_.encodings.push_back({record.encoding, 1});
    }
    const bool framed = record.framing.framing != RecordFraming::none;
    payload_ += framed ? record.framing.size : record.length;
    add_framing(framed ? record.framing : FramingRun());
}

void SegmentMapBuilder::add_framing(FramingRun framing) {
    framing.count = 1;
    if (!map_.framings.empty()) {
        auto& last = map_.framings.back();
        const bool goes_on = framing.framing == RecordFraming::none ||
                             framing.sequence == last.sequence + last.count;
        if (last.framing == framing.framing && last.flags == framing.flags &&
            last.size == framing.size && goes_on) {
            ++last.count;
            return;
        }
    }
    map_.framings.push_back(framing);
}

void SegmentMapBuilder::add_filemarks(std::uint32_t count) {
    map_.runs.append_filemarks(count);
}

void SegmentMapBuilder::add_damage(std::uint64_t objects, std::uint64_t filemarks,
                                   std::uint32_t file_bytes) {
    map_.runs.append_damage(objects, filemarks, file_bytes);
}

SegmentMap SegmentMapBuilder::finish(std::uint32_t skip, std::vector<ChunkRef> chunks) && {
    map_.skip = skip;
    map_.chunks = std::move(chunks);
    TL_ASSERT(SegmentPlan::of(map_).has_value());
    return std::move(map_);
}

}  // namespace tapeloft::media
