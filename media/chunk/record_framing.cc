#include <algorithm>

#include "media/chunk/chunker.h"
#include "media/pbs/block_format.h"

namespace tapeloft::media {
namespace {

/// What PBS writes: inner blocks are full, the last one has the end flag, perhaps "incomplete".
bool is_possible(std::uint8_t flags, std::uint32_t size) {
    namespace at = layout::pbs_block;
    switch (flags) {
        case 0:
            return size == kPbsPayloadMax;
        case at::kEndOfStream:
        case at::kEndOfStream | at::kIncomplete:
            return size <= kPbsPayloadMax;
        default:
            return false;
    }
}

}  // namespace

FramedRecord frame_record(ByteView record) {
    namespace at = layout::pbs_block;
    FramedRecord framed;
    framed.framing.count = 1;
    framed.payload = record;
    if (record.size() != kPbsBlockSize ||
        !std::equal(at::kMagic.begin(), at::kMagic.end(), record.begin())) {
        return framed;
    }
    const auto flags = at::kFlags.load(record);
    const auto size = at::kSize.load(record);
    if (!is_possible(flags, size)) {
        return framed;
    }
    const auto rest = record.subspan(kPbsBlockHeaderSize + size);
    if (!std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; })) {
        return framed;
    }
    framed.framing.framing = RecordFraming::pbs_block;
    framed.framing.flags = flags;
    framed.framing.size = size;
    framed.framing.sequence = at::kSequence.load(record);
    framed.payload = record.subspan(kPbsBlockHeaderSize, size);
    return framed;
}

}  // namespace tapeloft::media
