// Cuts the payload of a partition into chunks. Pure: bytes in, cuts out. It sees records in order,
// over any number of segments; a chunk may begin in one segment and end in a later one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cloud/base/bytes.h"

#include "media/chunk/segment_map.h"

namespace tapeloft::media {

/// As FastCDC (Xia et al., USENIX ATC 2016), normalised: where the next chunk of `bytes` ends.
/// `bytes` begins at a chunk's start. Nothing: not yet decided, more bytes are needed (fewer than
/// `max`). The cuts are the same in every version: what is stored already would else be stored
/// again.
struct ChunkLengths {
    std::uint32_t min = 16 * 1024;
    std::uint32_t average = 64 * 1024;  ///< a power of two, over 2 * min; nearly so
    std::uint32_t max = 256 * 1024;
};
[[nodiscard]] std::optional<std::size_t> content_defined_cut(ByteView bytes,
                                                             const ChunkLengths& lengths) noexcept;

/// What of a record goes into the payload.
struct FramedRecord {
    FramingRun framing;  ///< count 1
    ByteView payload;    ///< of the record
};

/// Tells PBS blocks from other records, exactly: a record is a pbs_block only if header and zeros
/// can be made again from flags, size and sequence.
[[nodiscard]] FramedRecord frame_record(ByteView record);

/// Finds the cuts in a payload stream. Feed it payload in order; it tells where chunks end. It
/// keeps no bytes: positions only, and what it needs to know of a PBS archive (media/FORMAT.md says
/// what the cuts are for; they are of no meaning to a reader).
class Chunker {
  public:
    explicit Chunker(const ChunkLengths& lengths = {});
    Chunker(Chunker&&) noexcept;
    Chunker& operator=(Chunker&&) noexcept;
    ~Chunker();

    /// The next record's payload begins (`first_of_file`: right behind a filemark or BOP, where a
    /// PBS stream may begin; a filemark also ends a chunk).
    void begin_record(const FramingRun& framing, bool first_of_file);

    /// `pending`: all payload since the last cut. The length of the next chunk (1 to
    /// kChunkLengthMax), or nothing: more is needed. Call again with what is left until nothing
    /// comes back.
    [[nodiscard]] std::optional<std::size_t> next_cut(ByteView pending);

    /// What is pending, all of it shown to next_cut(), is cut off by the caller (end of data, a
    /// filemark, a flush): the next byte begins a chunk. The PBS archive is still followed.
    void cut_here();

  private:
    class State;
    std::unique_ptr<State> state_;
};

}  // namespace tapeloft::media
