#include "media/archive/metadata_log.h"

#include <algorithm>
#include <utility>

#include "cloud/base/hex.h"

#include "media/archive/crash_tail.h"
#include "media/log/log_entries.h"
#include "media/log/log_fetch.h"
#include "media/log/log_stream.h"

namespace tapeloft::media {
namespace {

CartridgeState state_of(const CartridgeRecord& record, const std::vector<NamedValue>& values) {
    CartridgeState state;
    state.record = record;
    state.damaged = record.damaged;
    state.values = values;
    return state;
}

LogEntry entry_of(const PendingChange& change, const ArchiveWork& work) {
    switch (change.kind) {
        case PendingChange::Kind::state:
            return encode(state_of(work.record, work.values));
        case PendingChange::Kind::format:
            return encode_format(change.capacities);
        case PendingChange::Kind::truncate:
            return encode(Truncation{change.partition, change.object});
        case PendingChange::Kind::removed:
            break;
    }
    return encode_cartridge_removed();
}

bool has(const std::vector<PendingChange>& changes, PendingChange::Kind kind) {
    return std::ranges::find(changes, kind, &PendingChange::kind) != changes.end();
}

std::vector<std::int64_t> ids_of(const std::vector<PendingChange>& changes) {
    std::vector<std::int64_t> ids;
    for (const auto& change : changes) {
        ids.push_back(change.id);
    }
    return ids;
}

/// How a cartridge stands in the catalog, whatever its log said behind what the catalog knows:
/// media/log/README.md, "After a crash".
std::vector<LogEntry> restatement(const CheckpointFacts& facts) {
    std::vector<LogEntry> entries;
    entries.push_back(encode(state_of(facts.record, facts.values)));
    if (has(facts.changes, PendingChange::Kind::format)) {
        entries.push_back(encode_format(facts.capacities));
        return entries;
    }
    std::vector<std::uint64_t> ends(std::max<std::size_t>(facts.capacities.size(), 1), 0);
    for (const auto& logged : facts.segments) {
        const auto& row = logged.segment;
        TL_ASSERT(row.partition < ends.size());
        ends[row.partition] = row.first_object + row.object_count;
    }
    for (std::uint32_t partition = 0; partition < ends.size(); ++partition) {
        entries.push_back(encode(Truncation{partition, ends[partition]}));
    }
    return entries;
}

}  // namespace

Awaitable<Result<StreamHead>> MetadataLog::append(StreamId stream, StreamHead head, LogKind kind,
                                                  std::vector<LogEntry> entries) {
    // A checkpoint begins with what it retains.
    entries.insert(entries.begin() + (kind == LogKind::checkpoint ? 1 : 0),
                   encode_writer(parts_.writer));
    LogWriter writer(parts_.store, parts_.keys, stream, head);
    auto call = [&writer, kind, &entries] { return writer.append(kind, entries); };
    TL_CO_CHECK(checked(stream, co_await parts_.access.until_done(std::move(call))));
    co_return writer.head();
}

Awaitable<Result<void>> MetadataLog::check_lease() {
    auto call = [this] { return parts_.lease.check(); };
    co_return co_await parts_.access.until_write_may_begin(std::move(call));
}

/// Where an object may be stored that the catalog does not know, the stream is as after a crash.
Result<void> MetadataLog::checked(const StreamId& stream, Result<void> done) {
    if (!done) {
        adopted_.erase(stream);
    }
    return done;
}

Awaitable<Result<StreamHead>> MetadataLog::head_of(StreamId stream) {
    auto ask = [this, stream] { return parts_.catalog.head(stream); };
    auto disk = parts_.disk;
    co_return co_await run_on(std::move(disk), std::move(ask));
}

/// Nothing behind `known`, but for a crash.
Awaitable<Result<LogTail>> MetadataLog::tail_of(StreamId stream, StreamHead known) {
    LogTail tail;
    tail.head = known;
    if (adopted_.contains(stream)) {
        co_return tail;
    }
    auto look = [this, stream, known, &tail]() -> Awaitable<Result<void>> {
        return look_behind(stream, known, tail);
    };
    TL_CO_CHECK(co_await parts_.access.until_done(std::move(look)));
    TL_CO_CHECK(check_writer(stream, tail, parts_.writer));
    for (const auto& finding : tail.findings) {
        parts_.events.warning("archive", "The log of the library is not as it was left.",
                              {{"object", finding.object}, {"finding", finding.what}});
    }
    adopted_.insert(stream);
    co_return tail;
}

Awaitable<Result<void>> MetadataLog::look_behind(StreamId stream, StreamHead known, LogTail& tail) {
    TL_CO_TRY(tail, co_await adopt_log_tail(parts_.store, parts_.keys, stream, known));
    co_return Result<void>();
}

Awaitable<Result<bool>> MetadataLog::adopt(const ArchiveWork& work) {
    if (!adopted_.contains(parts_.keys.index_stream())) {
        TL_CO_CHECK(co_await adopted_index());  // what was stored is not to be stored again
    }
    TL_CO_TRY(const auto tail, co_await tail_of(work.stream, work.head));
    if (tail.objects.empty()) {
        co_return false;
    }
    const bool removal = has(work.changes, PendingChange::Kind::removed);
    TL_CO_CHECK(checked(work.stream, check_cartridge_tail(work.stream, tail, removal)));
    const auto& last = tail.objects.back().object.entries;
    if (!last.empty() && last.back().type == LogEntryType::removed) {
        TL_CO_CHECK(co_await note_removed(work, tail.head));
    } else if (removal) {
        TL_CO_CHECK(co_await note_head(work.stream, tail.head));
    } else {
        TL_CO_CHECK(checked(work.stream, co_await restate(work, tail)));
    }
    co_return true;
}

/// The log has said all.
Awaitable<Result<void>> MetadataLog::note_removed(const ArchiveWork& work, StreamHead head) {
    auto note = [this, id = work.record.id, changes = ids_of(work.changes), head] {
        return parts_.catalog.commit_segments(id, {changes, {}, head});
    };
    auto disk = parts_.disk;
    co_return checked(work.stream, co_await run_on(std::move(disk), std::move(note)));
}

Awaitable<Result<void>> MetadataLog::restate(const ArchiveWork& work, const LogTail& tail) {
    TL_CO_CHECK(co_await check_lease());
    // What is cut off behind this question stands among the changes of the next one.
    auto look = [this, id = work.record.id] { return parts_.catalog.work(id, kAllSegments); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto waiting, co_await run_on(std::move(disk), std::move(look)));
    auto ask = [this, id = work.record.id] { return parts_.catalog.checkpoint_facts(id); };
    disk = parts_.disk;
    TL_CO_TRY(const auto facts, co_await run_on(std::move(disk), std::move(ask)));
    TL_CO_CHECK(check_commit(work.stream, tail, facts, waiting.segments));
    auto entries = restatement(facts);
    TL_CO_TRY(const auto stored,
              co_await append(work.stream, tail.head, LogKind::delta, std::move(entries)));
    auto note = [this, facts, stored] {
        const auto changes = ids_of(facts.changes);
        return parts_.catalog.commit_segments(facts.record.id, {changes, {}, stored});
    };
    disk = parts_.disk;
    co_return co_await run_on(std::move(disk), std::move(note));
}

/// The head of the index, where everything that stands in it is in the catalog.
Awaitable<Result<StreamHead>> MetadataLog::adopted_index() {
    const auto stream = parts_.keys.index_stream();
    TL_CO_TRY(const auto known, co_await head_of(stream));
    TL_CO_TRY(const auto tail, co_await tail_of(stream, known));
    if (tail.objects.empty()) {
        co_return known;
    }
    auto ask = [this] { return parts_.catalog.removals(library_); };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto removals, co_await run_on(std::move(disk), std::move(ask)));
    TL_CO_CHECK(checked(stream, check_index_tail(stream, tail, removals)));
    std::vector<PackContents> packs;
    for (const auto& each : tail.objects) {
        for (const auto& entry : each.object.entries) {
            if (entry.type == LogEntryType::pack_added) {
                TL_CO_TRY(auto pack, decode_pack_added(entry));
                packs.push_back(std::move(pack));
            }
        }
    }
    auto note = [this, packs = std::move(packs), stream, head = tail.head] {
        return parts_.catalog.add_packs({library_, packs, stream, head});
    };
    disk = parts_.disk;
    TL_CO_CHECK(checked(stream, co_await run_on(std::move(disk), std::move(note))));
    co_return tail.head;
}

