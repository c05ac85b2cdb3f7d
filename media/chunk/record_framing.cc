#include <algorithm>

#include "media/chunk/chunker.h"
#include "media/pbs/block_format.h"

namespace tapeloft::media {

FramedRecord frame_record(ByteView record) {
    FramedRecord framed;
    framed.framing.count = 1;
    framed.payload = record;
    PbsBlockHeader header;
    // What PBS writes: inner blocks are full.
    if (read_pbs_block_header(record, header) != PbsBlockFlaw::none ||
        (!header.last && header.size != kPbsPayloadMax)) {
        return framed;
    }
    const auto rest = record.subspan(kPbsBlockHeaderSize + header.size);
    if (!std::all_of(rest.begin(), rest.end(), [](std::uint8_t byte) { return byte == 0; })) {
        return framed;
    }
    framed.framing.framing = RecordFraming::pbs_block;
    framed.framing.flags = header.flags();
    framed.framing.size = header.size;
    framed.framing.sequence = header.sequence;
    framed.payload = record.subspan(kPbsBlockHeaderSize, header.size);
    return framed;
}

}  // namespace tapeloft::media
