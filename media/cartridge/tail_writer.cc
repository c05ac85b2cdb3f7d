#include "media/cartridge/tail_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "media/segment/segment_index.h"

namespace tapeloft::media {

namespace {

/// What the budget counts for a segment that is being written.
std::uint64_t counted_length(const SegmentWriter& writer) {
    return writer.runs().file_length() + writer.index_length();
}

bool is_no_space(const Result<void>& result) {
    return !result && result.error().code == Errc::no_space;
}

}  // namespace

TailWriter::TailWriter(SpoolContext context, const CartridgeRecord& cartridge, SpoolFiles& files,
                       const TailStart& start)
    : context_(std::move(context)),
      cartridge_(cartridge.id),
      serial_(cartridge.medium_serial),
      files_(files),
      writing_(context_.spares, cartridge_),
      spares_(context_, cartridge_, files_),
      marker_(start.marker),
      rows_end_(start.next_number),
      durable_end_(start.end) {}

SegmentRecord TailWriter::counted(const Segment& segment) {
    auto row = segment.row;
    const auto& runs = segment.writer->runs();
    row.object_count = runs.objects();
    row.filemark_count = runs.filemarks();
    row.byte_count = runs.bytes();
    row.file_length = runs.file_length();
    return row;
}

/// What the store has meanwhile needs no disk any more; the catalog calls it sealed.
void TailWriter::forget_stored() {
    if (context_.archive == nullptr) {
        return;
    }
    while (!unsealed_.empty() &&
           context_.archive->is_stored(cartridge_, unsealed_.front().row.number)) {
        const auto& row = counted(unsealed_.front());
        durable_end_ = row.first_object + row.object_count;
        unsealed_.erase(unsealed_.begin());
    }
}

/// Of a segment whose file has its index and is durable.
SegmentRecord TailWriter::sealed(const Segment& segment) {
    auto row = counted(segment);
    row.sealed = true;
    return row;
}

/// Of a segment whose file has its index; what the catalog counts until then is what was promised.
SegmentRecord TailWriter::complete(const Segment& segment) {
    auto row = counted(segment);
    row.complete = true;
    row.promised_objects = segment.row.object_count;
    row.promised_filemarks = segment.row.filemark_count;
    return row;
}

Result<void> TailWriter::begin_segment(const SegmentRecord& row) {
    SegmentChange change;
    if (context_.archive != nullptr && unsealed_.size() >= kUnsealedMax) {
        context_.archive->wait_stored(cartridge_, unsealed_.front().row.number);
    }
    spares_.fetch();
    forget_stored();  // the one whose file it was, too
    if (!unsealed_.empty()) {
        TL_CHECK(finish(unsealed_.back()));
        change.replaced.push_back(complete(unsealed_.back()));
    }
    // What the archive is about to store need not be written to the disk at all.
    const auto lag = context_.archive != nullptr ? kUnsealedMax - kWritebackLag : kWritebackLag;
    if (unsealed_.size() >= lag) {
        unsealed_[unsealed_.size() - lag].writer->start_writeback();
    }
    const bool seal_oldest = unsealed_.size() >= kUnsealedMax;
    if (seal_oldest) {
        TL_CHECK(make_durable(std::span(unsealed_).first(1)));
        const auto oldest = sealed(unsealed_.front());
        durable_end_ = oldest.first_object + oldest.object_count;
        change.replaced.push_back(oldest);
    }
    TL_TRY(const bool made, files_.system().make_directory(files_.directory()));
    directory_dirty_ = directory_dirty_ || made;
    names_dirty_ = true;
    TL_TRY(auto writer, make_file(row));
    change.added.push_back(row);
    if (marker_) {
        change.removed.push_back(*marker_);
    }
    if (auto changed = this->change(std::move(change)); !changed) {
        // Whoever asked gives back what it took for it. A file that stays belongs to nothing.
        static_cast<void>(files_.system().remove(files_.path(row.number)).has_value());
        return changed;
    }
    marker_.reset();
    rows_end_ = row.number + 1;
    if (seal_oldest) {
        unsealed_.erase(unsealed_.begin());
    }
    unsealed_.push_back({row, std::move(writer)});
    wake_archive();
    return {};
}

bool TailWriter::is_leaving(std::uint64_t number) const {
    return spares_.holds(number) ||
           (context_.archive != nullptr && context_.archive->is_leaving(cartridge_, number));
}

void TailWriter::wake_archive() const {
    if (context_.archive != nullptr) {
        context_.archive->wake();
    }
}

/// Where spares are of no use after all, a new file takes their place.
Result<std::unique_ptr<SegmentWriter>> TailWriter::make_file(const SegmentRecord& row) {
    const auto path = files_.path(row.number);
    const auto identity = identity_of(row, serial_);
    if (const auto spare = spares_.take(); spare) {
        TL_ASSERT(std::ranges::none_of(unsealed_, [this, &spare](const Segment& segment) {
            return files_.path(segment.row.number) == *spare;
        }));
        files_.forget();  // a file that is open is not what its number says any more
        auto writer = SegmentWriter::recycle(files_.system(), *spare, path, identity);
        if (writer) {
            return writer;
        }
        static_cast<void>(files_.system().remove(*spare).has_value());
        static_cast<void>(files_.system().remove(path).has_value());
        drop_spares();
    }
    return SegmentWriter::create(files_.system(), path, identity);
}

Result<void> TailWriter::append(std::span<const PendingFrame> frames) {
    TL_ASSERT(!unsealed_.empty());
    auto& writer = *unsealed_.back().writer;
    const auto before = writer.runs().frames();
    auto appended = writer.append(frames);
    if (is_no_space(appended) && spares_.drop()) {
        appended = writer.append(frames.subspan(writer.runs().frames() - before));
    }
    return appended;
}

Result<void> TailWriter::finish(Segment& segment) {
    if (!segment.writer->finished()) {
        auto finished = segment.writer->finish();
        if (is_no_space(finished) && spares_.drop()) {
            finished = segment.writer->finish();
        }
        TL_CHECK(finished);
        context_.budget.take(segment.writer->index_length());
    }
    return {};
}

Result<void> TailWriter::make_durable(std::span<Segment> segments) {
    for (auto& segment : segments) {
        TL_CHECK(segment.writer->sync());
    }
    if (directory_dirty_) {
        TL_CHECK(files_.system().sync_directory(context_.directory));
        directory_dirty_ = false;
    }
    if (names_dirty_) {
        TL_CHECK(files_.system().sync_directory(files_.directory()));
        names_dirty_ = false;
    }
    return {};
}

Result<void> TailWriter::sync() {
    forget_stored();
    if (unsealed_.empty()) {
        return {};
    }
    auto& last = unsealed_.back();
    const bool noted = !last.writer->dirty();
    TL_CHECK(make_durable(unsealed_));
    SegmentChange change;
    for (std::size_t i = 0; i + 1 < unsealed_.size(); ++i) {
        change.replaced.push_back(sealed(unsealed_[i]));
    }
    const auto last_row = counted(last);
    if (last.row.object_count == 0) {
        change.replaced.push_back(last_row);  // the promise that there is such a file
    }
    if (!change.replaced.empty()) {
        TL_CHECK(this->change(std::move(change)));
        unsealed_.erase(unsealed_.begin(), std::prev(unsealed_.end()));
        if (unsealed_.front().row.object_count == 0) {
            unsealed_.front().row = last_row;
        }
    }
    durable_end_ = last_row.first_object + last_row.object_count;
    if (noted) {
        return {};
    }
    auto note = unsealed_.back().writer->note_synced();
    if (!note) {
        // Only the next recovery would have used it; the data itself is durable.
        context_.events.warning("spool", "A sync mark could not be written.",
                                {{"reason", note.error().message}});
    }
    return {};
}

Result<void> TailWriter::seal() {
    forget_stored();
    if (unsealed_.empty()) {
        return {};
    }
    TL_CHECK(finish(unsealed_.back()));
    TL_CHECK(make_durable(unsealed_));
    SegmentChange change;
    for (const auto& segment : unsealed_) {
        change.replaced.push_back(sealed(segment));
    }
    const auto& end = change.replaced.back();
    const auto durable_end = end.first_object + end.object_count;
    TL_CHECK(this->change(std::move(change)));
    durable_end_ = durable_end;
    unsealed_.clear();
    wake_archive();
    return {};
}

Result<void> TailWriter::cut(const TailCut& cut) {
    forget_stored();
    // What is not sealed is of the partition of the marker; a format leaves nothing of it either.
    const auto gone =
        std::find_if(unsealed_.begin(), unsealed_.end(), [&cut](const Segment& segment) {
            return cut.format || segment.row.first_object >= cut.marker.first_object;
        });
    const auto kept = std::span(unsealed_.begin(), gone);
    TL_CHECK(end_kept(kept));

    SegmentChange change;
    for (const auto& segment : kept) {
        const auto row = sealed(segment);
        if (!cut.shortened || cut.shortened->number != row.number) {
            change.replaced.push_back(row);
        }
    }
    if (cut.shortened) {
        change.replaced.push_back(*cut.shortened);
    }
    change.added.push_back(cut.marker);
    change.partitions = cut.format;
    change.truncated = TruncatedAt{cut.marker.partition, cut.marker.first_object};
    TL_TRY(change.removed, rows_to_remove(cut));
    TL_CHECK(this->change(std::move(change)));
    rows_uncertain_ = false;
    marker_ = cut.marker.number;
    rows_end_ = cut.marker.number + 1;
    durable_end_ = cut.marker.first_object;

    files_.forget();
    for (const auto number : cut.removed) {
        if (is_leaving(number)) {
            continue;
        }
        const auto length = length_of(number);
        if (cut.recycle && spares_.keep(number, length)) {
            context_.budget.give_back(length);
        } else {
            remove_file(number);
        }
    }
    if (!cut.recycle) {
        drop_spares();
    }
    if (cut.shortened && !is_leaving(cut.shortened->number)) {
        auto shortened = shorten(*cut.shortened);
        if (!shortened && shortened.error().code != Errc::not_found) {  // it may be stored
            context_.events.warning(
                "spool", "A segment could not be shortened; its dead end keeps its space.",
                {{"cartridge", serial_}, {"reason", shortened.error().message}});
        }
    }
    unsealed_.clear();
    wake_archive();
    return {};
}

/// Brings segments that stay into the state a sealed one has: index at the end, all durable. What
/// a failed append may have left behind the last good frame goes.
Result<void> TailWriter::end_kept(std::span<Segment> kept) {
    for (auto& segment : kept) {
        if (!segment.writer->finished()) {
            TL_CHECK(segment.writer->finish_anew());
            context_.budget.take(segment.writer->index_length());
        }
    }
    return make_durable(kept);
}

Result<std::vector<std::uint64_t>> TailWriter::rows_to_remove(const TailCut& cut) {
    auto removed = cut.removed;
    if (!rows_uncertain_) {
        std::erase_if(removed, [this](std::uint64_t number) { return number >= rows_end_; });
        if (marker_) {
            removed.push_back(*marker_);
        }
        return removed;
    }
    // A change failed, and only the catalog knows whether it happened.
    removed.clear();
    TL_TRY(const auto rows, context_.catalog.segments(cartridge_));
    for (const auto& row : rows) {
        const bool behind =
            row.partition == cut.marker.partition && row.first_object >= cut.marker.first_object;
        const bool marker = row.sealed && row.object_count == 0;
        if (cut.format || behind || marker) {
            removed.push_back(row.number);
        }
    }
    return removed;
}

Result<void> TailWriter::change(SegmentChange change) {
    auto changed = context_.catalog.change_segments(cartridge_, change);
    if (!changed) {
        rows_uncertain_ = true;
    }
    return changed;
}

/// The catalog no longer counts what lies behind row.file_length: gives the space back.
Result<void> TailWriter::shorten(const SegmentRecord& row) {
    TL_TRY(const auto lengths, shorten_segment(files_.system(), files_.path(row.number), row,
                                               identity_of(row, serial_)));
    context_.budget.give_back(lengths.before - lengths.after);
    return {};
}

/// What the budget counts for a segment; 0: there is no file.
std::uint64_t TailWriter::length_of(std::uint64_t number) const {
    const auto live =
        std::find_if(unsealed_.begin(), unsealed_.end(),
                     [number](const Segment& segment) { return segment.row.number == number; });
    if (live != unsealed_.end()) {
        return counted_length(*live->writer);
    }
    auto file = files_.system().open(files_.path(number));
    const auto length = file ? (*file)->length() : Result<std::uint64_t>(0);
    return length ? *length : 0;
}

void TailWriter::go_to_end(std::uint64_t end) {
    TL_ASSERT(unsealed_.empty());
    durable_end_ = end;
}

void TailWriter::drop_spares() {
    static_cast<void>(spares_.drop());
}

bool TailWriter::has_spares() const noexcept {
    return !spares_.empty() || (!unsealed_.empty() && unsealed_.back().writer->stale_bytes() != 0);
}

void TailWriter::abandon() {
    if (unsealed_.empty()) {
        pass_on_spares();
    } else {
        drop_spares();
        context_.budget.take(unsealed_.back().writer->stale_bytes());
    }
}

void TailWriter::remove_file(std::uint64_t number) {
    const auto length = length_of(number);
    auto removed = files_.system().remove(files_.path(number));
    if (removed) {
        context_.budget.give_back(length);
    } else if (removed.error().code != Errc::not_found) {
        context_.events.warning("spool",
                                "A segment file could not be removed; the next start does it.",
                                {{"reason", removed.error().message}});
    }
}

}  // namespace tapeloft::media