Awaitable<Result<StreamHead>> MetadataLog::append_to_index(std::vector<LogEntry> entries) {
    TL_CO_TRY(const auto head, co_await adopted_index());
    co_return co_await append(parts_.keys.index_stream(), head, LogKind::delta, std::move(entries));
}

Awaitable<Result<void>> MetadataLog::add_packs(std::vector<PackContents> packs) {
    TL_CO_CHECK(co_await check_lease());
    TL_CO_TRY(const auto indexed, co_await index(packs));
    TL_CO_CHECK(co_await note_packs(indexed));
    co_await compact(indexed.index, indexed.head, std::nullopt);
    co_return Result<void>();
}

/// Into the index log; the catalog does not know it yet.
Awaitable<Result<IndexedPacks>> MetadataLog::index(std::span<const PackContents> packs) {
    std::vector<LogEntry> entries;
    for (const auto& pack : packs) {
        entries.push_back(encode(pack));
    }
    IndexedPacks indexed{library_, packs, parts_.keys.index_stream(), {}};
    TL_CO_TRY(indexed.head, co_await append_to_index(std::move(entries)));
    co_return indexed;
}

Awaitable<Result<void>> MetadataLog::note_packs(IndexedPacks packs) {
    auto note = [this, packs] { return parts_.catalog.add_packs(packs); };
    auto disk = parts_.disk;
    co_return checked(packs.index, co_await run_on(std::move(disk), std::move(note)));
}

