#include "media/cartridge/write_behind.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

WriteBehind::WriteBehind(SpoolContext context, const CartridgeRecord& cartridge,
                         std::shared_ptr<SpoolFiles> files, const TailStart& start)
    : context_(std::move(context)),
      files_(std::move(files)),
      tail_(context_, cartridge, *files_, start),
      written_end_(start.end) {}

std::size_t WriteBehind::cost_of(const Item& item) {
    const auto* frame = std::get_if<PendingFrame>(&item);
    return kFrameCost + (frame != nullptr ? frame->record.size() : 0);
}

void WriteBehind::begin_segment(const SegmentRecord& row) {
    push_item(row);
}

void WriteBehind::push(PendingFrame frame) {
    push_item(std::move(frame));
}

void WriteBehind::drop_spares() {
    push_item(DropSpares{});
}

void WriteBehind::push_item(Item item) {
    bool start = false;
    {
        const std::lock_guard lock(mutex_);
        if (failure_) {
            give_back(item);  // the strand learns of the failure with its next call
            return;
        }
        queued_cost_ += cost_of(item);
        queue_.push_back(std::move(item));
        start = !running_ && queued_cost_ >= kBatchStart;
        running_ = running_ || start;
    }
    if (start) {
        post_job();
    }
}

void WriteBehind::post_job() {
    boost::asio::post(context_.disk, [self = shared_from_this()] { self->work_once(); });
}

/// One batch; then the executor may do something else.
void WriteBehind::work_once() {
    const auto batch = take_batch();
    Progress done;
    auto outcome = write_batch(batch, done);
    if (!settle(batch, done, std::move(outcome))) {
        tail_.abandon();
    }
}

std::vector<WriteBehind::Item> WriteBehind::take_batch() {
    const std::lock_guard lock(mutex_);
    std::vector<Item> batch;
    std::size_t cost = 0;
    while (!queue_.empty() && (batch.empty() || cost + cost_of(queue_.front()) <= kBatchCost)) {
        cost += cost_of(queue_.front());
        batch.push_back(std::move(queue_.front()));
        queue_.pop_front();
    }
    return batch;
}

Result<void> WriteBehind::write_batch(const std::vector<Item>& batch, Progress& done) {
    std::vector<PendingFrame> frames;
    const auto append = [&]() -> Result<void> {
        if (frames.empty()) {
            return {};
        }
        TL_CHECK(tail_.append(frames));
        for (const auto& frame : frames) {
            done.objects += frame.record.empty() ? frame.filemarks : 1;
        }
        done.items += frames.size();
        frames.clear();
        return {};
    };
    for (const auto& item : batch) {
        if (const auto* row = std::get_if<SegmentRecord>(&item); row != nullptr) {
            TL_CHECK(append());
            TL_CHECK(tail_.begin_segment(*row));
            ++done.items;
        } else if (std::holds_alternative<DropSpares>(item)) {
            TL_CHECK(append());
            tail_.drop_spares();
            ++done.items;
        } else {
            frames.push_back(std::get<PendingFrame>(item));
        }
    }
    return append();
}

bool WriteBehind::settle(const std::vector<Item>& batch, Progress done, Result<void> outcome) {
    std::shared_ptr<Signal> wake;
    bool more = false;
    bool alive = true;
    {
        const std::lock_guard lock(mutex_);
        alive = !abandoned_;
        for (const auto& item : batch) {
            queued_cost_ -= cost_of(item);
        }
        written_end_ += done.objects;
        if (!outcome) {
            failure_ = Failure{std::move(outcome).error(), written_end_};
            std::for_each(batch.begin() + static_cast<std::ptrdiff_t>(done.items), batch.end(),
                          [this](const Item& item) { give_back(item); });
        }
        if (failure_ || abandoned_) {
            drop_queue();
        }
        more = !queue_.empty() && (waiter_ || queued_cost_ >= kBatchStart);
        running_ = more;
        if (waiter_ && (queued_cost_ <= wake_below_ || failure_)) {
            wake = std::exchange(waiter_, nullptr);
        }
    }
    if (more) {
        post_job();
    }
    if (wake) {
        wake->set();
    }
    return alive;
}

void WriteBehind::drop_queue() {
    for (const auto& item : queue_) {
        queued_cost_ -= cost_of(item);
        give_back(item);
    }
    queue_.clear();
}

/// The bytes the strand took from the budget for it.
void WriteBehind::give_back(const Item& item) {
    if (const auto* frame = std::get_if<PendingFrame>(&item); frame != nullptr) {
        context_.budget.give_back(layout::frame::kHeaderSize + frame->record.size());
    } else if (std::holds_alternative<SegmentRecord>(item)) {
        context_.budget.give_back(kSegmentDataOffset);
    }
}

bool WriteBehind::has_room(std::size_t cost) const {
    const std::lock_guard lock(mutex_);
    return failure_ || queued_cost_ == 0 || queued_cost_ + cost <= kQueuedMax;
}

Awaitable<void> WriteBehind::wait_for_room(std::size_t cost) {
    return wait_below(cost < kQueuedMax ? kQueuedMax - cost : 0);
}

Awaitable<void> WriteBehind::drain() {
    return wait_below(0);
}

Awaitable<void> WriteBehind::wait_below(std::size_t cost) {
    auto signal = std::make_shared<Signal>();
    bool start = false;
    {
        const std::lock_guard lock(mutex_);
        TL_ASSERT(!waiter_);
        if (queued_cost_ <= cost) {
            co_return;
        }
        wake_below_ = cost;
        waiter_ = signal;
        start = !std::exchange(running_, true);
    }
    if (start) {
        post_job();
    }
    co_await signal->wait();
}

Awaitable<Result<void>> WriteBehind::run(TailWork work) {
    auto job = [self = shared_from_this(), work = std::move(work)] { return work(self->tail_); };
    auto disk = context_.disk;
    co_return co_await run_on(std::move(disk), std::move(job));
}

std::uint64_t WriteBehind::written_end() const {
    const std::lock_guard lock(mutex_);
    return written_end_;
}

bool WriteBehind::failed() const {
    const std::lock_guard lock(mutex_);
    return failure_.has_value();
}

std::optional<WriteBehind::Failure> WriteBehind::take_failure() {
    const std::lock_guard lock(mutex_);
    TL_ASSERT(!running_);
    return std::exchange(failure_, std::nullopt);
}

void WriteBehind::set_end(std::uint64_t end) {
    const std::lock_guard lock(mutex_);
    TL_ASSERT(!running_);
    written_end_ = end;
}

void WriteBehind::go_to_end(std::uint64_t end) {
    set_end(end);
    tail_.go_to_end(end);
}

void WriteBehind::abandon() {
    bool start = false;
    {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
        if (!running_) {
            drop_queue();
            start = tail_.has_spares();
            running_ = start;
        }
    }
    if (start) {
        post_job();
    }
}

}  // namespace tapeloft::media
