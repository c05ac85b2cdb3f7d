// Records out of a segment file, each checked against the index and by its CRC. Blocks.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/segment/file.h"
#include "media/segment/frame_format.h"

namespace tapeloft::media {

/// Where the index says a record stands, and what its frame must say of it.
struct RecordFrame {
    std::uint64_t offset = 0;  ///< of the frame in the file
    std::uint32_t length = 0;  ///< of the record
    std::uint64_t object = 0;  ///< in the partition
    std::uint64_t file = 0;    ///< filemarks before it, in the partition

    [[nodiscard]] std::uint64_t end() const noexcept {
        return offset + layout::frame::kHeaderSize + length;
    }
};

/// A record as it was stored.
struct StoredRecord {
    Buffer bytes;
    RecordEncoding encoding = RecordEncoding::plain;
    std::uint32_t crc = 0;  ///< CRC32C of the bytes, as it was when they were checked

    [[nodiscard]] bool empty() const noexcept { return bytes.empty(); }
};

/// The record, or corrupt (it says what is wrong), or io.
[[nodiscard]] Result<StoredRecord> read_record(File& file, std::uint32_t seed,
                                               const RecordFrame& frame);

/// The record, if all of it lies in the page cache and it is sound; else an empty one. Never
/// waits for a disk.
[[nodiscard]] StoredRecord read_cached_record(File& file, std::uint32_t seed,
                                              const RecordFrame& frame);

/// Several records in order of their offsets, with one read for those that stand one behind the
/// other. All of them lie in one buffer, each right behind the one before. One that is not sound is
/// empty: read_record() tells why. Errors: io.
[[nodiscard]] Result<std::vector<StoredRecord>> read_records(File& file, std::uint32_t seed,
                                                             std::span<const RecordFrame> frames);

}  // namespace tapeloft::media
