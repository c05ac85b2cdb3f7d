// Brings what is in the spool into the store, one library, in the order that FORMAT.md derives:
// packs, index, cartridge log, catalog, and the spool file goes. Belongs to one strand, but for
// what says otherwise.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"

#include "media/archive/chunk_pipeline.h"
#include "media/archive/departures.h"
#include "media/archive/metadata_log.h"
#include "media/archive/setbacks.h"
#include "media/archive/tape_stream.h"
#include "media/archive/task_group.h"
#include "media/cartridge/spool.h"
#include "media/catalog/archive_catalog.h"

namespace tapeloft::media {

class SegmentsAhead;

struct ArchiverSettings {
    std::string library;
    /// Segments of one cartridge that are worth a commit by themselves; fewer wait for the tick.
    std::size_t segments_wanted = 4;
    /// At most this many are read at once; a commit may have as many that were read before.
    std::size_t segments_max = 16;
    /// How long what is there waits for more.
    std::chrono::milliseconds tick{2'000};
    /// And how long after the last commit, while the host writes on: a commit costs requests.
    std::chrono::milliseconds small_commits_apart{10'000};
    StoreAccess::Pauses pauses;  ///< before a cartridge that failed is tried again
};

class Archiver {
  public:
    Archiver(ArchiveParts parts, SpoolContext spool, ArchiverSettings settings);

    /// Until stop(). Once.
    Awaitable<void> run();
    /// Any thread. What is under way is given up where it is; nothing is lost by that.
    void stop();
    /// Any thread: there may be work.
    void wake();

    /// Returns when all of the cartridge that is sealed now, and all its changes, are in the store;
    /// or, after `patience`, with what is in the way. Errors: transient, cancelled; precondition
    /// (another daemon writes to the store).
    Awaitable<Result<void>> store_all(CartridgeId id, std::chrono::milliseconds patience);
    /// Returns true when the spool has room for `bytes`; false after `patience`.
    Awaitable<bool> wait_for_room(std::uint64_t bytes, std::chrono::milliseconds patience);

    /// Any thread; see ArchivePort.
    [[nodiscard]] bool is_stored(CartridgeId cartridge, std::uint64_t segment) const;
    /// Blocks; not at all where kWaitingMax others do.
    void wait_stored(CartridgeId cartridge, std::uint64_t segment, std::chrono::milliseconds most);
    void closed(CartridgeId cartridge);
    /// For what any thread may ask of it.
    [[nodiscard]] Departures& departures() noexcept { return departures_; }

    /// Runs `work` when nothing is under way, nothing half-archived is kept, and nothing is
    /// archived until it is done: garbage collection.
    Awaitable<Result<void>> in_quiet(std::function<Awaitable<Result<void>>()> work);

    /// Any thread: in_quiet() that waits, and every later one, is cancelled.
    void refuse_quiet();
    /// Any thread: store_all(), wait_for_room() and wait_stored() end now, whatever they wait for,
    /// and later ones at once.
    void end_waits();

    /// Nothing is archived any more. Before run(), or on the strand.
    void fence(const Error& cause);
    /// Another daemon writes to the store, or the catalog is an old copy. Any thread.
    [[nodiscard]] bool fenced() const noexcept { return fenced_; }

  private:
    /// Threads of the disk executor in wait_stored(): the archive needs the others.
    static constexpr std::size_t kWaitingMax = 2;
    /// A failure that lasts is told again so often.
    static constexpr std::chrono::hours kReminder{1};
    /// Segments of one stream that wait for the end of their last chunk: tiny ones, then it is cut.
    static constexpr std::size_t kHeldMax = 256;

    /// A cartridge whose stream goes on: what was read of it and is not committed yet.
    struct Live {
        TapeStream stream;
        std::vector<TapeStream::Finished> finished;  ///< in front of what the stream holds
        std::unique_ptr<ChunkPipeline> pipeline;

        [[nodiscard]] std::size_t uncommitted() const noexcept {
            return finished.size() + stream.held();
        }
        [[nodiscard]] bool idle() const noexcept { return uncommitted() == 0; }
        [[nodiscard]] bool holds(const SegmentRecord& row) const noexcept;
        void take_finished();
    };
    /// A number is never used twice, but what has it may be cut shorter.
    static constexpr bool are_same_segment(const SegmentRecord& a, const SegmentRecord& b) {
        return a.number == b.number && a.object_count == b.object_count;
    }
    /// What people were told of passes that fail one after the other.
    struct Failing {
        Errc code;
        std::chrono::steady_clock::time_point told;
    };
    /// What is archived besides what is worth a commit by itself.
    enum class Urgency : std::uint8_t {
        none,
        tick,    ///< what has waited long enough
        at_once  ///< everything: somebody waits
    };
    struct Request {
        CartridgeId id = 0;
        std::optional<Result<void>> result;
    };

    Awaitable<bool> wait_for_work();
    Awaitable<void> serve_requests();
    Awaitable<Result<void>> pass(bool tick);
    Awaitable<Result<void>> archive(CartridgeId id, Urgency urgency);
    Awaitable<Result<bool>> archive_some(CartridgeId id, Urgency urgency,
                                         std::optional<std::uint64_t> before);
    [[nodiscard]] static bool end_before(std::uint64_t segment, ArchiveWork& work);
    Awaitable<Result<void>> read_segments(Live& live, const CartridgeRecord& record,
                                          std::span<const SegmentRecord> rows, bool& broke_off,
                                          const std::function<bool(std::size_t)>& enough);
    [[nodiscard]] std::optional<std::vector<SegmentRecord>> new_segments(Live& live,
                                                                         const ArchiveWork& work);
    [[nodiscard]] bool worth_it(const ArchiveWork& work, std::size_t segments,
                                Urgency urgency) const;
    Awaitable<Result<void>> read_segment(Live& live, const CartridgeRecord& record,
                                         const SegmentRecord& row, SegmentsAhead& ahead);
    Awaitable<Result<void>> check_still_there(CartridgeId id, const SegmentRecord& row);
    Awaitable<Result<void>> read_on(Live& live, const ArchiveWork& work,
                                    const std::vector<SegmentRecord>& segments);
    static Awaitable<void> end_chunk(Live& live);
    Awaitable<Result<void>> commit(Live& live, const ArchiveWork& work);
    [[nodiscard]] static StoredSegment describe(const ChunkPipeline& pipeline,
                                                const TapeStream::Finished& finished);
    Awaitable<void> let_go(CartridgeRecord record,
                           const std::vector<TapeStream::Finished>& finished);
    void tell_of(const Result<void>& done, bool tick);
    void report(const CartridgeRecord& record, const SegmentRecord& row, const std::string& damage);
    Awaitable<void> drop(CartridgeId id);
    Awaitable<void> drop_live();
    Awaitable<bool> wait_until(std::chrono::steady_clock::time_point deadline,
                               std::function<bool()> met);
    void notify();
    [[nodiscard]] Error why_not(const std::string& otherwise) const;
    [[nodiscard]] static Error fenced_error();

    ArchiveParts parts_;
    SpoolContext spool_;
    ArchiverSettings settings_;
    MetadataLog log_;
    std::map<CartridgeId, Live> live_;
    std::vector<std::shared_ptr<Request>> requests_;
    Departures departures_;
    Setbacks setbacks_;
    bool committed_ = false;                   ///< by the last archive_some()
    std::optional<SegmentRecord> unreadable_;  ///< the segment archive_some() failed to read
    std::vector<boost::asio::steady_timer*> waiters_;  ///< of wait_until()
    boost::asio::steady_timer woken_;                  ///< cancelled by wake()
    std::chrono::steady_clock::time_point next_tick_{};
    std::map<CartridgeId, std::chrono::steady_clock::time_point> next_small_;  ///< commit
    std::optional<Failing> failing_;  ///< since a pass failed, until one works
    std::size_t quiet_wanted_ = 0;
    bool quiet_ = false;     ///< run() waits until nobody wants it quiet
    bool in_quiet_ = false;  ///< somebody makes use of it
    std::atomic<bool> work_ = false;
    std::atomic<bool> quiet_refused_ = false;
    std::atomic<bool> waits_ended_ = false;
    std::atomic<bool> fenced_ = false;
    mutable std::mutex stored_mutex_;
    std::condition_variable stored_changed_;
    std::size_t waiting_ = 0;                                ///< in wait_stored()
    std::map<CartridgeId, std::set<std::uint64_t>> stored_;  ///< complete, not sealed by the tape
};

}  // namespace tapeloft::media
