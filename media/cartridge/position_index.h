// The first level of the position index: which segment holds an object or a filemark. Pure; the
// second level (ObjectRuns) is given to it where it is needed.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "media/catalog/catalog.h"
#include "media/segment/object_runs.h"

namespace tapeloft::media {

/// A place between two objects of a partition.
struct Place {
    std::uint64_t object = 0;  ///< objects before it
    std::uint64_t file = 0;    ///< filemarks before it
    std::uint64_t byte = 0;    ///< capacity used before it

    friend bool operator==(const Place&, const Place&) = default;
};

/// The segments of one partition, gapless from object 0 on. Lookups cost O(log segments); a segment
/// takes 48 bytes.
class PositionIndex {
  public:
    struct Segment {
        SegmentRecord row;                 ///< counts what is appended, also while it is unsealed
        std::shared_ptr<ObjectRuns> live;  ///< until its index can be read from the file
    };

    explicit PositionIndex(std::uint32_t partition = 0) : partition_(partition) {}

    /// A sealed row of the partition, in order; an empty one is left out. False: it does not fit
    /// the ones before.
    [[nodiscard]] bool add(const SegmentRecord& row);

    [[nodiscard]] const Place& end() const noexcept { return end_; }
    [[nodiscard]] std::size_t size() const noexcept { return segments_.size(); }
    [[nodiscard]] Segment segment(std::size_t index) const;
    [[nodiscard]] Place start_of(std::size_t index) const;
    [[nodiscard]] Place end_of(std::size_t index) const;

    /// The segment that holds object < end().object.
    [[nodiscard]] std::size_t segment_of_object(std::uint64_t object) const;
    /// The segment that holds filemark number < end().file.
    [[nodiscard]] std::size_t segment_of_filemark(std::uint64_t filemark) const;

    /// The place before `object`, where `runs` are those of its segment `index`.
    [[nodiscard]] Place place_in(std::size_t index, const ObjectRuns& runs,
                                 std::uint64_t object) const;

    void begin_segment(const SegmentRecord& row);
    /// To the last segment, which is live.
    void append_record(std::uint32_t length);
    void append_filemarks(std::uint32_t count);
    /// Forgets the live runs of segments whose index stands in the file: the first `written`
    /// objects are written, and a segment's index is before the first frame of the next.
    void release_written(std::uint64_t written);

    struct Cut {
        std::vector<std::uint64_t> removed;  ///< segment numbers
        std::optional<SegmentRecord>
            shortened;  ///< the new last segment, if it was cut in the middle
    };
    /// What makes `at` the end; runs: those of the segment that holds object at.object - 1, if it
    /// goes on behind.
    [[nodiscard]] Cut plan_cut(const Place& at, const ObjectRuns* runs) const;
    void apply(const Cut& cut);

  private:
    /// Where it ends in objects and filemarks is where the next one begins.
    struct Entry {
        std::uint64_t number;
        Place start;
        std::uint64_t byte_count;
        std::uint64_t file_length : 61;
        std::uint64_t sealed : 1;
        std::uint64_t stored : 1;  ///< as it was opened
        std::uint64_t spooled : 1;
    };
    static_assert(sizeof(Entry) == 48);

    [[nodiscard]] static Entry entry_of(const SegmentRecord& row);
    [[nodiscard]] SegmentRecord row_of(std::size_t index) const;
    [[nodiscard]] const std::shared_ptr<ObjectRuns>& live_of(std::size_t index) const;
    void append_to_row();

    std::uint32_t partition_;
    std::vector<Entry> segments_;
    std::size_t released_ = 0;                      ///< segments before this one have no live runs
    std::deque<std::shared_ptr<ObjectRuns>> live_;  ///< of those from released_ on
    Place end_;
};

}  // namespace tapeloft::media
