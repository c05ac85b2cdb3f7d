// A tape in memory that keeps to media/cartridge/block_io.h, with faults on demand.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include "media/cartridge/block_io.h"

namespace tapeloft::vtl::drive {

/// A partition that the position is not in.
struct FakePartition {
    std::vector<std::optional<Buffer>> objects;
    std::vector<media::RecordEncoding> encodings;
    std::uint64_t native = 0;
    std::uint64_t early_warning = 0;
};

/// What a test looks at and sets, also while the drive owns the tape.
struct FakeTapeControl {
    std::vector<std::optional<Buffer>> objects;    // a filemark is nothing
    std::vector<media::RecordEncoding> encodings;  // as many
    std::uint32_t partition = 0;                   // whose objects and capacity stand here
    std::vector<FakePartition> partitions = std::vector<FakePartition>(1);
    std::size_t position = 0;
    std::size_t synced_objects = 0;  // what would survive a crash
    std::uint64_t native = 1'000'000'000;
    std::uint64_t early_warning = 900'000'000;
    bool write_protected = false;
    bool destroyed = false;
    std::uint32_t sync_calls = 0;
    std::uint32_t flush_calls = 0;
    std::optional<Error> read_error;    // of the next read
    std::optional<Error> write_error;   // of the next write
    std::optional<Error> sync_error;    // of the next sync
    std::optional<Error> locate_error;  // of the next locate_object()
    bool hold = false;                  // every operation waits until release()
    bool hold_motion = false;           // the same, but for sync
    std::unique_ptr<boost::asio::steady_timer> gate;

    explicit FakeTapeControl(Executor executor)
        : gate(std::make_unique<boost::asio::steady_timer>(
              executor, boost::asio::steady_timer::time_point::max())) {}
    void release() {
        hold = false;
        hold_motion = false;
        gate->cancel();
    }
};

class FakeTape final : public media::Tape {
  public:
    explicit FakeTape(std::shared_ptr<FakeTapeControl> control) : c_(std::move(control)) {}
    ~FakeTape() override { c_->destroyed = true; }

    Awaitable<Result<media::ReadOutcome>> read() override {
        co_await pass();
        if (c_->read_error) {
            co_return *std::exchange(c_->read_error, std::nullopt);
        }
        media::ReadOutcome outcome;
        if (c_->position < c_->objects.size()) {
            const auto& object = c_->objects[c_->position++];
            outcome.kind = object ? media::ReadKind::record : media::ReadKind::filemark;
            outcome.record = object.value_or(Buffer());
            if (c_->position <= c_->encodings.size()) {
                outcome.encoding = c_->encodings[c_->position - 1];
            }
        }
        co_return outcome;
    }

    Awaitable<Result<media::WriteOutcome>> write_encoded(Buffer record,
                                                         media::RecordEncoding encoding) override {
        co_await pass();
        if (c_->write_error) {
            co_return *std::exchange(c_->write_error, std::nullopt);
        }
        if (used(c_->position) + record.size() > c_->native) {
            co_return Error{Errc::end_of_medium, "full"};
        }
        append(std::move(record), encoding);
        co_return warned();
    }

    Awaitable<Result<media::WriteOutcome>> write_filemarks(std::uint32_t count) override {
        co_await pass();
        for (std::uint32_t i = 0; i < count; ++i) {
            append(std::nullopt, media::RecordEncoding::plain);
        }
        co_return warned();
    }

