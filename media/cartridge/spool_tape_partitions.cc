// SpoolTape: partitions. Only the segments of the partition that the position is in may be
// unsealed.
#include <algorithm>
#include <string>

#include "media/cartridge/spool_tape.h"

namespace tapeloft::media {

std::uint32_t SpoolTape::partition_count() const noexcept {
    return static_cast<std::uint32_t>(capacities_.size());
}

const PositionIndex& SpoolTape::index_of(std::uint32_t partition) const {
    TL_ASSERT(partition < capacities_.size());
    return partition == partition_ ? index_ : resting_[partition];
}

Capacity SpoolTape::capacity(std::uint32_t partition) const noexcept {
    const auto& index = index_of(partition);
    const auto native = capacities_[partition];
    const auto used_to_position = partition == partition_ ? place_.byte : 0;
    return {native, early_warning_point(native), used_to_position, index.end().byte};
}

std::uint64_t SpoolTape::end_of_data(std::uint32_t partition) const noexcept {
    return index_of(partition).end().object;
}

Awaitable<Result<void>> SpoolTape::change_partition(std::uint32_t partition) {
    if (partition >= capacities_.size()) {
        co_return Error{
            Errc::invalid_argument,
            "cartridge " + record_.barcode + " has no partition " + std::to_string(partition)};
    }
    if (partition != partition_) {
        TL_CO_CHECK(co_await make_durable(true));
        std::swap(index_, resting_[partition_]);
        partition_ = partition;
        std::swap(index_, resting_[partition_]);
        behind_->go_to_end(index_.end().object);
        forget_what_was_read();
    }
    place_ = {};
    co_return Result<void>();
}

Awaitable<Result<bool>> SpoolTape::only_filemarks_follow() {
    TL_CO_CHECK(co_await absorb_failure());
    const auto end = index_.end();
    co_return end.object - place_.object == end.file - place_.file;
}

Result<void> SpoolTape::check_capacities(const std::vector<std::uint64_t>& capacities) const {
    if (capacities.empty() || capacities.size() > kPartitionsMax) {
        return Error{Errc::invalid_argument, "a cartridge has 1 to 4 partitions"};
    }
    auto left = record_.capacity;
    for (const auto capacity : capacities) {
        if (capacity < kPartitionCapacityMin || capacity > left) {
            return Error{Errc::invalid_argument, "the partitions of cartridge " + record_.barcode +
                                                     " have 1 MiB or more each, and all together " +
                                                     std::to_string(record_.capacity) +
                                                     " bytes or less"};
        }
        left -= capacity;
    }
    return {};
}

Awaitable<Result<void>> SpoolTape::format(std::vector<std::uint64_t> capacities) {
    if (record_.write_protected) {
        co_return Error{Errc::denied, "cartridge " + record_.barcode + " is write protected"};
    }
    TL_CO_CHECK(check_capacities(capacities));
    TL_CO_CHECK(co_await settle());
    failure_.reset();  // what was lost is of no interest any more
    TailCut cut;
    cut.removed = abandoned_;
    for (std::uint32_t partition = 0; partition < capacities_.size(); ++partition) {
        const auto& index = index_of(partition);
        for (std::size_t i = 0; i < index.size(); ++i) {
            cut.removed.push_back(index.segment(i).row.number);
        }
    }
    if (must_cut_ || !cut.removed.empty() || capacities != capacities_) {
        cut.recycle = !must_cut_;
        cut.format = capacities;
        cut.marker.number = next_number_++;
        cut.marker.sealed = true;
        TL_CO_CHECK(co_await carry_out(std::move(cut)));
        capacities_ = std::move(capacities);
        index_ = PositionIndex();
        resting_.clear();
        for (std::uint32_t partition = 0; partition < capacities_.size(); ++partition) {
            resting_.emplace_back(partition);
        }
        partition_ = 0;
        behind_->go_to_end(0);
        forget_what_was_read();
    } else if (partition_ != 0) {  // nothing is on it
        std::swap(index_, resting_[partition_]);
        partition_ = 0;
        std::swap(index_, resting_[partition_]);
        behind_->go_to_end(0);
    }
    place_ = {};
    co_return co_await keep_promise();
}

}  // namespace tapeloft::media
