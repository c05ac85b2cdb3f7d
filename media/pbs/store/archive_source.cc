#include "media/pbs/store/archive_source.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

Awaitable<Result<void>> ArchiveSource::read(std::uint64_t offset, MutableByteView bytes) {
    while (!bytes.empty()) {
        TL_CO_TRY(const auto piece, co_await view(offset, bytes.size()));
        std::copy(piece.begin(), piece.end(), bytes.begin());
        bytes = bytes.subspan(piece.size());
        offset += piece.size();
    }
    co_return Result<void>();
}

Awaitable<Result<ByteView>> ArchiveSource::view(std::uint64_t offset, std::size_t size) {
    TL_ASSERT(size > 0);
    if (offset > index_.size() || size > index_.size() - offset) {
        co_return Error{Errc::invalid_argument, std::to_string(size) + " bytes from " +
                                                    std::to_string(offset) +
                                                    " on are not all inside of the archive of " +
                                                    std::to_string(index_.size())};
    }
    const auto number = index_.chunk_at(offset);
    const auto range = index_.range(number);
    TL_CO_TRY(const auto data, co_await chunk(number));
    co_return data.subspan(offset - range.begin, std::min<std::uint64_t>(size, range.end - offset));
}

WantedChunk ArchiveSource::wanted(std::size_t number) const {
    const auto range = index_.range(number);
    return {index_.digests()[number], range.end - range.begin, encrypted_};
}

Awaitable<Result<ByteView>> ArchiveSource::chunk(std::size_t number) {
    const auto chunk = wanted(number);
    if (number != last_) {
        const auto before = std::exchange(head_start_, 0);
        passed_ = number == last_ + 1 ? passed_ + 1 : before;
        last_ = number;
    }
    const auto known = cached_.find(chunk.digest);
    // One digest with two lengths is damage, and reading it again says so.
    if (known != cached_.end() && known->second->data.size() == chunk.size) {
        used_.splice(used_.begin(), used_, known->second);
        co_return used_.front().data.view();
    }
    TL_CO_TRY(auto begun, co_await coming(number));
    co_await read_ahead(number + 1);
    TL_CO_TRY(auto found, co_await reader_.finish(std::move(begun)));
    cached_size_ += found.data.size();
    used_.push_front({chunk.digest, std::move(found.data)});
    cached_.insert_or_assign(chunk.digest, used_.begin());
    while (cached_size_ > kCacheSize && used_.size() > 1) {
        cached_size_ -= used_.back().data.size();
        cached_.erase(used_.back().digest);
        used_.pop_back();
    }
    co_return used_.front().data.view();
}

/// Those before it that are on their way are not wanted any more.
Awaitable<Result<std::shared_ptr<ComingChunk>>> ArchiveSource::coming(std::size_t number) {
    while (!ahead_.empty() && ahead_.front().first < number) {
        ahead_size_ -= ahead_.front().second->wanted.size;
        ahead_.pop_front();
    }
    if (!ahead_.empty() && ahead_.front().first == number) {
        auto begun = std::move(ahead_.front().second);
        ahead_size_ -= begun->wanted.size;
        ahead_.pop_front();
        co_return begun;
    }
    ahead_.clear();
    ahead_size_ = 0;
    co_return co_await reader_.begin(wanted(number));
}

/// What cannot be had is asked for again, and told, when it is read.
Awaitable<void> ArchiveSource::read_ahead(std::size_t number) {
    if (!reader_.has_pool()) {
        co_return;
    }
    const auto end = std::min(number + passed_, index_.count());
    for (auto next = ahead_.empty() ? number : ahead_.back().first + 1;
         next < end && ahead_size_ < ChunkReader::kAhead; ++next) {
        if (cached_.contains(index_.digests()[next])) {
            continue;
        }
        auto begun = co_await reader_.begin(wanted(next));
        if (!begun) {
            co_return;
        }
        ahead_size_ += (*begun)->wanted.size;
        ahead_.emplace_back(next, std::move(*begun));
    }
}

}  // namespace tapeloft::media
