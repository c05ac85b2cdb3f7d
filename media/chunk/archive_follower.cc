#include "media/chunk/archive_follower.h"

#include <algorithm>

#include "media/pbs/block_format.h"

namespace tapeloft::media {
namespace {

namespace content = layout::pbs_content_header;
namespace entry = layout::pbs_chunk_entry;

/// PBS writes about 25 to 130 bytes.
constexpr std::uint32_t kJsonSizeMax = 1024 * 1024;

}  // namespace

void ArchiveFollower::begin() noexcept {
    static_assert(content::kSize == kHeaderSize && entry::kSize == kHeaderSize);
    stage_ = Stage::content_header;
    header_filled_ = 0;
}

ArchiveFollower::Step ArchiveFollower::take(ByteView bytes) noexcept {
    Step step;
    if (stage_ == Stage::content_header || stage_ == Stage::entry_header) {
        step.taken = std::min(kHeaderSize - header_filled_, bytes.size());
        std::copy_n(bytes.begin(), step.taken, header_.begin() + header_filled_);
        header_filled_ += step.taken;
        if (header_filled_ < kHeaderSize) {
            return step;
        }
        parse_header();
    }
    if (stage_ == Stage::lost) {
        return step;
    }
    const auto size = std::min<std::uint64_t>(body_left_, bytes.size() - step.taken);
    body_left_ -= size;
    step.taken += static_cast<std::size_t>(size);
    step.piece_length = kHeaderSize + body_size_;
    if (body_left_ == 0) {
        step.ends_piece = true;
        header_filled_ = 0;
        stage_ = is_chunk_archive_ ? Stage::entry_header : Stage::lost;
    }
    return step;
}

void ArchiveFollower::parse_header() noexcept {
    const ByteView header = header_;
    bool sound = false;
    if (stage_ == Stage::content_header) {
        is_chunk_archive_ =
            begins_with(header.subspan(content::kContentMagicOffset), content::kChunkArchive);
        body_size_ = content::kJsonSize.load(header);
        sound = begins_with(header, content::kMagic) && body_size_ <= kJsonSizeMax;
        stage_ = Stage::json;
    } else {
        body_size_ = entry::kBlobSize.load(header);
        sound = begins_with(header, entry::kMagic) && body_size_ >= entry::kBlobSizeMin &&
                body_size_ <= entry::kBlobSizeMax;
        stage_ = Stage::blob;
    }
    body_left_ = body_size_;
    if (!sound) {
        lose();
    }
}

}  // namespace tapeloft::media
