// Segments as plain vectors of what is in them, drawn at random.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/digest.h"

#include "media/chunk/segment_map_builder.h"
#include "media/pbs/block_stream.h"

namespace tapeloft::media {

struct ModelFrame {
    RunKind kind = RunKind::records;
    std::uint32_t count = 1;  ///< objects
    Bytes record;
    RecordEncoding encoding = RecordEncoding::plain;
    FramingRun framing;

    [[nodiscard]] ByteView payload() const {
        const ByteView all(record);
        return framing.framing == RecordFraming::none
                   ? all
                   : all.subspan(kPbsBlockHeaderSize, framing.size);
    }
};

using ModelSegment = std::vector<ModelFrame>;

inline Bytes random_payload(std::mt19937_64& random, std::size_t size) {
    Bytes bytes(size);
    if (random() % 4 == 0) {
        std::fill(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(random()));
        return bytes;
    }
    for (auto& byte : bytes) {
        byte = static_cast<std::uint8_t>(random());
    }
    return bytes;
}

inline ModelFrame pbs_frame(std::uint8_t flags, std::uint32_t sequence, ByteView payload) {
    constexpr std::array<std::uint8_t, 8> kMagic = {0xDC, 0xBD, 0xAF, 0xCA, 0xEB, 0xA0, 0xA5, 0x28};
    ModelFrame frame;
    frame.record.assign(kPbsBlockSize, 0);
    std::copy(kMagic.begin(), kMagic.end(), frame.record.begin());
    frame.record[8] = flags;
    store_little_endian<3>(MutableByteView(frame.record).subspan(9), payload.size());
    store_little_endian<4>(MutableByteView(frame.record).subspan(12), sequence);
    std::copy(payload.begin(), payload.end(), frame.record.begin() + kPbsBlockHeaderSize);
    frame.framing = {RecordFraming::pbs_block, flags, static_cast<std::uint32_t>(payload.size()),
                     sequence, 1};
    return frame;
}

/// About `frames` frames: runs of equal and of mixed records, PBS streams, filemarks, damage.
inline ModelSegment random_segment(std::mt19937_64& random, std::size_t frames) {
    ModelSegment segment;
    while (segment.size() < frames) {
        const auto run = 1 + random() % 6;
        switch (random() % 8) {
            case 0:
                segment.push_back(
                    {RunKind::filemarks, static_cast<std::uint32_t>(run), {}, {}, {}});
                break;
            case 1:
                if (random() % 4 == 0) {
                    segment.push_back(
                        {RunKind::damaged, static_cast<std::uint32_t>(run), {}, {}, {}});
                }
                break;
            case 2: {
                const auto first = static_cast<std::uint32_t>(random());
                for (std::uint32_t i = 0; i < run; ++i) {
                    const bool last = i + 1 == run;
                    const auto size = last ? random() % 5000 : 5000;
                    segment.push_back(
                        pbs_frame(last ? 1 : 0, first + i, random_payload(random, size)));
                }
                break;
            }
            default: {
                const auto encoding =
                    random() % 5 == 0 ? RecordEncoding::encrypted : RecordEncoding::plain;
                const auto size = 1 + random() % 9000;
                for (std::size_t i = 0; i < run; ++i) {
                    ModelFrame frame;
                    frame.record = random_payload(random, size);
                    frame.encoding = encoding;
                    segment.push_back(std::move(frame));
                }
            }
        }
    }
    return segment;
}

inline std::uint32_t payload_of(const ModelSegment& segment) {
    std::size_t size = 0;
    for (const auto& frame : segment) {
        size += frame.kind == RunKind::records ? frame.payload().size() : 0;
    }
    return static_cast<std::uint32_t>(size);
}

inline SegmentMap map_of(const ModelSegment& segment, std::uint32_t skip,
                         std::vector<ChunkRef> chunks) {
    SegmentMapBuilder builder;
    for (const auto& frame : segment) {
        switch (frame.kind) {
            case RunKind::records:
                builder.add_record({static_cast<std::uint32_t>(frame.record.size()), frame.encoding,
                                    frame.framing, crc32c(frame.record)});
                break;
            case RunKind::filemarks:
                builder.add_filemarks(frame.count);
                break;
            default:
                builder.add_damage(frame.count, 0, 100);
        }
    }
    return std::move(builder).finish(skip, std::move(chunks));
}

}  // namespace tapeloft::media
