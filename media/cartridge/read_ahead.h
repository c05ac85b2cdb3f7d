// Records read and checked before the host asks for them.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/base/signal.h"

#include "media/cartridge/spool_files.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

/// Records of one segment file that are read together.
struct RecordBatch {
    std::uint64_t segment = 0;  ///< number
    std::uint32_t seed = 0;
    std::vector<RecordFrame> frames;
};

/// On the strand of the tape.
class ReadAhead {
  public:
    /// Most that is read ahead and not yet taken; one batch may be larger, if it is one record.
    static constexpr std::uint64_t kAheadMax = 8ULL * 1024 * 1024;
    static constexpr std::uint64_t kBatchMax = 1024ULL * 1024;
    static constexpr std::size_t kBatchFramesMax = 1024;

    ReadAhead(Executor disk, std::shared_ptr<SpoolFiles> files)
        : disk_(std::move(disk)), files_(std::move(files)) {}

    /// Begins to read a batch that lies behind all that is read ahead, on the disk executor.
    void begin(RecordBatch batch);
    /// Where nothing is read ahead: begins to read one record on the strand, when what runs there
    /// now has ended. take() has it only if all of it lies in the page cache.
    void begin_cached(RecordBatch batch, const Executor& strand);
    /// Room for one more batch of about kBatchMax.
    [[nodiscard]] bool has_room() const noexcept;
    /// The object behind the last one that is being read ahead; 0: none is.
    [[nodiscard]] std::uint64_t end() const noexcept;
    /// The record `object`, once it has been read; empty: it is not read ahead, or is not sound.
    /// What was read ahead before it is dropped.
    Awaitable<StoredRecord> take(std::uint64_t object);
    void clear();

  private:
    struct Batch {
        RecordBatch wanted;
        Signal done;
        std::vector<StoredRecord> records;  ///< after done; empty: the read failed
    };

    std::shared_ptr<Batch> add(RecordBatch batch);
    [[nodiscard]] static std::uint64_t length_of(const Batch& batch) noexcept;
    void drop_front();

    Executor disk_;
    std::shared_ptr<SpoolFiles> files_;
    std::deque<std::shared_ptr<Batch>> batches_;
    std::uint64_t ahead_ = 0;  ///< bytes of batches_
};

}  // namespace tapeloft::media
