#include "media/pbs/store/archive_source.h"

#include <algorithm>

namespace tapeloft::media {

Awaitable<Result<void>> ArchiveSource::read(std::uint64_t offset, MutableByteView bytes) {
    if (offset > index_.size() || bytes.size() > index_.size() - offset) {
        co_return Error{Errc::invalid_argument, std::to_string(bytes.size()) + " bytes from " +
                                                    std::to_string(offset) +
                                                    " on are not all inside of the archive of " +
                                                    std::to_string(index_.size())};
    }
    while (!bytes.empty()) {
        const auto number = index_.chunk_at(offset);
        const auto range = index_.range(number);
        TL_CO_TRY(const auto* const data, co_await chunk(number));
        const auto at = offset - range.begin;
        const auto size = std::min<std::uint64_t>(bytes.size(), range.end - offset);
        std::copy_n(data->begin() + static_cast<std::ptrdiff_t>(at), size, bytes.begin());
        bytes = bytes.subspan(size);
        offset += size;
    }
    co_return Result<void>();
}

Awaitable<Result<const Bytes*>> ArchiveSource::chunk(std::size_t number) {
    const auto range = index_.range(number);
    const WantedChunk wanted{index_.digests()[number], range.end - range.begin, encrypted_};
    const auto known = cached_.find(wanted.digest);
    // One digest with two lengths is damage, and reading it again says so.
    if (known != cached_.end() && known->second->data.size() == wanted.size) {
        used_.splice(used_.begin(), used_, known->second);
        co_return &used_.front().data;
    }
    TL_CO_TRY(auto found, co_await reader_.read(wanted));
    cached_size_ += found.data.size();
    used_.push_front({wanted.digest, std::move(found.data)});
    cached_.insert_or_assign(wanted.digest, used_.begin());
    while (cached_size_ > kCacheSize && used_.size() > 1) {
        cached_size_ -= used_.back().data.size();
        cached_.erase(used_.back().digest);
        used_.pop_back();
    }
    co_return &used_.front().data;
}

}  // namespace tapeloft::media
