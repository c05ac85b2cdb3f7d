#include "media/pbs/block_format.h"

#include <string>

namespace tapeloft::media {
namespace {

namespace at = layout::pbs_block;

std::string describe(PbsBlockFlaw flaw, ByteView record) {
    switch (flaw) {
        case PbsBlockFlaw::length:
            return "its record has " + std::to_string(record.size()) + " bytes, not " +
                   std::to_string(kPbsBlockSize);
        case PbsBlockFlaw::magic:
            return "wrong magic number";
        case PbsBlockFlaw::flags:
            return "unknown flags " + std::to_string(at::kFlags.load(record));
        case PbsBlockFlaw::size:
            return "impossible size " + std::to_string(at::kSize.load(record));
        case PbsBlockFlaw::none:
            break;
    }
    return {};
}

}  // namespace

std::uint8_t PbsBlockHeader::flags() const noexcept {
    return static_cast<std::uint8_t>((last ? at::kEndOfStream : 0) |
                                     (incomplete ? at::kIncomplete : 0));
}

PbsBlockFlaw read_pbs_block_header(ByteView record, PbsBlockHeader& header) noexcept {
    if (record.size() != kPbsBlockSize) {
        return PbsBlockFlaw::length;
    }
    if (!begins_with(record, at::kMagic)) {
        return PbsBlockFlaw::magic;
    }
    const auto flags = at::kFlags.load(record);
    header.last = (flags & at::kEndOfStream) != 0;
    header.incomplete = (flags & at::kIncomplete) != 0;
    header.size = at::kSize.load(record);
    header.sequence = at::kSequence.load(record);
    if (flags != header.flags() || (header.incomplete && !header.last)) {
        return PbsBlockFlaw::flags;
    }
    if (header.size > kPbsPayloadMax || (header.size == 0 && !header.last)) {
        return PbsBlockFlaw::size;
    }
    return PbsBlockFlaw::none;
}

Result<PbsBlockHeader> parse_pbs_block(ByteView record, std::uint32_t sequence) {
    PbsBlockHeader header;
    if (const auto flaw = read_pbs_block_header(record, header); flaw != PbsBlockFlaw::none) {
        return Error{Errc::corrupt, describe(flaw, record)};
    }
    if (header.sequence != sequence) {
        return Error{Errc::corrupt, "it says it is block " + std::to_string(header.sequence)};
    }
    return header;
}

void frame_pbs_block(MutableByteView block, const PbsBlockHeader& header) noexcept {
    TL_ASSERT(block.size() == kPbsBlockSize && header.size <= kPbsPayloadMax);
    std::copy(at::kMagic.begin(), at::kMagic.end(), block.begin());
    at::kFlags.store(block, header.flags());
    at::kSize.store(block, header.size);
    at::kSequence.store(block, header.sequence);
    const auto unused = block.subspan(kPbsBlockHeaderSize + header.size);
    std::fill(unused.begin(), unused.end(), std::uint8_t{0});
}

}  // namespace tapeloft::media
