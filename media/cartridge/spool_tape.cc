#include "media/cartridge/spool_tape.h"

#include <algorithm>
#include <limits>
#include <string>

#include "cloud/base/digest.h"

#include "media/segment/segment_index.h"

namespace tapeloft::media {
namespace {

constexpr std::uint64_t kMiB = 1024ULL * 1024;

TailStart start_of(const CartridgeRows& rows) {
    return {rows.indexes.front().end().object, rows.marker, rows.next_number};
}

}  // namespace

std::uint64_t early_warning_point(std::uint64_t native) noexcept {
    constexpr std::uint64_t kLarge = 4096 * kMiB;
    const auto reserve =
        native >= kLarge ? std::max(256 * kMiB, native / 200) : std::max(8 * kMiB, native / 16);
    return native - std::min(reserve, native / 2);
}

SpoolTape::SpoolTape(SpoolContext context, CartridgeRecord record,
                     std::shared_ptr<SpoolFiles> files, CartridgeRows rows)
    : context_(std::move(context)),
      record_(std::move(record)),
      files_(std::move(files)),
      behind_(std::make_shared<WriteBehind>(context_, record_, files_, start_of(rows))),
      ahead_(context_.disk, files_),
      reader_(context_.archive != nullptr ? context_.archive->reader(record_) : nullptr),
      capacities_(std::move(rows.capacities)),
      resting_(std::move(rows.indexes)),
      next_number_(rows.next_number) {
    std::swap(index_, resting_[0]);
}

SpoolTape::~SpoolTape() {
    behind_->abandon();
    if (context_.archive != nullptr) {
        context_.archive->closed(record_.id);
    }
}

Position SpoolTape::position() const noexcept {
    return {partition_, place_.object, place_.file};
}

bool SpoolTape::at_end_of_data() const noexcept {
    return place_.object == index_.end().object;
}

Capacity SpoolTape::capacity() const noexcept {
    const auto native = capacities_[partition_];
    return {native, early_warning_point(native), place_.byte, index_.end().byte};
}

bool SpoolTape::write_protected() const noexcept {
    return record_.write_protected;
}

// Writing

std::optional<Error> SpoolTape::refusal(std::uint64_t bytes) const {
    if (record_.write_protected) {
        return Error{Errc::denied, "cartridge " + record_.barcode + " is write protected"};
    }
    const auto native = capacities_[partition_];
    if (place_.byte > native || bytes > native - place_.byte) {
        return Error{Errc::end_of_medium, "cartridge " + record_.barcode + " is full"};
    }
    return std::nullopt;
}

Awaitable<Result<WriteOutcome>> SpoolTape::write_encoded(Buffer record, RecordEncoding encoding) {
    const auto size = record.size();
    if (size < kRecordLengthMin || size > stored_length_max(encoding)) {
        co_return Error{
            Errc::invalid_argument,
            "a record has 1 to " + std::to_string(stored_length_max(encoding)) + " bytes"};
    }
    if (auto refused = refusal(size); refused) {
        co_return std::move(*refused);
    }
    TL_CO_CHECK(co_await make_appendable(layout::frame::kHeaderSize + size));
    index_.append_record(static_cast<std::uint32_t>(size));
    PendingFrame frame;
    frame.record_crc = crc32c(record.view(), append_seed_);  // while it is in the CPU's cache
    frame.record = std::move(record);
    frame.encoding = encoding;
    behind_->push(std::move(frame));
    co_return advance_behind_written(1, 0, size);
}

Awaitable<Result<WriteOutcome>> SpoolTape::write_filemarks(std::uint32_t count) {
    const auto cost = count * kFilemarkCost;
    if (auto refused = refusal(cost); refused) {
        co_return std::move(*refused);
    }
    if (count == 0) {
        TL_CO_CHECK(co_await absorb_failure());
        TL_CO_CHECK(tell_failure());
        co_return advance_behind_written(0, 0, 0);
    }
    TL_CO_CHECK(co_await make_appendable(layout::frame::kHeaderSize));
    index_.append_filemarks(count);
    PendingFrame frame;
    frame.filemarks = count;
    behind_->push(std::move(frame));
    co_return advance_behind_written(count, count, cost);
}

WriteOutcome SpoolTape::advance_behind_written(std::uint64_t objects, std::uint64_t files,
                                               std::uint64_t bytes) {
    place_ = {place_.object + objects, place_.file + files, place_.byte + bytes};
    WriteOutcome outcome;
    outcome.early_warning = place_.byte >= early_warning_point(capacities_[partition_]);
    return outcome;
}

/// Afterwards the position is end of data, and the budget, the queue and the last segment have room
/// for one frame.
Awaitable<Result<void>> SpoolTape::make_appendable(std::uint64_t frame_bytes) {
    TL_CO_CHECK(co_await absorb_failure());
    TL_CO_CHECK(tell_failure());
    const auto cost = static_cast<std::size_t>(frame_bytes) + WriteBehind::kFrameCost;
    if (!behind_->has_room(cost)) {
        co_await behind_->wait_for_room(cost);
        TL_CO_CHECK(co_await absorb_failure());
        TL_CO_CHECK(tell_failure());
    }
    const bool cuts = must_cut_ || place_ != index_.end();
    const bool begins = cuts || needs_segment(frame_bytes);
    const auto needed = frame_bytes + (begins ? kSegmentDataOffset : 0);
    if (cuts) {
        while (!has_room_after_cut(needed)) {
            TL_CO_CHECK(co_await wait_for_archive(needed));
        }
        TL_CO_CHECK(co_await settle());
        TL_CO_CHECK(tell_failure());
        TL_CO_CHECK(co_await cut_at(place_));
    }
    co_return co_await take_room(frame_bytes, begins);
}

/// Where the spool is full, and an archive empties it, a write waits.
Awaitable<Result<void>> SpoolTape::take_room(std::uint64_t frame_bytes, bool begins) {
    while (!context_.budget.try_take(frame_bytes + (begins ? kSegmentDataOffset : 0))) {
        TL_CO_CHECK(co_await wait_for_archive(frame_bytes + kSegmentDataOffset));
        begins = true;
    }
    watch_spool(context_);
    spares_dropped_ = false;
    if (begins) {
        begin_segment();
    }
    co_return Result<void>();
}

/// What can leave the spool does; then there are `needed` bytes for whoever comes first.
Awaitable<Result<void>> SpoolTape::wait_for_archive(std::uint64_t needed) {
    if (context_.archive == nullptr || needed > context_.budget.limit()) {
        co_return no_space_error();
    }
    tell_full();
    TL_CO_CHECK(co_await make_durable(true));
    const bool has_room = co_await context_.archive->wait_for_room(needed);
    tell_full();  // until now
    co_return has_room ? Result<void>() : no_space_error();
}

bool SpoolTape::has_room_after_cut(std::uint64_t needed) const {
    const auto limit = context_.budget.limit();
    const auto used = std::min(context_.budget.used(), limit);
    return needed <= limit - used + bytes_behind_position();
}

bool SpoolTape::needs_segment(std::uint64_t frame_bytes) const {
    if (!appendable_) {
        return true;
    }
    const auto& live = *index_.segment(index_.size() - 1).live;
    return live.frames() >= context_.limits.frames ||
           live.file_length() + frame_bytes > context_.limits.length + kSegmentDataOffset;
}

/// Of the spool, freed by a write at the position.
std::uint64_t SpoolTape::bytes_behind_position() const {
    std::uint64_t bytes = 0;
    for (auto i = index_.size(); i-- > 0 && index_.start_of(i).object >= place_.object;) {
        const auto row = index_.segment(i).row;
        bytes += row.spooled ? row.file_length : 0;
    }
    return bytes;
}

void SpoolTape::tell_full() {
    tell_spool_waits(context_);
    if (!std::exchange(spares_dropped_, true)) {
        behind_->drop_spares();
    }
}

Error SpoolTape::no_space_error() {
    tell_full();
    return {Errc::no_space,
            "the spool limit of " + std::to_string(context_.budget.limit()) + " bytes is used up"};
}

void SpoolTape::begin_segment() {
    SegmentRecord row;
    row.partition = partition_;
    row.number = next_number_++;
    row.first_object = place_.object;
    row.first_file = place_.file;
    row.first_byte = place_.byte;
    index_.begin_segment(row);
    append_seed_ = seed_of(index_.size() - 1);
    index_.release_written(behind_->written_end());
    behind_->begin_segment(row);
    appendable_ = true;
}

Awaitable<Result<void>> SpoolTape::sync() {
    TL_CO_CHECK(co_await make_durable(false));
    co_return co_await keep_promise();
}

Awaitable<Result<void>> SpoolTape::flush() {
    return make_durable(false);
}

Awaitable<Result<void>> SpoolTape::rest() {
    auto done = co_await make_durable(true);
    TL_CO_CHECK(co_await end_spares(done.has_value()));
    co_return done;
}

/// sound: all is sealed; other tapes may have them.
Awaitable<Result<void>> SpoolTape::end_spares(bool sound) {
    WriteBehind::TailWork work = [sound](TailWriter& tail) {
        sound ? tail.pass_on_spares() : tail.drop_spares();
        return Result<void>();
    };
    co_return co_await behind_->run(std::move(work));
}

/// What is durable on the disk is promised; or only once the store has it.
Awaitable<Result<void>> SpoolTape::keep_promise() {
    if (context_.archive == nullptr || !context_.archive->promises_need_store()) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await make_durable(true));
    co_return co_await context_.archive->store_all(record_.id);
}

