// Small reads of a byte source, served from a piece of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/byte_source.h"

namespace tapeloft::media {

/// One call at a time. Memory: kPiece, or the largest view asked for if that is more.
class SourceWindow {
  public:
    static constexpr std::size_t kPiece = 32UL * 1024;

    explicit SourceWindow(ByteSource& source) : source_(source) {}

    [[nodiscard]] std::uint64_t source_size() const { return source_.size(); }

    /// The bytes, if they are here already; valid until the next view().
    [[nodiscard]] std::optional<ByteView> cached(std::uint64_t offset, std::size_t size) const;
    /// The bytes, valid until the next call. What lies behind them is read along, but its damage
    /// does not matter. Errors: corrupt (the source ends before), those of the source.
    Awaitable<Result<ByteView>> view(std::uint64_t offset, std::size_t size);

  private:
    Awaitable<Result<void>> load(std::uint64_t offset, std::size_t size);

    ByteSource& source_;
    Bytes bytes_;
    std::size_t size_ = 0;  ///< of them are good
    std::uint64_t offset_ = 0;
};

}  // namespace tapeloft::media
