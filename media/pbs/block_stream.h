// The byte streams Proxmox Backup Server puts on a tape: one stream a tape file, in blocks
// (block_format.h).
#pragma once

#include <cstdint>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/pbs/block_format.h"

namespace tapeloft::media {

/// Writes one tape file. The writer must be at the place where it is to begin, and outlive this.
class TapeWrite {
  public:
    explicit TapeWrite(BlockWriter& writer);

    /// Appends to the stream; true: early warning was told, now or before. After an error every
    /// call fails with it. Errors: those of BlockWriter::write; precondition (finished).
    Awaitable<Result<bool>> write(ByteView bytes);
    /// Writes the end block (always exactly one, it may be empty) and one filemark; true: the end
    /// block met early warning. incomplete: the file goes on nowhere and is to be ignored by
    /// readers.
    Awaitable<Result<bool>> finish(bool incomplete);

    /// Bytes of whole records handed to the tape so far.
    [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }
    [[nodiscard]] bool early_warning() const noexcept { return early_warning_; }

  private:
    Awaitable<Result<bool>> write_block(bool last, bool incomplete);

    BlockWriter& writer_;
    Buffer block_;          ///< the block being filled
    std::size_t used_ = 0;  ///< payload bytes in it
    std::uint32_t sequence_ = 0;
    std::uint64_t bytes_written_ = 0;
    bool early_warning_ = false;
    bool finished_ = false;
    Result<void> failure_;
};

/// Reads one tape file to behind its filemark. The reader must be at its first block, and outlive
/// this.
class TapeRead {
  public:
    /// How the tape file ended.
    enum class End : std::uint8_t {
        none,  ///< not reached yet
        complete,
        incomplete,     ///< the writer said so
        no_end_marker,  ///< a filemark where a block was due: the writer died
    };

    explicit TapeRead(BlockReader& reader);

    /// Fills `into` as far as the stream goes; 0 (of a non-empty `into`): the stream ended as it
    /// should. Errors, all corrupt unless the reader's own: wrong record size, magic, flags,
    /// payload size or sequence; no end marker; end of data inside the stream; data or end of data
    /// behind the end block. At the very first block a filemark or end of data is not_found. They
    /// stay: every later read fails the same way.
    Awaitable<Result<std::size_t>> read(MutableByteView into);
    /// Reads on to behind the filemark; payload bytes skipped. A missing end marker is no error
    /// here.
    Awaitable<Result<std::uint64_t>> skip();

    [[nodiscard]] End end() const noexcept { return end_; }
    /// Errors: precondition (end not reached), corrupt (ended with no end marker).
    [[nodiscard]] Result<bool> is_incomplete() const;

  private:
    Awaitable<Result<void>> next_block();
    Result<void> accept_block();
    Awaitable<Result<void>> expect_filemark();
    Error fail(Error error);

    BlockReader& reader_;
    Buffer block_;
    std::size_t offset_ = 0;  ///< of the next payload byte in block_
    std::size_t limit_ = 0;   ///< behind the last payload byte in block_
    std::uint32_t sequence_ = 0;
    End end_ = End::none;
    Result<void> failure_;
};

}  // namespace tapeloft::media
