#include "media/pbs/pxar/source_window.h"

#include <algorithm>
#include <string>
#include <utility>

#include "media/pbs/pxar/pxar_entry.h"

namespace tapeloft::media {

std::optional<ByteView> SourceWindow::cached(std::uint64_t offset, std::size_t size) const {
    if (offset < offset_ || offset - offset_ > size_ || size > size_ - (offset - offset_)) {
        return std::nullopt;
    }
    return ByteView(bytes_).subspan(static_cast<std::size_t>(offset - offset_), size);
}

Awaitable<Result<ByteView>> SourceWindow::view(std::uint64_t offset, std::size_t size) {
    if (const auto here = cached(offset, size)) {
        co_return *here;
    }
    const auto end = source_.size();
    if (offset > end || size > end - offset) {
        co_return Error{Errc::corrupt, "it ends at byte " + std::to_string(end) + ", inside " +
                                           std::to_string(size) + " bytes from " +
                                           std::to_string(offset) + " on"};
    }
    const auto piece = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, end - offset));
    auto loaded = co_await load(offset, std::max(size, piece));
    if (!loaded && is_damage(loaded.error()) && size < piece) {
        loaded = co_await load(offset, size);
    }
    TL_CO_CHECK(std::move(loaded));
    co_return ByteView(bytes_).first(size);
}

Awaitable<Result<void>> SourceWindow::load(std::uint64_t offset, std::size_t size) {
    size_ = 0;
    if (bytes_.size() < size) {
        bytes_.resize(size);
    }
    TL_CO_CHECK(co_await source_.read(offset, MutableByteView(bytes_).first(size)));
    offset_ = offset;
    size_ = size;
    co_return Result<void>();
}

}  // namespace tapeloft::media