Awaitable<Result<void>> MetadataLog::remove_pack(PackId pack) {
    TL_CO_CHECK(co_await check_lease());
    std::vector<LogEntry> entries;
    entries.push_back(encode_removed(pack));
    TL_CO_TRY(const auto head, co_await append_to_index(std::move(entries)));
    const auto stream = parts_.keys.index_stream();
    auto note = [this, stream, head] { return parts_.catalog.note_pack_removed(stream, head); };
    auto disk = parts_.disk;
    co_return checked(stream, co_await run_on(std::move(disk), std::move(note)));
}

Awaitable<Result<void>> MetadataLog::remove_stream(EndedStream ended) {
    TL_CO_CHECK(co_await check_lease());
    std::vector<std::string> names;
    for (std::uint64_t sequence = 1; sequence <= ended.sequence; ++sequence) {
        names.push_back(log_name(ended.stream, sequence));
    }
    if (!names.empty()) {
        names.push_back(head_name(ended.stream));
        const auto removed = co_await parts_.store.remove_many(std::move(names));
        if (!removed) {
            co_return Result<void>();
        }
    }
    auto forget = [this, stream = ended.stream] { return parts_.catalog.forget_stream(stream); };
    auto disk = parts_.disk;
    co_return co_await run_on(std::move(disk), std::move(forget));
}

Awaitable<Result<void>> MetadataLog::note_head(StreamId stream, StreamHead head) {
    auto note = [this, stream, head] { return parts_.catalog.note_head(stream, head); };
    auto disk = parts_.disk;
    co_return checked(stream, co_await run_on(std::move(disk), std::move(note)));
}

Awaitable<Result<void>> MetadataLog::commit(const ArchiveWork& work,
                                            std::vector<ReadySegment> segments,
                                            std::vector<PackContents> packs) {
    TL_CO_CHECK(co_await check_lease());
    std::optional<IndexedPacks> indexed;
    if (!packs.empty()) {
        TL_CO_TRY(indexed, co_await index(packs));
    }
    auto head = co_await log_and_note(work, std::move(segments), indexed ? &*indexed : nullptr);
    if (!head) {
        if (indexed) {  // whatever the catalog knows of the commit, their chunks are to be found
            static_cast<void>(co_await note_packs(*indexed));
        }
        co_return std::move(head).error();
    }
    if (indexed) {
        co_await compact(indexed->index, indexed->head, std::nullopt);
    }
    if (!has(work.changes, PendingChange::Kind::removed)) {
        co_await compact(work.stream, *head, work.record.id);
    }
    co_return Result<void>();
}

