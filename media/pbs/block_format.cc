#include "media/pbs/block_format.h"

#include <string>

namespace tapeloft::media {
namespace {

Error corrupt(std::string message) {
    return {Errc::corrupt, std::move(message)};
}

}  // namespace

Result<PbsBlockHeader> parse_pbs_block(ByteView record, std::uint32_t sequence) {
    namespace at = layout::pbs_block;
    if (record.size() != kPbsBlockSize) {
        return corrupt("its record has " + std::to_string(record.size()) + " bytes, not " +
                       std::to_string(kPbsBlockSize));
    }
    if (!begins_with(record, at::kMagic)) {
        return corrupt("wrong magic number");
    }
    const auto flags = at::kFlags.load(record);
    PbsBlockHeader header;
    header.last = (flags & at::kEndOfStream) != 0;
    header.incomplete = (flags & at::kIncomplete) != 0;
    header.size = at::kSize.load(record);
    if ((flags & ~unsigned{at::kEndOfStream | at::kIncomplete}) != 0 ||
        (!header.last && header.incomplete)) {
        return corrupt("unknown flags " + std::to_string(flags));
    }
    if (header.size > kPbsPayloadMax || (header.size == 0 && !header.last)) {
        return corrupt("impossible size " + std::to_string(header.size));
    }
    if (at::kSequence.load(record) != sequence) {
        return corrupt("it says it is block " + std::to_string(at::kSequence.load(record)));
    }
    return header;
}

}  // namespace tapeloft::media
