// SpoolTape: reading records, and the segment indexes in memory.
#include <algorithm>
#include <string>

#include "media/cartridge/spool_tape.h"
#include "media/segment/segment_index.h"
#include "media/segment/segment_reader.h"

namespace tapeloft::media {

Awaitable<Result<ReadOutcome>> SpoolTape::read() {
    TL_CO_CHECK(co_await absorb_failure());
    if (place_.object >= behind_->written_end() && !at_end_of_data()) {
        TL_CO_CHECK(co_await settle());
        if (failure_) {
            co_return *failure_;  // what was to be read here may be what was lost
        }
    }
    ReadOutcome outcome;
    if (at_end_of_data()) {
        co_return outcome;
    }
    const auto segment = index_.segment_of_object(place_.object);
    TL_CO_TRY(auto runs, co_await runs_of(segment));
    const auto where = runs->place(place_.object - index_.start_of(segment).object);
    const bool read_on = read_next_ == place_.object;
    auto behind = place_;
    ++behind.object;
    switch (where.kind) {
        case RunKind::filemarks:
        case RunKind::lost_filemarks:
            outcome.kind = ReadKind::filemark;
            ++behind.file;
            behind.byte += kFilemarkCost;
            break;
        case RunKind::damaged:
            co_return damaged({Errc::corrupt, "object " + std::to_string(place_.object) +
                                                  " is lost: its frame is damaged"});
        case RunKind::records: {
            TL_CO_TRY(auto record, co_await read_record_at(segment, runs, read_on));
            outcome.record = std::move(record.bytes);
            outcome.encoding = record.encoding;
            outcome.kind = ReadKind::record;
            behind.byte += where.length;
            break;
        }
    }
    place_ = behind;
    read_next_ = place_.object;
    co_return outcome;
}

Awaitable<Result<StoredRecord>> SpoolTape::read_record_at(std::size_t segment, Runs runs,
                                                          bool read_on) {
    const auto number = index_.segment(segment).row.number;
    if (in_spool(index_.segment(segment).row)) {
        auto read = co_await read_spooled(segment, runs, read_on);
        if (read) {
            co_return read;
        }
        if (!reader_ || read.error().code != Errc::not_found) {
            co_return damaged(std::move(read).error());
        }
        left_spool_.insert(number);
    }
    auto read = co_await recall_record(segment, read_on);
    if (!read && read.error().code == Errc::not_found) {
        read = Error{Errc::corrupt, "the segment file " + files_->path(number).string() +
                                        " is missing, and the store does not have it"};
    }
    if (!read) {
        co_return damaged(std::move(read).error());
    }
    co_return read;
}

bool SpoolTape::in_spool(const SegmentRecord& row) const {
    return row.spooled && !left_spool_.contains(row.number);
}

/// What lies in the page cache is read right here: to hand it to another thread would cost more.
/// Where it does not, and reading goes on from record to record, the disk threads read ahead.
/// not_found: there is no file.
Awaitable<Result<StoredRecord>> SpoolTape::read_spooled(std::size_t segment, Runs runs,
                                                        bool read_on) {
    const auto& row = index_.segment(segment).row;
    const auto frame = frame_of(segment, runs->place(place_.object - row.first_object));
    bool disk_reads_ahead = ahead_.end() > frame.object + 1;
    if (!disk_reads_ahead) {
        auto record = co_await ahead_.take(frame.object);
        const auto file = files_->opened(row.number);
        if (record.empty() && file) {
            record = read_cached_record(*file, seed_of(segment), frame);
        }
        if (!record.empty()) {
            if (read_on) {
                read_next_one(segment, *runs, co_await boost::asio::this_coro::executor);
            }
            co_return record;
        }
        disk_reads_ahead = file != nullptr && read_on;
    }
    if (disk_reads_ahead) {
        read_ahead(segment, *runs);
    }
    auto record = co_await ahead_.take(frame.object);
    if (!record.empty()) {
        co_return record;
    }
    auto job = [files = files_, number = row.number, seed = seed_of(segment),
                frame]() -> Result<StoredRecord> {
        TL_TRY(const auto file, files->open(number));
        auto read = read_record(*file, seed, frame);
        if (!read && read.error().code == Errc::corrupt) {
            TL_CHECK(files->system().open(files->path(number)));  // written over: it is not there
        }
        return read;
    };
    auto disk = context_.disk;
    co_return co_await run_on(std::move(disk), std::move(job));
}

Awaitable<Result<StoredRecord>> SpoolTape::recall_record(std::size_t segment, bool read_on) {
    auto following = read_on ? segments_behind(segment) : std::vector<std::uint64_t>();
    const auto& row = index_.segment(segment).row;
    const auto object = place_.object - row.first_object;
    if (!reader_) {
        co_return Error{Errc::not_found, "there is no store"};
    }
    co_return co_await reader_->read(row.number, object, std::move(following));
}

std::vector<std::uint64_t> SpoolTape::segments_behind(std::size_t segment) const {
    constexpr std::size_t kFollowing = 4;
    std::vector<std::uint64_t> following;
    for (auto i = segment + 1; i < index_.size() && i <= segment + kFollowing; ++i) {
        following.push_back(index_.segment(i).row.number);
    }
    return following;
}

/// Reading that goes on in pieces gets as much again as it has read, until it is so long that it
/// is read ahead of like any other.
Awaitable<void> SpoolTape::will_read(std::uint64_t records) {
    constexpr std::uint64_t kLongRun = 256;
    if (place_.object != read_next_) {
        run_begin_ = place_.object;
    }
    const auto run = place_.object - run_begin_;
    if (!reader_ || at_end_of_data() || run >= kLongRun) {
        co_return;
    }
    const auto segment = index_.segment_of_object(place_.object);
    const auto& row = index_.segment(segment).row;
    if (!in_spool(row)) {
        co_await reader_->expect(row.number, place_.object - row.first_object, records + run,
                                 segments_behind(segment));
    }
}

Awaitable<Result<std::vector<RecordCut>>> SpoolTape::cuts(std::uint64_t records) {
    std::vector<RecordCut> found;
    const auto begin = place_.object;
    const auto end = begin + std::min(records, index_.end().object - begin);
    for (auto object = begin; reader_ && object < end;) {
        const auto segment = index_.segment_of_object(object);
        const auto row = index_.segment(segment).row;
        object = index_.end_of(segment).object;
        if (in_spool(row)) {
            continue;
        }
        TL_CO_TRY(const auto cuts, co_await reader_->cuts(row.number));
        for (const auto& cut : cuts) {
            const auto at = row.first_object + cut.record;
            if (at >= begin && at < end) {
                found.push_back({at - begin, cut.offset});
            }
        }
    }
    co_return found;
}

Error SpoolTape::damaged(Error error) {
    if (error.code == Errc::busy) {  // archived in the store, which tells of it
        return error;
    }
    context_.events.error("spool", "A record could not be read.",
                          {{"cartridge", record_.barcode}, {"reason", error.message}});
    return error;
}

/// Fills the read-ahead from the position on, within the segment.
void SpoolTape::read_ahead(std::size_t segment, const ObjectRuns& runs) {
    if (ahead_.end() < place_.object) {
        ahead_.clear();
    }
    while (ahead_.has_room()) {
        auto batch = batch_from(segment, runs, std::max(ahead_.end(), place_.object),
                                ReadAhead::kBatchFramesMax);
        if (batch.frames.empty()) {
            return;
        }
        ahead_.begin(std::move(batch));
    }
}

/// The next record is read as soon as this one has been given away: while the host takes it in,
/// which is when this thread has nothing else to do.
void SpoolTape::read_next_one(std::size_t segment, const ObjectRuns& runs, const Executor& strand) {
    auto next = batch_from(segment, runs, place_.object + 1, 1);
    if (!next.frames.empty()) {
        ahead_.begin_cached(std::move(next), strand);
    }
}

RecordBatch SpoolTape::batch_from(std::size_t segment, const ObjectRuns& runs, std::uint64_t object,
                                  std::size_t frames_max) const {
    const auto& row = index_.segment(segment).row;
    RecordBatch batch;
    batch.segment = row.number;
    batch.seed = seed_of(segment);
    const auto end = std::min(row.first_object + runs.objects(), behind_->written_end());
    for (; object >= row.first_object && object < end; ++object) {
        const auto place = runs.place(object - row.first_object);
        if (place.kind != RunKind::records || batch.frames.size() >= frames_max) {
            break;
        }
        const auto frame = frame_of(segment, place);
        if (!batch.frames.empty() &&
            frame.end() - batch.frames.front().offset > ReadAhead::kBatchMax) {
            break;
        }
        batch.frames.push_back(frame);
    }
    return batch;
}

RecordFrame SpoolTape::frame_of(std::size_t segment, const ObjectPlace& place) const {
    const auto& row = index_.segment(segment).row;
    return {place.offset, place.length, row.first_object + place.object,
            row.first_file + place.file};
}

std::uint32_t SpoolTape::seed_of(std::size_t segment) const {
    return segment_seed(identity_of(index_.segment(segment).row, record_.medium_serial));
}

Awaitable<Result<SpoolTape::Runs>> SpoolTape::runs_of(std::size_t segment) {
    const auto& wanted = index_.segment(segment);
    if (wanted.live) {
        co_return Runs(wanted.live);
    }
    const auto found = std::find_if(indexes_.begin(), indexes_.end(), [&wanted](const auto& entry) {
        return entry.first == wanted.row.number;
    });
    if (found != indexes_.end()) {
        indexes_.splice(indexes_.begin(), indexes_, found);
        co_return indexes_.front().second;
    }
    co_return co_await load_runs(wanted.row);
}

Awaitable<Result<SpoolTape::Runs>> SpoolTape::load_runs(SegmentRecord row) {
    std::optional<ObjectRuns> runs;
    if (reader_) {
        TL_CO_TRY(runs, co_await recall_runs(row));
    }
    if (!runs) {
        auto job = [files = files_, row, serial = record_.medium_serial] {
            return load_segment_index(files->system(), files->path(row.number), row,
                                      identity_of(row, serial));
        };
        auto disk = context_.disk;
        TL_CO_TRY(auto loaded, co_await run_on(std::move(disk), std::move(job)));
        if (!loaded.damage.empty() && reader_) {
            TL_CO_TRY(runs, co_await recall_runs(row));  // its file may have gone just now
        }
        if (!loaded.damage.empty() && !runs) {
            context_.events.error("spool", "A segment of a cartridge is damaged.",
                                  {{"cartridge", record_.barcode}, {"reason", loaded.damage}});
        }
        if (!runs) {
            runs = std::move(loaded.runs);
        }
    }
    auto shared = std::make_shared<const ObjectRuns>(std::move(*runs));
    indexes_.emplace_front(row.number, shared);
    if (indexes_.size() > kIndexesMax) {
        indexes_.pop_back();
    }
    co_return Runs(std::move(shared));
}

/// Of a segment that has left the spool; nothing: it is in the spool, or nowhere.
Awaitable<Result<std::optional<ObjectRuns>>> SpoolTape::recall_runs(SegmentRecord row) {
    std::optional<ObjectRuns> none;
    if (in_spool(row)) {
        auto job = [files = files_, number = row.number] {
            return files->system().open(files->path(number));  // not one that was open already
        };
        auto disk = context_.disk;
        const auto file = co_await run_on(std::move(disk), std::move(job));
        if (file || file.error().code != Errc::not_found) {
            co_return none;  // reading the index tells what is wrong
        }
        left_spool_.insert(row.number);
    }
    const auto stored = co_await reader_->runs(row.number);
    if (!stored) {
        co_return stored.error().code == Errc::not_found
            ? Result<std::optional<ObjectRuns>>(none)
            : Result<std::optional<ObjectRuns>>(stored.error());
    }
    auto runs = **stored;
    if (runs.objects() < row.object_count) {
        co_return Error{Errc::corrupt, "what the store has of segment " +
                                           std::to_string(row.number) + " of cartridge " +
                                           record_.barcode + " is less than the catalog says"};
    }
    runs.cut(row.object_count);
    co_return std::optional(std::move(runs));
}

}  // namespace tapeloft::media
