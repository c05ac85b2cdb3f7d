#include "media/cartridge/read_ahead.h"

#include <algorithm>
#include <utility>

namespace tapeloft::media {

std::uint64_t ReadAhead::length_of(const Batch& batch) noexcept {
    return batch.wanted.frames.back().end() - batch.wanted.frames.front().offset;
}

std::shared_ptr<ReadAhead::Batch> ReadAhead::add(RecordBatch batch) {
    TL_ASSERT(!batch.frames.empty());
    auto added = std::make_shared<Batch>();
    added->wanted = std::move(batch);
    ahead_ += length_of(*added);
    batches_.push_back(added);
    return added;
}

void ReadAhead::begin_cached(RecordBatch batch, const Executor& strand) {
    TL_ASSERT(batch.frames.size() == 1 && batches_.empty());
    auto started = add(std::move(batch));
    boost::asio::post(strand, [started, files = files_] {
        const auto& wanted = started->wanted;
        if (const auto file = files->opened(wanted.segment)) {
            auto record = read_cached_record(*file, wanted.seed, wanted.frames.front());
            if (!record.empty()) {
                started->records.push_back(std::move(record));
            }
        }
        started->done.set();
    });
}

void ReadAhead::begin(RecordBatch batch) {
    auto started = add(std::move(batch));
    boost::asio::post(disk_, [started, files = files_] {
        if (auto file = files->open(started->wanted.segment); file) {
            auto records = read_records(**file, started->wanted.seed, started->wanted.frames);
            if (records) {
                started->records = std::move(records).value();
            }
        }
        started->done.set();
    });
}

bool ReadAhead::has_room() const noexcept {
    return ahead_ + kBatchMax <= kAheadMax;
}

std::uint64_t ReadAhead::end() const noexcept {
    return batches_.empty() ? 0 : batches_.back()->wanted.frames.back().object + 1;
}

Awaitable<StoredRecord> ReadAhead::take(std::uint64_t object) {
    while (!batches_.empty() && batches_.front()->wanted.frames.back().object < object) {
        drop_front();
    }
    if (batches_.empty()) {
        co_return StoredRecord();
    }
    const auto batch = batches_.front();
    const auto& frames = batch->wanted.frames;
    const auto frame = std::lower_bound(frames.begin(), frames.end(), object,
                                        [](const RecordFrame& candidate, std::uint64_t wanted) {
                                            return candidate.object < wanted;
                                        });
    if (frame->object != object) {
        clear();  // the position went back
        co_return StoredRecord();
    }
    if (!batch->done.is_set()) {
        co_await batch->done.wait();
    }
    const auto index = static_cast<std::size_t>(frame - frames.begin());
    StoredRecord record;
    if (index < batch->records.size()) {
        record = std::exchange(batch->records[index], StoredRecord());
    }
    if (index + 1 == frames.size()) {
        drop_front();
    }
    co_return record;
}

void ReadAhead::drop_front() {
    ahead_ -= length_of(*batches_.front());
    batches_.pop_front();
}

void ReadAhead::clear() {
    batches_.clear();
    ahead_ = 0;
}

}  // namespace tapeloft::media