    Awaitable<Result<void>> sync() override {
        while (c_->hold) {
            co_await c_->gate->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
        ++c_->sync_calls;
        if (c_->sync_error) {
            c_->objects.resize(c_->synced_objects);
            c_->position = std::min(c_->position, c_->synced_objects);
            co_return *std::exchange(c_->sync_error, std::nullopt);
        }
        c_->synced_objects = c_->objects.size();
        co_return Result<void>();
    }
    Awaitable<Result<void>> flush() override {
        ++c_->flush_calls;
        const auto before = c_->sync_calls;
        auto done = co_await sync();
        c_->sync_calls = before;  // nobody was promised anything
        co_return done;
    }

    media::Position position() const noexcept override {
        media::Position position;
        position.partition = c_->partition;
        position.logical_object_number = c_->position;
        for (std::size_t i = 0; i < c_->position; ++i) {
            position.logical_file_number += mark(i) ? 1U : 0U;
        }
        return position;
    }
    bool at_end_of_data() const noexcept override { return c_->position == c_->objects.size(); }
    media::Capacity capacity() const noexcept override {
        return {c_->native, c_->early_warning, used(c_->position), used(c_->objects.size())};
    }
    bool write_protected() const noexcept override { return c_->write_protected; }

    Awaitable<Result<media::SpaceOutcome>> space_records(std::int64_t count) override {
        co_await pass();
        media::SpaceOutcome outcome;
        const auto wanted = static_cast<std::uint64_t>(std::abs(count));
        while (outcome.moved < wanted) {
            if (!step(count > 0, outcome.stop)) {
                break;
            }
            if (mark(passed(count > 0))) {
                outcome.stop = media::SpaceStop::filemark;
                break;
            }
            ++outcome.moved;
        }
        co_return outcome;
    }

    Awaitable<Result<media::SpaceOutcome>> space_filemarks(std::int64_t count) override {
        co_await pass();
        media::SpaceOutcome outcome;
        const auto wanted = static_cast<std::uint64_t>(std::abs(count));
        while (outcome.moved < wanted && step(count > 0, outcome.stop)) {
            outcome.moved += mark(passed(count > 0)) ? 1U : 0U;
        }
        co_return outcome;
    }

    Awaitable<Result<media::SpaceOutcome>> space_sequential_filemarks(std::int64_t count) override {
        co_await pass();
        media::SpaceOutcome outcome;
        const auto wanted = static_cast<std::uint64_t>(std::abs(count));
        while (outcome.moved < wanted && step(count > 0, outcome.stop)) {
            outcome.moved = mark(passed(count > 0)) ? outcome.moved + 1 : 0;
        }
        co_return outcome;
    }

    Awaitable<Result<void>> space_to_end_of_data() override {
        co_await pass();
        c_->position = c_->objects.size();
        co_return Result<void>();
    }

    Awaitable<Result<bool>> locate_object(std::uint64_t object) override {
        co_await pass();
        if (c_->locate_error) {
            co_return *std::exchange(c_->locate_error, std::nullopt);
        }
        c_->position =
            static_cast<std::size_t>(std::min<std::uint64_t>(object, c_->objects.size()));
        co_return object <= c_->objects.size();
    }

    Awaitable<Result<bool>> locate_file(std::uint64_t file) override {
        co_await pass();
        c_->position = 0;
        while (file > 0 && c_->position < c_->objects.size()) {
            file -= mark(c_->position++) ? 1U : 0U;
        }
        co_return file == 0;
    }

    Awaitable<Result<void>> erase_to_end() override {
        co_await pass();
        c_->objects.resize(c_->position);
        c_->synced_objects = c_->position;
        co_return Result<void>();
    }

    std::uint32_t partition_count() const noexcept override {
        return static_cast<std::uint32_t>(c_->partitions.size());
    }
    media::Capacity capacity(std::uint32_t partition) const noexcept override {
        if (partition == c_->partition) {
            return capacity();
        }
        const auto& resting = c_->partitions[partition];
        return {resting.native, resting.early_warning, 0,
                used(resting.objects, resting.objects.size())};
    }
    std::uint64_t end_of_data(std::uint32_t partition) const noexcept override {
        return partition == c_->partition ? c_->objects.size()
                                          : c_->partitions[partition].objects.size();
    }
    Awaitable<Result<void>> change_partition(std::uint32_t partition) override {
        co_await pass();
        if (partition >= c_->partitions.size()) {
            co_return Error{Errc::invalid_argument, "no such partition"};
        }
        swap_with_resting();
        c_->partition = partition;
        swap_with_resting();
        c_->position = 0;
        c_->synced_objects = c_->objects.size();
        co_return Result<void>();
    }
    Awaitable<Result<bool>> only_filemarks_follow() override {
        co_await pass();
        bool only = true;
        for (std::size_t i = c_->position; i < c_->objects.size(); ++i) {
            only = only && mark(i);
        }
        co_return only;
    }

    Awaitable<Result<void>> format(std::vector<std::uint64_t> capacities) override {
        co_await pass();
        if (capacities.empty() || capacities.size() > media::kPartitionsMax) {
            co_return Error{Errc::invalid_argument, "1 to 4 partitions"};
        }
        c_->partitions.clear();
        for (const auto native : capacities) {
            FakePartition partition;
            partition.native = native;
            partition.early_warning = native / 10 * 9;
            c_->partitions.push_back(std::move(partition));
        }
        c_->objects.clear();
        c_->encodings.clear();
        c_->partition = 0;
        c_->native = c_->partitions[0].native;
        c_->early_warning = c_->partitions[0].early_warning;
        c_->position = 0;
        c_->synced_objects = 0;
        co_return Result<void>();
    }

  private:
    Awaitable<void> pass() {
        while (c_->hold || c_->hold_motion) {
            co_await c_->gate->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        }
    }
    void swap_with_resting() {
        auto& resting = c_->partitions[c_->partition];
        std::swap(c_->objects, resting.objects);
        std::swap(c_->encodings, resting.encodings);
        std::swap(c_->native, resting.native);
        std::swap(c_->early_warning, resting.early_warning);
    }
    bool mark(std::size_t object) const { return !c_->objects[object].has_value(); }
    std::size_t passed(bool forward) const { return forward ? c_->position - 1 : c_->position; }
    bool step(bool forward, media::SpaceStop& stop) {
        if (forward && c_->position == c_->objects.size()) {
            stop = media::SpaceStop::end_of_data;
            return false;
        }
        if (!forward && c_->position == 0) {
            stop = media::SpaceStop::beginning_of_partition;
            return false;
        }
        c_->position = forward ? c_->position + 1 : c_->position - 1;
        return true;
    }
    void append(std::optional<Buffer> object, media::RecordEncoding encoding) {
        c_->objects.resize(c_->position);
        c_->encodings.resize(c_->position);
        c_->objects.push_back(std::move(object));
        c_->encodings.push_back(encoding);
        ++c_->position;
        c_->synced_objects = std::min(c_->synced_objects, c_->position - 1);
    }
    static std::uint64_t used(const std::vector<std::optional<Buffer>>& objects, std::size_t end) {
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < end; ++i) {
            bytes += objects[i] ? objects[i]->size() : 0;
        }
        return bytes;
    }
    std::uint64_t used(std::size_t end) const { return used(c_->objects, end); }
    media::WriteOutcome warned() const { return {used(c_->position) >= c_->early_warning}; }

    std::shared_ptr<FakeTapeControl> c_;
};

}  // namespace tapeloft::vtl::drive