/// Behind the index: the cartridge's log, then the catalog, which learns of both.
Awaitable<Result<StreamHead>> MetadataLog::log_and_note(const ArchiveWork& work,
                                                        std::vector<ReadySegment> segments,
                                                        const IndexedPacks* packs) {
    std::vector<LogEntry> entries;
    for (const auto& change : work.changes) {
        entries.push_back(entry_of(change, work));
    }
    std::vector<StoredSegment> stored;
    for (auto& segment : segments) {
        segment.stored.map_sequence = work.head.sequence + 1;
        entries.push_back(encode(AppendedSegment{segment.row, segment.stored.map}));
        stored.push_back(std::move(segment.stored));
    }
    TL_CO_TRY(const auto head,
              co_await append(work.stream, work.head, LogKind::delta, std::move(entries)));
    TL_ASSERT(head.sequence == work.head.sequence + 1);
    auto note = [this, id = work.record.id, changes = ids_of(work.changes),
                 stored = std::move(stored), head, packs] {
        return parts_.catalog.commit_segments(id, {changes, stored, head, packs});
    };
    auto disk = parts_.disk;
    TL_CO_CHECK(checked(work.stream, co_await run_on(std::move(disk), std::move(note))));
    co_return head;
}

Awaitable<Result<void>> MetadataLog::store_library_state() {
    auto ask = [this] { return named_state(); };
    auto disk = parts_.disk;
    TL_CO_TRY(auto work, co_await run_on(std::move(disk), std::move(ask)));
    if (!work) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await check_lease());
    const auto stream = parts_.keys.library_stream();
    TL_CO_TRY(const auto known, co_await head_of(stream));
    // Every object of this stream has all of the state: what is behind needs no more than its end.
    TL_CO_TRY(const auto tail, co_await tail_of(stream, known));
    auto check = [this, stream, &tail] { return check_names(stream, tail); };
    disk = parts_.disk;
    TL_CO_CHECK(checked(stream, co_await run_on(std::move(disk), std::move(check))));
    auto checkpoint = library_checkpoint(tail.head, work->state);
    TL_CO_TRY(const auto head, co_await append(stream, tail.head, LogKind::checkpoint,
                                               std::move(checkpoint.entries)));
    auto note = [this, version = work->version, stream, head] {
        return parts_.catalog.commit_library(library_, version, stream, head);
    };
    disk = parts_.disk;
    TL_CO_CHECK(checked(stream, co_await run_on(std::move(disk), std::move(note))));
    co_return co_await remove_objects(stream, checkpoint.obsolete);
}

/// A cartridge is named when the catalog knows that its stream was begun. Blocks.
Result<void> MetadataLog::check_names(const StreamId& stream, const LogTail& tail) {
    TL_TRY(const auto named, named_in(tail));
    for (const auto& cartridge : named) {
        TL_TRY(const auto head, parts_.catalog.head(cartridge.stream));
        if (head.sequence == 0) {
            return old_copy(stream, tail.head.sequence);
        }
    }
    return {};
}

/// The state, where it changed. Cartridges that have nothing in the store are not named: whoever
/// recovers the library would look for them. Blocks.
Result<std::optional<LibraryWork>> MetadataLog::named_state() {
    TL_TRY(auto work, parts_.catalog.library_work(library_));
    if (!work) {
        return work;
    }
    std::vector<KnownCartridge> named;
    for (auto& cartridge : work->state.cartridges) {
        TL_TRY(const auto head, parts_.catalog.head(cartridge.stream));
        if (head.sequence != 0) {
            named.push_back(std::move(cartridge));
        }
    }
    work->state.cartridges = std::move(named);
    return work;
}