Awaitable<Result<void>> SpoolTape::close() {
    TL_CO_CHECK(co_await rest());
    co_return co_await keep_promise();
}

Awaitable<Result<void>> SpoolTape::make_durable(bool seal) {
    TL_CO_CHECK(co_await settle());
    TL_CO_CHECK(tell_failure());
    if (must_cut_) {
        co_return co_await cut_at(index_.end());
    }
    if (!appendable_) {
        co_return Result<void>();
    }
    WriteBehind::TailWork work = [seal](TailWriter& tail) {
        return seal ? tail.seal() : tail.sync();
    };
    auto done = co_await behind_->run(std::move(work));
    if (!done) {
        TL_CO_CHECK(co_await roll_back(behind_->durable_end()));
    } else if (seal) {
        appendable_ = false;
    }
    co_return done;
}

Awaitable<Result<void>> SpoolTape::erase_to_end() {
    if (record_.write_protected) {
        co_return Error{Errc::denied, "cartridge " + record_.barcode + " is write protected"};
    }
    TL_CO_CHECK(co_await settle());
    TL_CO_CHECK(tell_failure());
    if (place_ == index_.end()) {
        co_return co_await sync();
    }
    TL_CO_CHECK(co_await cut_at(place_));
    co_return co_await keep_promise();
}

