// What is read of the spool: segments to chunks, chunks to packs.
#include <functional>
#include <utility>

#include "media/archive/archiver.h"
#include "media/archive/segments_ahead.h"
#include "media/cartridge/spool_files.h"

namespace tapeloft::media {

/// So the store has something to do while a commit waits for its last packs and its log objects.
/// What is read then is committed next, so it is no more than that takes, or than is worth a
/// commit: whoever waits for the last one waits for less.
Awaitable<Result<void>> Archiver::read_on(Live& live, const ArchiveWork& work,
                                          const std::vector<SegmentRecord>& segments) {
    Result<void> committed;
    TaskGroup beside(parts_.strand);
    if (!live.finished.empty()) {
        auto run = [](Awaitable<Result<void>> call, Result<void>* done) -> Awaitable<void> {
            *done = co_await std::move(call);
        };
        beside.spawn(run(commit(live, work), &committed));
    }
    const auto packs = live.pipeline->packs();
    const std::function<bool(std::size_t)> enough = [&](std::size_t read) {
        const auto worth_it = settings_.segments_wanted;
        return beside.under_way() == 0 && read >= worth_it &&
               live.pipeline->packs() - packs >= worth_it;
    };
    bool broke_off = false;
    auto read = co_await read_segments(live, work.record, segments, broke_off, enough);
    if (broke_off || live.stream.held() >= kHeldMax) {
        co_await end_chunk(live);
    }
    if (beside.under_way() != 0) {
        co_await live.pipeline->seal();  // it may wait for what is in the open pack
        co_await beside.all();
    } else {
        co_await live.pipeline->wait_for_room();
    }
    live.take_finished();
    if (!committed) {
        unreadable_.reset();
        co_return committed;
    }
    co_return read;
}

/// broke_off: another partition, which is for the next commit. enough: asked with how many were
/// read, behind each.
Awaitable<Result<void>> Archiver::read_segments(Live& live, const CartridgeRecord& record,
                                                std::span<const SegmentRecord> rows,
                                                bool& broke_off,
                                                const std::function<bool(std::size_t)>& enough) {
    if (rows.empty()) {
        co_return Result<void>();  // of a cartridge that was removed not even the place is known
    }
    TL_CO_TRY(auto directory, cartridge_directory(spool_, record));
    SegmentsAhead ahead(parts_.strand, parts_.cpu,
                        {spool_.files, std::move(directory), record.medium_serial}, rows);
    Result<void> done;
    std::size_t count = 0;
    for (const auto& row : rows) {
        if (!live.stream.continues(row)) {
            broke_off = true;
            break;
        }
        unreadable_ = row;
        done = co_await read_segment(live, record, row, ahead);
        if (!done) {
            break;
        }
        unreadable_.reset();
        if (enough(++count)) {
            break;
        }
    }
    co_await ahead.end();
    co_return done;
}

Awaitable<Result<void>> Archiver::read_segment(Live& live, const CartridgeRecord& record,
                                               const SegmentRecord& row, SegmentsAhead& ahead) {
    live.stream.begin_segment(row);
    std::string damage;
    for (bool more = true; more;) {
        TL_CO_TRY(auto piece, co_await ahead.next());
        more = !piece.last;
        damage = piece.damage;
        auto feed = [&live, piece = std::move(piece)] {
            std::vector<StreamChunk> chunks;
            piece.feed(live.stream, chunks);
            return chunks;
        };
        auto cpu = parts_.cpu;
        auto chunks = co_await run_on(std::move(cpu), std::move(feed));
        co_await live.pipeline->add(std::move(chunks));
    }
    live.stream.end_segment();
    if (!damage.empty()) {
        TL_CO_CHECK(co_await check_still_there(record.id, row));
        if (!row.sealed) {
            // Stored it would count as durable; whether it is, the tape's fdatasync will tell.
            co_return Error{Errc::io, "a segment that is not synced yet reads wrong: " + damage};
        }
        report(record, row, damage);
    }
    co_return Result<void>();
}

/// Errors: not_found (the host cut it off while it was read).
Awaitable<Result<void>> Archiver::check_still_there(CartridgeId id, const SegmentRecord& row) {
    auto ask = [this, id] { return parts_.catalog.work(id, kAllSegments); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto work, co_await run_on(std::move(disk), std::move(ask)));
    const bool there = std::ranges::any_of(
        work.segments, [&row](const SegmentRecord& now) { return are_same_segment(now, row); });
    if (!there) {
        co_return Error{Errc::not_found, "the segment was cut off"};
    }
    co_return Result<void>();
}

void Archiver::report(const CartridgeRecord& record, const SegmentRecord& row,
                      const std::string& damage) {
    parts_.events.error("archive",
                        "A segment of the spool is damaged; what cannot be read of it is archived "
                        "as damaged.",
                        {{"cartridge", record.barcode},
                         {"segment", std::to_string(row.number)},
                         {"reason", damage}});
}

}  // namespace tapeloft::media