/// Log objects that count no more. One that stays does no harm.
Awaitable<Result<void>> MetadataLog::remove_objects(StreamId stream,
                                                    std::vector<std::uint64_t> sequences) {
    std::vector<std::string> names;
    for (const auto sequence : sequences) {
        names.push_back(log_name(stream, sequence));
    }
    // The next checkpoint names those again that are still there.
    static_cast<void>(co_await parts_.store.remove_many(std::move(names)));
    co_return Result<void>();
}

/// Objects that no longer count go. The stream is right without it, and what came before is done.
Awaitable<void> MetadataLog::compact(StreamId stream, StreamHead head,
                                     std::optional<CartridgeId> cartridge) {
    const auto done = co_await try_to_compact(stream, head, cartridge);
    if (!done && done.error().code != Errc::cancelled) {
        parts_.events.warning("archive",
                              "A log could not be made shorter; it is tried again when it has "
                              "grown.",
                              {{"log", "log/" + to_hex(stream)}, {"cause", done.error().message}});
    }
}

/// cartridge: whose log it is; none: the index.
Awaitable<Result<void>> MetadataLog::try_to_compact(StreamId stream, StreamHead head,
                                                    std::optional<CartridgeId> cartridge) {
    if (!worth_a_look(stream, head)) {
        co_return Result<void>();
    }
    TL_CO_TRY(const auto use, co_await use_at_the_worst(stream, head, cartridge));
    if (!checkpoint_due(use)) {
        co_return Result<void>();
    }
    TL_CO_TRY(const auto log, co_await read_log(parts_.store, parts_.keys, stream, head,
                                                cartridge ? nullptr : &without_chunks));
    TL_CO_TRY(auto checkpoint, cartridge ? cartridge_checkpoint(log) : index_checkpoint(log));
    if (!checkpoint_due(checkpoint.use)) {
        co_return Result<void>();
    }
    TL_CO_CHECK(co_await check_lease());
    TL_CO_TRY(const auto stored,
              co_await append(stream, head, LogKind::checkpoint, std::move(checkpoint.entries)));
    TL_CO_CHECK(co_await note_head(stream, stored));
    co_return co_await remove_objects(stream, std::move(checkpoint.obsolete));
}

bool MetadataLog::worth_a_look(const StreamId& stream, const StreamHead& head) {
    const auto [looked, first] = looked_.try_emplace(stream, head.checkpoint);
    const auto since = std::max(looked->second, head.checkpoint);
    if (head.sequence - since < kCheckpointDeltasMin) {
        return false;
    }
    looked->second = head.sequence;
    return true;
}

/// No more of the stream can be obsolete than this says; the stream is not read for it.
Awaitable<Result<LogUse>> MetadataLog::use_at_the_worst(StreamId stream, StreamHead head,
                                                        std::optional<CartridgeId> cartridge) {
    LogUse use;
    use.deltas = head.sequence - head.checkpoint;
    use.objects = use.deltas;
    if (head.checkpoint != 0) {
        TL_CO_TRY(const auto retained, co_await retained_by(stream, head.checkpoint));
        use.objects += retained + 1;
    }
    auto ask = [this, stream, cartridge] {
        return cartridge ? parts_.catalog.mapped_log_objects(*cartridge)
                         : parts_.catalog.packs_removed(stream);
    };
    auto disk = parts_.disk;
    TL_CO_TRY(const auto count, co_await run_on(std::move(disk), std::move(ask)));
    // Of an index: a checkpoint, the object that says that a pack is removed, and the one that
    // added it.
    const auto obsolete = std::min<std::size_t>(2 * count + 1, use.objects);
    use.live = cartridge ? std::min<std::size_t>(count, use.objects) : use.objects - obsolete;
    co_return use;
}

Awaitable<Result<std::size_t>> MetadataLog::retained_by(StreamId stream, std::uint64_t checkpoint) {
    LogFetch fetch(parts_.store, parts_.keys, stream);
    TL_CO_TRY(const auto objects, co_await fetch.range(checkpoint, 1));
    if (!objects.front()) {
        co_return fetch.removed(checkpoint);
    }
    TL_CO_TRY(const auto retained, decode_retained(objects.front()->object.entries.front()));
    co_return retained.size();
}

}  // namespace tapeloft::media
