// A Tape on the spool. The strand's side: where everything is; the disk's side is WriteBehind (with
// TailWriter) and ReadAhead.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "media/cartridge/block_io.h"
#include "media/cartridge/position_index.h"
#include "media/cartridge/read_ahead.h"
#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"
#include "media/cartridge/stored_reader.h"
#include "media/cartridge/write_behind.h"

namespace tapeloft::media {

/// Where early warning begins on a cartridge of `native` bytes.
[[nodiscard]] std::uint64_t early_warning_point(std::uint64_t native) noexcept;

/// What the catalog has of an open cartridge.
struct CartridgeRows {
    std::vector<PositionIndex> indexes;     ///< one for each partition
    std::vector<std::uint64_t> capacities;  ///< of the partitions
    std::optional<std::uint64_t> marker;    ///< number of the empty row
    std::uint64_t next_number = 0;          ///< above those of all rows
};

class SpoolTape final : public Tape {
  public:
    SpoolTape(SpoolContext context, CartridgeRecord record, std::shared_ptr<SpoolFiles> files,
              CartridgeRows rows);
    ~SpoolTape() override;

    Awaitable<Result<ReadOutcome>> read() override;

    Awaitable<Result<WriteOutcome>> write_encoded(Buffer record, RecordEncoding encoding) override;
    Awaitable<Result<WriteOutcome>> write_filemarks(std::uint32_t count) override;
    Awaitable<Result<void>> sync() override;

    [[nodiscard]] Position position() const noexcept override;
    [[nodiscard]] bool at_end_of_data() const noexcept override;
    [[nodiscard]] Capacity capacity() const noexcept override;
    [[nodiscard]] bool write_protected() const noexcept override;
    [[nodiscard]] std::uint32_t partition_count() const noexcept override;
    [[nodiscard]] Capacity capacity(std::uint32_t partition) const noexcept override;
    [[nodiscard]] std::uint64_t end_of_data(std::uint32_t partition) const noexcept override;
    Awaitable<Result<void>> change_partition(std::uint32_t partition) override;
    Awaitable<Result<bool>> only_filemarks_follow() override;

    Awaitable<Result<SpaceOutcome>> space_records(std::int64_t count) override;
    Awaitable<Result<SpaceOutcome>> space_filemarks(std::int64_t count) override;
    Awaitable<Result<SpaceOutcome>> space_sequential_filemarks(std::int64_t count) override;
    Awaitable<Result<void>> space_to_end_of_data() override;
    Awaitable<Result<bool>> locate_object(std::uint64_t object) override;
    Awaitable<Result<bool>> locate_file(std::uint64_t file) override;
    Awaitable<void> will_read(std::uint64_t records) override;
    Awaitable<Result<std::vector<RecordCut>>> cuts(std::uint64_t records) override;

    Awaitable<Result<void>> erase_to_end() override;
    Awaitable<Result<void>> format(std::vector<std::uint64_t> capacities) override;
    Awaitable<Result<void>> flush() override;
    Awaitable<Result<void>> rest() override;
    Awaitable<Result<void>> close() override;

  private:
    using Runs = std::shared_ptr<const ObjectRuns>;
    static constexpr std::size_t kIndexesMax = 4;  ///< of segments, kept in memory

    // Writing
    [[nodiscard]] std::optional<Error> refusal(std::uint64_t bytes) const;
    Awaitable<Result<void>> make_appendable(std::uint64_t frame_bytes);
    Awaitable<Result<void>> take_room(std::uint64_t frame_bytes, bool begins);
    Awaitable<Result<void>> wait_for_archive(std::uint64_t needed);
    [[nodiscard]] bool has_room_after_cut(std::uint64_t needed) const;
    [[nodiscard]] bool needs_segment(std::uint64_t frame_bytes) const;
    [[nodiscard]] std::uint64_t bytes_behind_position() const;
    void tell_full();
    Error no_space_error();
    void begin_segment();
    WriteOutcome advance_behind_written(std::uint64_t objects, std::uint64_t files,
                                        std::uint64_t bytes);

    // Partitions: spool_tape_partitions.cc
    [[nodiscard]] const PositionIndex& index_of(std::uint32_t partition) const;

