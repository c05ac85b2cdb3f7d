// The queue between the strand of a drive and the disk: write() puts a frame in and returns, a job
// on the disk executor takes batches out.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"
#include "cloud/base/signal.h"

#include "media/cartridge/spool.h"
#include "media/cartridge/tail_writer.h"

namespace tapeloft::media {

/// Held by shared_ptr: a job that runs keeps it alive. "Strand": the drive's.
class WriteBehind : public std::enable_shared_from_this<WriteBehind> {
  public:
    /// Most that may wait here: payload, and kFrameCost for each frame.
    static constexpr std::size_t kQueuedMax = 32UL * 1024 * 1024;
    static constexpr std::size_t kFrameCost = 128;
    /// A job begins when this much waits, or when somebody waits for it: handing a record over to
    /// another thread costs more than writing it. Whoever promises durability drains.
    static constexpr std::size_t kBatchStart = 4UL * 1024 * 1024;

    WriteBehind(SpoolContext context, const CartridgeRecord& cartridge,
                std::shared_ptr<SpoolFiles> files, const TailStart& start);

    // On the strand, not while a call waits:
    void begin_segment(const SegmentRecord& row);
    void push(PendingFrame frame);
    /// Returns when `cost` more may be pushed, or when it failed.
    Awaitable<void> wait_for_room(std::size_t cost);
    /// Returns when all that was pushed stands in the files, or when it failed.
    Awaitable<void> drain();
    [[nodiscard]] bool has_room(std::size_t cost) const;
    /// Objects that were pushed and stand in the files.
    [[nodiscard]] std::uint64_t written_end() const;

    struct Failure {
        Error error;
        std::uint64_t end = 0;  ///< objects that are sound: the tape ends there now
    };
    [[nodiscard]] bool failed() const;
    /// What went wrong, once. The segments must then be cut before anything is pushed again.
    std::optional<Failure> take_failure();
    /// After a cut: the next frame is object `end`.
    void set_end(std::uint64_t end);

    /// To another partition, which ends behind `end` objects. All is sealed, nothing is queued.
    void go_to_end(std::uint64_t end);

    using TailWork = std::function<Result<void>(TailWriter&)>;
    /// Runs `work` on the disk executor. Only when drained.
    Awaitable<Result<void>> run(TailWork work);

    /// With the next job: TailWriter::drop_spares().
    void drop_spares();
    /// The tape is gone: what still waits is dropped.
    void abandon();
    /// TailWriter::durable_end(). Only when drained.
    [[nodiscard]] std::uint64_t durable_end() const noexcept { return tail_.durable_end(); }

  private:
    struct DropSpares {};
    using Item = std::variant<SegmentRecord, PendingFrame, DropSpares>;
    static constexpr std::size_t kBatchCost = 8UL * 1024 * 1024;

    [[nodiscard]] static std::size_t cost_of(const Item& item);
    void push_item(Item item);
    void post_job();
    void work_once();
    std::vector<Item> take_batch();
    struct Progress {
        std::size_t items = 0;      ///< of the batch
        std::uint64_t objects = 0;  ///< in them
    };
    Result<void> write_batch(const std::vector<Item>& batch, Progress& done);
    /// False: nothing comes behind it, the tape is gone.
    [[nodiscard]] bool settle(const std::vector<Item>& batch, Progress done, Result<void> outcome);
    void drop_queue();
    void give_back(const Item& item);
    Awaitable<void> wait_below(std::size_t cost);

    SpoolContext context_;
    std::shared_ptr<SpoolFiles> files_;
    TailWriter tail_;  ///< used by one job at a time

    mutable std::mutex mutex_;
    std::deque<Item> queue_;
    std::size_t queued_cost_ = 0;  ///< of queue_ and of the batch that is being written
    bool running_ = false;
    bool abandoned_ = false;
    std::uint64_t written_end_;
    std::optional<Failure> failure_;
    std::size_t wake_below_ = 0;
    std::shared_ptr<Signal> waiter_;
};

}  // namespace tapeloft::media
