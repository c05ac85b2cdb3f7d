// One tape file of Proxmox Backup Server as bytes by position. A block stands where its own number
// says, not where its record does: what a block that is broken or missing takes with it is its own
// payload, and one that is there twice counts once.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "media/pbs/block_format.h"
#include "media/pbs/tape/tape_medium.h"

namespace tapeloft::media {

/// How a tape file ended.
enum class StreamEnd : std::uint8_t {
    complete,
    incomplete,  ///< the writer said so: to be ignored, it comes again on the next medium
    aborted,     ///< no end block before the filemark: the writer died
    truncated,   ///< end of data without filemark: power was lost
    empty,       ///< a filemark with no record before it
    damaged,     ///< the last block cannot be read
};
[[nodiscard]] std::string_view to_string(StreamEnd end) noexcept;

/// Whether what could not be read is to blame on what is on the tape, not on the way to it.
[[nodiscard]] bool is_of_the_tape(const Error& error) noexcept;

class TapeFile {
  public:
    /// medium outlives this. read_ahead: blocks fetched at once where none of them is at hand, 1 to
    /// kReadAheadMax; where reading goes on behind them, as many as it has come already, and the
    /// medium is told what comes next. So much memory it takes, or what one read() asks for, 16 MiB
    /// at most.
    static constexpr std::size_t kReadAheadMax = 64;
    TapeFile(TapeMedium& medium, std::uint64_t number, TapeFileExtent extent,
             std::size_t read_ahead);

    [[nodiscard]] std::uint64_t number() const noexcept { return number_; }
    [[nodiscard]] const TapeFileExtent& extent() const noexcept { return extent_; }
    [[nodiscard]] const std::string& barcode() const { return medium_.barcode(); }
    /// "tape TLA001L8, tape file 4", and, with an offset in the stream, "..., block 7".
    [[nodiscard]] std::string name() const;
    [[nodiscard]] std::string name(std::uint64_t offset) const;

    struct Ending {
        StreamEnd end = StreamEnd::empty;
        /// Payload bytes, by the number of the last block; where the end is damaged, those of the
        /// blocks before the last. Less than 2 * records + kStraysMax blocks.
        std::uint64_t stream_size = 0;
    };
    static constexpr std::uint64_t kStraysMax = 64;
    /// Records before the last, where that cannot be read.
    static constexpr std::uint64_t kEndsLookedAt = 8;
    /// Reads the last block, once; where that is neither the end nor the block of its number, all
    /// blocks, as the end may be out of place. Errors: those of the medium that are not of the tape
    /// file (transient, cancelled, ...).
    Awaitable<Result<Ending>> ending();
    /// After ending(), by what its last block says: each record is the block of its number. Else
    /// blocks are missing, or there twice, or another tape file begins inside.
    [[nodiscard]] bool is_regular() const noexcept {
        return blocks_ == extent_.records && !ends_inside_;
    }
    /// Records up to a block that ends its stream, where those behind it go on with the numbers:
    /// they are of another tape file, which lost its first blocks and the filemark before it. Looks
    /// through all blocks, once. Errors: as ending().
    Awaitable<Result<std::optional<std::uint64_t>>> end_inside();
    /// After ending(), and after all that is wanted was read: a sentence with tape, tape file,
    /// block and record, where one does not follow the one before it. Nothing, if each block that
    /// was read stood in its record; else looks through all of them, once. Errors: as ending().
    Awaitable<Result<std::optional<std::string>>> out_of_place();
    /// Reads all of it: what is wrong with the first that cannot be read. Errors: as ending().
    Awaitable<Result<std::optional<std::string>>> first_damage();
    /// After reading: no record could be read.
    [[nodiscard]] bool is_unreadable() const noexcept {
        return extent_.records > 0 && unreadable_.size() >= extent_.records;
    }

    /// Blocks that cannot be read are remembered, so many of them; what is behind is asked for each
    /// time.
    static constexpr std::size_t kUnreadableMax = 4096;

