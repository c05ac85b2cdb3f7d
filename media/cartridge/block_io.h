// All that a drive, the PBS stream reader or a test may ask of a tape.
//
// A partition is a gapless sequence of logical objects, each a record or a filemark, numbered from
// 0 at the beginning of partition (BOP). A logical file number is the count of filemarks before a
// position (SSC-5, 4.2.7). End of data (EOD) is behind the last object.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

inline constexpr std::uint32_t kRecordLengthMax = 8U * 1024 * 1024;  ///< bytes
inline constexpr std::uint32_t kRecordLengthMin = 1;
/// What an encrypted record may take: the record, and what is needed to decrypt it.
inline constexpr std::uint32_t kStoredRecordMax = kRecordLengthMax + 4096;
inline constexpr std::uint32_t kPartitionsMax = 4;
inline constexpr std::uint64_t kPartitionCapacityMin = 1024ULL * 1024;  ///< bytes

struct Position {
    std::uint32_t partition = 0;
    std::uint64_t logical_object_number = 0;
    std::uint64_t logical_file_number = 0;

    friend bool operator==(const Position&, const Position&) = default;
};

enum class ReadKind : std::uint8_t { record, filemark, end_of_data };

/// What the bytes of a record are: kept with it, of no meaning to the tape.
enum class RecordEncoding : std::uint8_t { plain = 0, encrypted = 1 };

/// The longest record of an encoding, as it is stored.
[[nodiscard]] constexpr std::uint32_t stored_length_max(RecordEncoding encoding) noexcept {
    return encoding == RecordEncoding::plain ? kRecordLengthMax : kStoredRecordMax;
}

struct ReadOutcome {
    ReadKind kind = ReadKind::end_of_data;
    Buffer record;                                    ///< the whole record if kind is record
    RecordEncoding encoding = RecordEncoding::plain;  ///< as it was written
};

/// Reads forward, one object a call.
class BlockReader {
  public:
    BlockReader() = default;
    BlockReader(const BlockReader&) = delete;
    BlockReader& operator=(const BlockReader&) = delete;
    virtual ~BlockReader() = default;

    /// The object at the position, which moves behind it; at end of data the position stays.
    /// Errors: corrupt, io; the position then stays before the object that cannot be read.
    virtual Awaitable<Result<ReadOutcome>> read() = 0;
};

/// Where a piece begins that the store keeps apart from what stands before it.
struct RecordCut {
    std::uint64_t record = 0;  ///< counted from the position
    std::uint32_t offset = 0;  ///< byte of the record

    friend bool operator==(const RecordCut&, const RecordCut&) = default;
};

struct WriteOutcome {
    bool early_warning =
        false;  ///< what was just written ends at or behind the early-warning point
};

/// Writes at the position. The first write in the middle of a partition makes all that followed
/// vanish, atomically with respect to a crash: afterwards there is either all of the old
/// content, or the old prefix with a gapless prefix of what was newly written.
class BlockWriter {
  public:
    BlockWriter() = default;
    BlockWriter(const BlockWriter&) = delete;
    BlockWriter& operator=(const BlockWriter&) = delete;
    virtual ~BlockWriter() = default;

    /// Takes one record of kRecordLengthMin to kRecordLengthMax bytes (kStoredRecordMax, if it is
    /// encrypted); it is buffered, and durable only after sync(). Waits while the write-behind
    /// buffer is full. `record` is not changed later. Errors: end_of_medium (nothing was written),
    /// no_space (spool limit or disk full; nothing was written), denied (write protected), io (also
    /// for an earlier buffered record: all from the first failed one on is gone, and the position
    /// tells where the tape now ends).
    virtual Awaitable<Result<WriteOutcome>> write_encoded(Buffer record,
                                                          RecordEncoding encoding) = 0;
    Awaitable<Result<WriteOutcome>> write(Buffer record) {
        return write_encoded(std::move(record), RecordEncoding::plain);
    }

    /// Writes `count` filemarks (0 writes none and moves nothing). Buffered like a record.
    virtual Awaitable<Result<WriteOutcome>> write_filemarks(std::uint32_t count) = 0;

    /// Returns when everything written so far survives kill -9 and power loss. Cheap when nothing
    /// is dirty. Errors: io, no_space: durability of what is not yet synced cannot be promised.
    virtual Awaitable<Result<void>> sync() = 0;
};

enum class SpaceStop : std::uint8_t { done, filemark, end_of_data, beginning_of_partition };

struct SpaceOutcome {
    std::uint64_t moved = 0;  ///< objects of the asked kind that were passed
    SpaceStop stop = SpaceStop::done;
};

struct Capacity {                        // bytes of record payload (filemarks count kFilemarkCost)
    std::uint64_t native = 0;            ///< a write that would pass it fails with end_of_medium
    std::uint64_t early_warning = 0;     ///< where early warning begins; < native
    std::uint64_t used_to_position = 0;  ///< between BOP and the position
    std::uint64_t used = 0;              ///< between BOP and end of data
};

