// Bytes by position: an archive of a snapshot, wherever its chunks are.
#pragma once

#include <cstdint>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

class ByteSource {
  public:
    ByteSource() = default;
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    virtual ~ByteSource() = default;

    [[nodiscard]] virtual std::uint64_t size() const = 0;
    /// Fills all of bytes from offset on. Errors: invalid_argument past the end; corrupt, not_found
    /// (a chunk that is damaged or missing, named: digest, tape); what the cartridge answers. After
    /// an error others may work.
    virtual Awaitable<Result<void>> read(std::uint64_t offset, MutableByteView bytes) = 0;
    /// Bytes from offset on where they are kept: as many as are together there, 1 to size; valid
    /// until the next call. size: at least 1. Errors: as read().
    virtual Awaitable<Result<ByteView>> view(std::uint64_t offset, std::size_t size) = 0;
};

}  // namespace tapeloft::media
