#include "media/archive/progress.h"

namespace tapeloft::media {

void ArchiveProgress::chunk_seen(std::uint64_t bytes, bool fresh) {
    plain_ += bytes;
    if (!fresh) {
        known_ += bytes;
    }
}

void ArchiveProgress::pack_stored(std::uint64_t bytes) {
    stored_ += bytes;
    ++packs_;
}

ArchiveProgress::Counts ArchiveProgress::counts() const {
    Counts counts;
    counts.plain_bytes = plain_;
    counts.known_bytes = known_;
    counts.stored_bytes = stored_;
    counts.packs = packs_;
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - window_start_ >= kWindow) {
        const std::chrono::duration<double> passed = now - window_start_;
        rate_ = static_cast<double>(counts.plain_bytes - window_plain_) / passed.count();
        window_start_ = now;
        window_plain_ = counts.plain_bytes;
    }
    counts.bytes_per_second = rate_;
    return counts;
}

}  // namespace tapeloft::media