/// A mounted cartridge. One call at a time (the caller's strand serialises; a call that has not
/// finished forbids the next). position(), capacity() and the like may be called at any time on
/// that strand, also while a call is suspended. LOCATE and SPACE never read record data and cost
/// O(log n).
class Tape : public BlockReader, public BlockWriter {
  public:
    [[nodiscard]] virtual Position position() const noexcept = 0;
    [[nodiscard]] virtual bool at_end_of_data() const noexcept = 0;
    /// Of the current partition.
    [[nodiscard]] virtual Capacity capacity() const noexcept = 0;
    [[nodiscard]] virtual bool write_protected() const noexcept = 0;

    /// 1 to kPartitionsMax; they are numbered from 0 on. Each has objects, filemarks, end of data
    /// and capacity of its own, and writing in one changes nothing in the others.
    [[nodiscard]] virtual std::uint32_t partition_count() const noexcept = 0;
    /// partition < partition_count(). used_to_position is 0 where the position is in another one.
    [[nodiscard]] virtual Capacity capacity(std::uint32_t partition) const noexcept = 0;
    /// The number of objects in it; partition < partition_count().
    [[nodiscard]] virtual std::uint64_t end_of_data(std::uint32_t partition) const noexcept = 0;
    /// To BOP of the partition; to leave one makes durable what was written in it. Errors:
    /// invalid_argument (there is no such partition), as sync(): the position has not moved then.
    virtual Awaitable<Result<void>> change_partition(std::uint32_t partition) = 0;
    /// Between the position and EOD there is nothing, or filemarks only.
    virtual Awaitable<Result<bool>> only_filemarks_follow() = 0;

    /// Moves over `count` records (negative: towards BOP). Stops behind (forward) or before
    /// (backward, BOP side) the first filemark met, at end of data, or at BOP. SSC-5, SPACE code 0.
    virtual Awaitable<Result<SpaceOutcome>> space_records(std::int64_t count) = 0;
    /// Moves over `count` filemarks: forward ends behind the last one, backward on its BOP side.
    virtual Awaitable<Result<SpaceOutcome>> space_filemarks(std::int64_t count) = 0;
    /// To the end of `count` (> 0 forward, < 0 backward) filemarks that stand side by side without
    /// a record between. SSC-5, SPACE code 2.
    virtual Awaitable<Result<SpaceOutcome>> space_sequential_filemarks(std::int64_t count) = 0;
    virtual Awaitable<Result<void>> space_to_end_of_data() = 0;

    /// To object number `object` of the current partition; false: it lies behind end of data, and
    /// the position is now end of data.
    virtual Awaitable<Result<bool>> locate_object(std::uint64_t object) = 0;
    /// To the beginning of logical file `file` (0: BOP; n: behind the n-th filemark); false as
    /// above.
    virtual Awaitable<Result<bool>> locate_file(std::uint64_t file) = 0;

    // For whoever reads here and there; a tape that has no use for them does nothing.
    /// The next reads are these records and then perhaps no more: what they need is fetched
    /// together, and, as long as reading did not come from the records before, nothing behind.
    virtual Awaitable<void> will_read([[maybe_unused]] std::uint64_t records) { co_return; }
    /// The cuts in the next `records` records, none of which is a filemark, in order; where the
    /// store does not have the records there are none. Reads no record. Errors: those of read().
    virtual Awaitable<Result<std::vector<RecordCut>>> cuts([[maybe_unused]] std::uint64_t records) {
        co_return std::vector<RecordCut>();
    }

    /// Makes the position the end of data. Durable when it returns. Errors: denied, io.
    virtual Awaitable<Result<void>> erase_to_end() = 0;
    /// Makes the cartridge blank, with one partition for each capacity (bytes; 1 to kPartitionsMax
    /// of them, each kPartitionCapacityMin or more, all together at most the capacity of the
    /// cartridge), and goes to BOP of partition 0. Durable when it returns; a crash leaves the old
    /// content and partitions or the new ones. Errors: invalid_argument, denied, io.
    virtual Awaitable<Result<void>> format(std::vector<std::uint64_t> capacities) = 0;

    // For whoever looks after a drive that has nothing to do; neither waits for the store, and
    // nobody is promised what only the store keeps (durability "cloud").
    /// What was written is on the disk when it returns. Errors: as sync().
    virtual Awaitable<Result<void>> flush() { return sync(); }
    /// Nothing was written for some seconds: flush(), and what was written may go to the store.
    virtual Awaitable<Result<void>> rest() { return flush(); }

    /// The last call, at unload: sync(), and leaves the cartridge so that the next open is fast. A
    /// tape that is destroyed without it loses what was not synced. Errors: as sync().
    virtual Awaitable<Result<void>> close() { return sync(); }
};

}  // namespace tapeloft::media