// Truncation, failure

/// Waits until nothing is queued, and takes a failure into account.
Awaitable<Result<void>> SpoolTape::settle() {
    co_await behind_->drain();
    co_return co_await absorb_failure();
}

Awaitable<Result<void>> SpoolTape::absorb_failure() {
    if (broken_) {
        co_return *broken_;
    }
    if (!behind_->failed()) {
        co_return Result<void>();
    }
    auto failure = behind_->take_failure();
    context_.events.error("spool",
                          "Records that were buffered could not be written; the tape now ends "
                          "before them.",
                          {{"cartridge", record_.barcode},
                           {"end_of_data", std::to_string(failure->end)},
                           {"reason", failure->error.message}});
    failure_ = Error{Errc::io, "an earlier buffered record was lost: " + failure->error.message};
    co_return co_await roll_back(failure->end);
}

/// The tape ends at object `end` at the latest. The files follow with the next cut.
Awaitable<Result<void>> SpoolTape::roll_back(std::uint64_t end) {
    must_cut_ = true;
    appendable_ = false;
    if (end >= index_.end().object) {
        co_return Result<void>();
    }
    Place at = end == 0 ? Place{} : index_.end();
    Runs runs;
    if (end != 0) {
        const auto segment = index_.segment_of_object(end - 1);
        at = index_.end_of(segment);
        if (at.object != end) {
            auto loaded = co_await runs_of(segment);
            if (!loaded) {
                broken_ = std::move(loaded).error();
                co_return *broken_;
            }
            runs = std::move(loaded).value();
            at = index_.place_in(segment, *runs, end);
        }
    }
    const auto cut = index_.plan_cut(at, runs.get());
    index_.apply(cut);
    abandoned_.insert(abandoned_.end(), cut.removed.begin(), cut.removed.end());
    if (cut.shortened) {
        rolled_back_ = cut.shortened->number;
    }
    if (place_.object > end) {
        place_ = index_.end();
    }
    behind_->set_end(end);
    forget_what_was_read();
    co_return Result<void>();
}

