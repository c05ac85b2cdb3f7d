// The end of a partition that is being written: the segments no catalog row calls sealed yet. It
// decides what reaches the disk in which order; media/README.md, "Write order", says why.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cloud/base/result.h"

#include "media/cartridge/spare_files.h"
#include "media/cartridge/spool.h"
#include "media/cartridge/spool_files.h"
#include "media/catalog/catalog.h"
#include "media/segment/segment_writer.h"

namespace tapeloft::media {

/// A truncation: what stays is objects [0, object).
struct TailCut {
    std::vector<std::uint64_t> removed;      ///< segments wholly behind the cut
    std::optional<SegmentRecord> shortened;  ///< the segment cut in the middle, with its new counts
    std::optional<std::vector<std::uint64_t>> format;  ///< all goes; the new capacities
    bool recycle = true;   ///< false after a failure: the files removed are not to be used again
    SegmentRecord marker;  ///< an empty row that keeps the highest number in the catalog
};

/// The cartridge as it is opened: all of its segments are sealed.
struct TailStart {
    std::uint64_t end = 0;  ///< objects
    std::optional<std::uint64_t>
        marker;                     ///< number of an empty row, which the next segment replaces
    std::uint64_t next_number = 0;  ///< above those of all rows
};

/// Blocks; runs on the disk executor, one call at a time.
class TailWriter {
  public:
    /// Segments not sealed: at most this many, so that a crash leaves little to scan, and that what
    /// is not on the disk yet has a bound (1 GiB of full segments).
    static constexpr std::size_t kUnsealedMax = 16;
    /// The kernel is asked to write a segment back when it is this far behind the newest: early
    /// enough that sealing it finds it on the disk, late enough that what is cut off soon is not
    /// written at all.
    static constexpr std::size_t kWritebackLag = 4;

    TailWriter(SpoolContext context, const CartridgeRecord& cartridge, SpoolFiles& files,
               const TailStart& start);

    /// Finishes the segment before, which the catalog then calls complete, and makes the next one:
    /// its file, then its row.
    Result<void> begin_segment(const SegmentRecord& row);
    Result<void> append(std::span<const PendingFrame> frames);
    /// Everything appended is durable when it returns; the catalog then calls all but the last
    /// segment sealed.
    Result<void> sync();
    /// sync(), and the last one is sealed, too.
    Result<void> seal();
    /// Durable when it returns. After an error either all or nothing of it may have happened.
    Result<void> cut(const TailCut& cut);

    /// To another partition, which ends behind `end` objects. All is sealed.
    void go_to_end(std::uint64_t end);

    /// Gives the disk back what is kept to be written over.
    void drop_spares();
    /// Gives any tape what is kept to be written over. All is sealed.
    void pass_on_spares() { spares_.pass_on(); }
    /// The tape is gone, and nothing is appended any more: the spares go, and the budget counts the
    /// last file as long as it is, as recovery will find it. Touches no file that has a row.
    void abandon();
    /// There is something for abandon() to do.
    [[nodiscard]] bool has_spares() const noexcept;

    /// The object number up to which everything on the tape is durable.
    [[nodiscard]] std::uint64_t durable_end() const noexcept { return durable_end_; }

  private:
    struct Segment {
        SegmentRecord row;  ///< as the catalog has it
        std::unique_ptr<SegmentWriter> writer;
    };

    [[nodiscard]] static SegmentRecord counted(const Segment& segment);
    [[nodiscard]] static SegmentRecord complete(const Segment& segment);
    [[nodiscard]] static SegmentRecord sealed(const Segment& segment);
    void forget_stored();
    void wake_archive() const;
    [[nodiscard]] bool is_leaving(std::uint64_t number) const;
    Result<void> make_durable(std::span<Segment> segments);
    Result<void> finish(Segment& segment);
    Result<void> change(SegmentChange change);
    Result<void> end_kept(std::span<Segment> kept);
    Result<std::vector<std::uint64_t>> rows_to_remove(const TailCut& cut);
    Result<void> shorten(const SegmentRecord& row);
    Result<std::unique_ptr<SegmentWriter>> make_file(const SegmentRecord& row);
    [[nodiscard]] std::uint64_t length_of(std::uint64_t number) const;
    void remove_file(std::uint64_t number);

    SpoolContext context_;
    CartridgeId cartridge_;
    std::string serial_;
    SpoolFiles& files_;
    SparePool::Writing writing_;
    SpareFiles spares_;
    std::vector<Segment> unsealed_;  ///< in order; the last one is written to
    std::optional<std::uint64_t> marker_;
    std::uint64_t rows_end_;  ///< numbers from here on have no row
    std::uint64_t durable_end_;
    bool names_dirty_ = false;
    bool directory_dirty_ = false;
    bool rows_uncertain_ =
        false;  ///< a change of the catalog failed: it may or may not have happened
};

}  // namespace tapeloft::media