    // Truncation, failure
    Awaitable<Result<void>> settle();
    Awaitable<Result<void>> absorb_failure();
    Awaitable<Result<void>> roll_back(std::uint64_t end);
    Awaitable<Result<void>> cut_at(Place at);
    Awaitable<Result<void>> carry_out(TailCut cut);
    [[nodiscard]] Result<void> check_capacities(const std::vector<std::uint64_t>& capacities) const;
    Awaitable<Result<void>> make_durable(bool seal);
    Awaitable<Result<void>> end_spares(bool sound);
    Awaitable<Result<void>> keep_promise();
    Result<void> tell_failure();
    void forget_what_was_read();

    // Reading
    Awaitable<Result<Runs>> runs_of(std::size_t segment);
    Awaitable<Result<Runs>> load_runs(SegmentRecord row);
    Awaitable<Result<std::optional<ObjectRuns>>> recall_runs(SegmentRecord row);
    Awaitable<Result<StoredRecord>> read_spooled(std::size_t segment, Runs runs, bool read_on);
    Awaitable<Result<StoredRecord>> recall_record(std::size_t segment, bool read_on);
    [[nodiscard]] bool in_spool(const SegmentRecord& row) const;
    [[nodiscard]] std::vector<std::uint64_t> segments_behind(std::size_t segment) const;
    Awaitable<Result<StoredRecord>> read_record_at(std::size_t segment, Runs runs, bool read_on);
    void read_ahead(std::size_t segment, const ObjectRuns& runs);
    void read_next_one(std::size_t segment, const ObjectRuns& runs, const Executor& strand);
    [[nodiscard]] RecordBatch batch_from(std::size_t segment, const ObjectRuns& runs,
                                         std::uint64_t object, std::size_t frames_max) const;
    [[nodiscard]] RecordFrame frame_of(std::size_t segment, const ObjectPlace& place) const;
    [[nodiscard]] std::uint32_t seed_of(std::size_t segment) const;
    Error damaged(Error error);

    // Positioning
    Awaitable<Result<void>> go_to(std::uint64_t object);
    Awaitable<Result<std::uint64_t>> object_of_filemark(std::uint64_t filemark);
    Awaitable<Result<SpaceOutcome>> space_records_forward(std::uint64_t count);
    Awaitable<Result<SpaceOutcome>> space_records_backward(std::uint64_t count);
    Awaitable<Result<std::optional<std::uint64_t>>> find_streak_forward(std::uint64_t count);
    Awaitable<Result<std::optional<std::uint64_t>>> find_streak_backward(std::uint64_t count);

    SpoolContext context_;
    CartridgeRecord record_;
    std::shared_ptr<SpoolFiles> files_;
    std::shared_ptr<WriteBehind> behind_;
    ReadAhead ahead_;
    std::unique_ptr<StoredReader> reader_;   ///< none: nothing leaves the spool
    std::set<std::uint64_t> left_spool_;     ///< segments, since the tape was opened
    std::vector<std::uint64_t> capacities_;  ///< of the partitions
    std::uint32_t partition_ = 0;            ///< where the position is
    PositionIndex index_;                    ///< of that partition
    std::vector<PositionIndex> resting_;     ///< of the others: all of their segments are sealed
    Place place_;
    std::uint64_t next_number_ = 0;  ///< of a segment
    bool appendable_ = false;        ///< the last segment of index_ takes more frames
    std::uint32_t append_seed_ = 0;  ///< of that segment
    std::list<std::pair<std::uint64_t, Runs>> indexes_;  ///< by segment number, last used first
    std::uint64_t read_next_ = 0;                        ///< what a host that reads on would read
    std::uint64_t run_begin_ = 0;  ///< where it began to, as far as will_read() was told
    bool spares_dropped_ = false;  ///< since a write had room last

    // After a failure, until the next cut:
    bool must_cut_ = false;                     ///< the files hold more than index_ says
    std::vector<std::uint64_t> abandoned_;      ///< segments index_ does not know any more
    std::optional<std::uint64_t> rolled_back_;  ///< the segment index_ has cut in the middle
    std::optional<Error> failure_;              ///< not told the host yet
    std::optional<Error> broken_;               ///< where the tape ends is unknown: nothing works
};

}  // namespace tapeloft::media
