// What a tape asks of the archive for segments that have left the spool.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/segment/object_runs.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

/// One for each open cartridge. One call at a time, from the tape's strand. Errors: not_found (the
/// segment is not stored), corrupt (what is in the store is damaged or missing), transient,
/// throttled, denied, io. An error of one read is not kept: the next one tries again.
class StoredReader {
  public:
    StoredReader() = default;
    StoredReader(const StoredReader&) = delete;
    StoredReader& operator=(const StoredReader&) = delete;
    virtual ~StoredReader() = default;

    /// All objects of the segment's map (a row that was cut counts fewer).
    virtual Awaitable<Result<std::shared_ptr<const ObjectRuns>>> runs(std::uint64_t segment) = 0;

    /// The record that is object `object` of the segment, counted from its start. following: the
    /// numbers of the segments behind it, where the host reads on from record to record (it is then
    /// read ahead), else empty. Errors: also corrupt where the object is no record.
    virtual Awaitable<Result<StoredRecord>> read(std::uint64_t segment, std::uint64_t object,
                                                 std::vector<std::uint64_t> following) = 0;

    /// The next reads are `records` records from this object on, and then perhaps no more: what
    /// they need is fetched together, and nothing is read ahead behind it. following: as above.
    virtual Awaitable<void> expect(std::uint64_t segment, std::uint64_t object,
                                   std::uint64_t records, std::vector<std::uint64_t> following) = 0;

    /// Where chunks begin in the segment, in order; record: the object.
    virtual Awaitable<Result<std::vector<RecordCut>>> cuts(std::uint64_t segment) = 0;

    /// What was read of these segments, or ahead, is forgotten: the tape was cut.
    virtual void forget() = 0;
};

}  // namespace tapeloft::media
