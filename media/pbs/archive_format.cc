#include "media/pbs/archive_format.h"

#include <algorithm>

namespace tapeloft::media {

std::optional<PbsContentHeader> parse_pbs_content_header(ByteView bytes) noexcept {
    namespace at = layout::pbs_content_header;
    PbsContentHeader header;
    header.json_size = at::kJsonSize.load(bytes);
    if (!begins_with(bytes, at::kMagic) || header.json_size > at::kJsonSizeMax) {
        return std::nullopt;
    }
    std::copy_n(bytes.begin() + at::kContentMagicOffset, header.content.size(),
                header.content.begin());
    std::copy_n(bytes.begin() + at::kUuidOffset, header.uuid.size(), header.uuid.begin());
    header.time_s = at::kTime.load(bytes);
    header.part_number = at::kPartNumber.load(bytes);
    return header;
}

std::optional<PbsChunkEntryHeader> parse_pbs_chunk_entry(ByteView bytes) noexcept {
    namespace at = layout::pbs_chunk_entry;
    const auto blob_size = at::kBlobSize.load(bytes);
    if (!begins_with(bytes, at::kMagic) || blob_size < at::kBlobSizeMin ||
        blob_size > at::kBlobSizeMax) {
        return std::nullopt;
    }
    PbsChunkEntryHeader header;
    std::copy_n(bytes.begin() + at::kDigestOffset, header.digest.size(), header.digest.begin());
    header.blob_size = static_cast<std::uint32_t>(blob_size);
    return header;
}

}  // namespace tapeloft::media