/// Makes `at` the end of data, durably. On an error what was durable before still is the tape.
Awaitable<Result<void>> SpoolTape::cut_at(Place at) {
    Runs runs;
    if (at.object != 0 && at != index_.end()) {
        const auto segment = index_.segment_of_object(at.object - 1);
        if (index_.end_of(segment) != at) {
            TL_CO_TRY(runs, co_await runs_of(segment));
        }
    }
    auto plan = index_.plan_cut(at, runs.get());
    TailCut cut;
    cut.removed = plan.removed;
    cut.removed.insert(cut.removed.end(), abandoned_.begin(), abandoned_.end());
    cut.shortened = plan.shortened;
    const auto kept = index_.size() - plan.removed.size();
    if (!cut.shortened && kept != 0 && index_.segment(kept - 1).row.number == rolled_back_) {
        cut.shortened = index_.segment(kept - 1).row;
    }
    cut.recycle = !must_cut_;
    cut.marker.partition = partition_;
    cut.marker.number = next_number_++;
    cut.marker.first_object = at.object;
    cut.marker.first_file = at.file;
    cut.marker.first_byte = at.byte;
    cut.marker.sealed = true;
    TL_CO_CHECK(co_await carry_out(std::move(cut)));
    index_.apply(plan);
    place_ = {std::min(place_.object, at.object), std::min(place_.file, at.file),
              std::min(place_.byte, at.byte)};
    behind_->set_end(at.object);
    forget_what_was_read();
    co_return Result<void>();
}

/// Afterwards nothing is left to be cut, and every segment is sealed.
Awaitable<Result<void>> SpoolTape::carry_out(TailCut cut) {
    WriteBehind::TailWork work = [cut = std::move(cut)](TailWriter& tail) { return tail.cut(cut); };
    auto done = co_await behind_->run(std::move(work));
    if (!done) {
        TL_CO_CHECK(co_await roll_back(behind_->durable_end()));
        co_return done;
    }
    abandoned_.clear();
    rolled_back_.reset();
    must_cut_ = false;
    appendable_ = false;
    co_return Result<void>();
}

Result<void> SpoolTape::tell_failure() {
    if (failure_) {
        auto error = std::move(*failure_);
        failure_.reset();
        return error;
    }
    return {};
}

void SpoolTape::forget_what_was_read() {
    ahead_.clear();
    if (reader_) {
        reader_->forget();
    }
    indexes_.clear();
    read_next_ = std::numeric_limits<std::uint64_t>::max();
}

}  // namespace tapeloft::media