    /// Fills `into` from `offset` on, as far as the stream goes; the number of bytes. Errors:
    /// corrupt (a block that is not what it should be, named; what stands before it can be read).
    Awaitable<Result<std::size_t>> read(std::uint64_t offset, MutableByteView into);
    /// The same, of exactly so many bytes; not enough of them: corrupt.
    Awaitable<Result<void>> read_all(std::uint64_t offset, MutableByteView into);
    /// From the next read on.
    void read_ahead(std::size_t blocks) noexcept { read_ahead_ = blocks; }
    /// Gives back the memory of what is at hand.
    void let_go() noexcept { window_.clear(); }

  private:
    Awaitable<Result<ByteView>> payload(std::uint64_t block, std::size_t blocks_wanted);
    Awaitable<Result<ByteView>> payload_elsewhere(std::uint64_t block, Error failure);
    Result<ByteView> checked_payload(std::uint64_t block, ByteView record);
    [[nodiscard]] std::uint64_t place_of(std::uint64_t block) const;
    Awaitable<Result<std::optional<std::uint64_t>>> search(std::uint64_t block);
    Awaitable<Result<std::optional<std::uint64_t>>> number_in(std::uint64_t record);
    void note_place(std::uint64_t block, std::uint64_t record);
    Awaitable<Result<void>> look_through();
    void note_order(std::uint64_t record, std::uint64_t block, std::uint64_t expected);
    void note_end(std::uint64_t record, const PbsBlockHeader& header);
    [[nodiscard]] std::optional<std::uint64_t> seen_place_of(std::uint64_t block) const;
    Awaitable<Result<void>> end_out_of_place();
    Awaitable<Result<ByteView>> record(std::uint64_t number, std::size_t wanted);
    Awaitable<Result<void>> fetch(std::uint64_t record, std::size_t wanted);
    void tell_what_follows();
    [[nodiscard]] Error corrupt(std::uint64_t block, const std::string& why) const;

    TapeMedium& medium_;
    const std::uint64_t number_;
    const TapeFileExtent extent_;
    std::size_t read_ahead_;
    std::vector<Buffer> window_;  ///< records from number window_first_ on
    std::uint64_t window_first_ = 0;
    std::uint64_t run_ = 0;  ///< records fetched one behind the other, up to those of the window
    std::map<std::uint64_t, Error> unreadable_;  ///< by record
    std::map<std::uint64_t, Error> lost_;        ///< by block
    /// Records of blocks, where one was looked for; between them each is where the one before it
    /// lets expect it.
    std::map<std::uint64_t, std::uint64_t> places_;
    /// Blocks one behind the other in as many records.
    struct Run {
        std::uint64_t record = 0;
        std::uint64_t blocks = 0;
    };
    static constexpr std::size_t kRunsMax = 4096;
    /// All that can be read, by the first block, where one is out of place; so many at most.
    std::map<std::uint64_t, Run> runs_;
    std::optional<PbsBlockHeader> end_seen_;
    struct StreamBorder {
        std::uint64_t block = 0;
        std::uint64_t records = 0;  ///< with that of the block
        bool goes_on = false;       ///< there are blocks of larger numbers behind it
    };
    std::optional<StreamBorder> border_;
    bool looked_through_ = false;
    bool met_another_ = false;  ///< where a block should stand another one did
    struct OutOfPlace {
        std::uint64_t record = 0;
        std::uint64_t block = 0;     ///< that stands there
        std::uint64_t expected = 0;  ///< by the one before it; of the first: 0
        std::uint64_t more = 0;      ///< records that do not follow the one before them, either
    };
    std::optional<OutOfPlace> out_of_place_;
    bool ends_inside_ = false;  ///< a block that is not the last says that it is
    std::uint64_t blocks_;      ///< as many as records, until the last one was read
    bool ending_known_ = false;
    Ending ending_;
};

}  // namespace tapeloft::media
