#include "media/chunk/archive_follower.h"

#include <algorithm>

#include "media/pbs/archive_format.h"

namespace tapeloft::media {
namespace {

namespace content = layout::pbs_content_header;
namespace entry = layout::pbs_chunk_entry;

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
    if (stage_ == Stage::content_header) {
        const auto header = parse_pbs_content_header(header_);
        is_chunk_archive_ = header && header->content == content::kChunkArchive;
        body_size_ = header ? header->json_size : 0;
        stage_ = header ? Stage::json : Stage::lost;
    } else {
        const auto header = parse_pbs_chunk_entry(header_);
        body_size_ = header ? header->blob_size : 0;
        stage_ = header ? Stage::blob : Stage::lost;
    }
    body_left_ = body_size_;
}

}  // namespace tapeloft::media
