#include "media/archive/segments_ahead.h"

#include <utility>

#include "cloud/base/call_on.h"

#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

SegmentsAhead::SegmentsAhead(Executor strand, Executor reader, SegmentsPlace place,
                             std::span<const SegmentRecord> rows)
    : reader_(std::move(reader)), place_(std::move(place)), rows_(rows), reading_(strand) {}

Awaitable<Result<SegmentPiece>> SegmentsAhead::next() {
    if (!ahead_ && reading_.under_way() == 0) {
        reading_.spawn(read());
    }
    co_await reading_.all();
    auto piece = std::move(*std::exchange(ahead_, std::nullopt));
    if (piece && row_ < rows_.size()) {
        reading_.spawn(read());
    }
    co_return piece;
}

Awaitable<void> SegmentsAhead::read() {
    auto reader = reader_;
    auto work = [this] { return read_piece(); };
    ahead_ = co_await run_on(std::move(reader), std::move(work));
}

Result<SegmentPiece> SegmentsAhead::read_piece() {
    TL_ASSERT(row_ < rows_.size());
    if (!open_) {
        const auto& row = rows_[row_];
        const auto path = place_.directory / segment_file_name(row.number);
        TL_TRY(open_, SegmentRecords::open(place_.files, path, row, place_.medium_serial));
    }
    TL_TRY(auto piece, open_->read(kPieceBytes));
    if (piece.last) {
        open_.reset();
        ++row_;
    }
    return piece;
}

}  // namespace tapeloft::media
