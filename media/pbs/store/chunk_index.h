// Which chunks an archive is made of: .fidx (images, chunks of one size) and .didx (pxar, file
// catalogs, chunks of any size). Header of 4096 bytes, then the entries.
#pragma once

#include <cstdint>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/identifiers.h"

namespace tapeloft::media {

class ChunkIndex {
  public:
    /// Checks all that there is to check, the checksum too. Errors: corrupt.
    [[nodiscard]] static Result<ChunkIndex> parse(SnapshotFileKind kind, ByteView bytes);

    struct Range {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }  ///< bytes of the archive
    [[nodiscard]] std::size_t count() const noexcept { return digests_.size(); }
    [[nodiscard]] const std::vector<PbsDigest>& digests() const noexcept { return digests_; }
    [[nodiscard]] Range range(std::size_t chunk) const;
    /// The chunk that holds the byte; offset < size().
    [[nodiscard]] std::size_t chunk_at(std::uint64_t offset) const;
    /// SHA-256 of the entries, as the manifest has it.
    [[nodiscard]] const PbsDigest& checksum() const noexcept { return checksum_; }

  private:
    Result<void> parse_fixed(ByteView bytes);
    Result<void> parse_dynamic(ByteView bytes);

    std::uint64_t size_ = 0;
    std::uint64_t chunk_size_ = 0;     ///< of a fixed index; 0: dynamic
    std::vector<std::uint64_t> ends_;  ///< of a dynamic index
    std::vector<PbsDigest> digests_;
    PbsDigest checksum_{};
};

}  // namespace tapeloft::media
