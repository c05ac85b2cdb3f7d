// SqliteArchive: what is to be archived, what is stored, the streams and the libraries.
#include <algorithm>
#include <map>
#include <utility>

#include "media/catalog/outbox.h"
#include "media/catalog/rows.h"
#include "media/catalog/sqlite_archive.h"

namespace tapeloft::media {
namespace {

/// What can be stored: the counts are final, and there is something in it.
constexpr std::string_view kUnstored = TL_IN_SPOOL
    "WHERE cartridge = ?1 AND spooled = 1 AND map_sequence IS NULL AND (sealed = 1 OR complete = "
    "1) AND object_count > 0 ORDER BY partition, number LIMIT ?2";

constexpr std::string_view kCartridgesWithWork =
    "SELECT id FROM cartridge WHERE library = ?1 AND ("
    "EXISTS (SELECT 1 FROM pending_change WHERE cartridge = cartridge.id) OR "
    "EXISTS (SELECT 1 FROM segment" TL_IN_SPOOL
    "WHERE segment.cartridge = cartridge.id AND spooled = 1 AND "
    "map_sequence IS NULL AND (sealed = 1 OR complete = 1) AND object_count > 0)) "
    "UNION SELECT stream.cartridge FROM pending_change JOIN stream "
    "ON stream.cartridge = pending_change.cartridge WHERE stream.library = ?1 ORDER BY 1";

/// A segment that is stored, or was when it was cut off.
constexpr std::string_view kIsStored =
    "SELECT 1 FROM segment WHERE cartridge = ?1 AND number = ?2 AND map_sequence > 0 UNION ALL "
    "SELECT 1 FROM dead_map WHERE cartridge = ?1 AND number = ?2";
constexpr std::size_t kLargeMap = 64UL * 1024;  // bytes
constexpr std::string_view kKeepMap =
    "INSERT OR REPLACE INTO segment_map (cartridge, number, map) SELECT ?1, ?2, ?3 FROM segment "
    "WHERE cartridge = ?1 AND number = ?2 AND map_sequence IS NULL";
/// Unless it was kept.
constexpr std::string_view kHaveMap =
    "INSERT OR IGNORE INTO segment_map (cartridge, number, map) VALUES (?1, ?2, ?3)";
constexpr std::string_view kReplaceMap =
    "INSERT OR REPLACE INTO segment_map (cartridge, number, map) VALUES (?1, ?2, ?3)";

StreamHead head_from(const Query& row, int column) {
    StreamHead head;
    head.checkpoint = row.count(column);
    head.sequence = row.count(column + 1);
    row.fill(column + 2, head.digest);
    return head;
}

PendingChange change_from(const Query& row) {
    PendingChange change;
    change.id = row.integer(0);
    change.kind = static_cast<PendingChange::Kind>(row.integer(1));
    change.partition = static_cast<std::uint32_t>(row.integer(2));
    change.object = row.count(3);
    return change;
}

OwnedValue owned_value_from(const Query& row) {
    return {row.text(0), {row.text(1), row.blob(2)}};
}

CartridgeId id_from(const Query& row) {
    return row.integer(0);
}

KnownCartridge known_from(const Query& row) {
    KnownCartridge known;
    row.fill(0, known.stream);
    known.barcode = row.text(1);
    known.medium_serial = row.text(2);
    return known;
}

bool has_state(const std::vector<PendingChange>& changes) {
    return std::ranges::any_of(
        changes, [](const auto& change) { return change.kind == PendingChange::Kind::state; });
}

}  // namespace

// Work

Result<std::vector<CartridgeId>> SqliteArchive::cartridges_with_work(const std::string& library) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query(kCartridgesWithWork));
    row.bind(library);
    return collect(row, id_from);
}

Result<ArchiveWork> SqliteArchive::work(CartridgeId id, std::size_t segments_max) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    ArchiveWork work;
    work.record.id = id;
    TL_TRY(work.changes, pending_changes(id));
    TL_TRY(auto row, database_.query(select_cartridges("WHERE id = ?1")));
    TL_TRY(const bool found, row.bind(id).step());
    if (!found && work.changes.empty()) {
        return no_such_cartridge(id);
    }
    TL_TRY(const auto stream, stream_made(id));
    work.stream = stream.id;
    work.head = stream.head;
    if (found) {
        work.record = cartridge_from(row);
        TL_TRY(auto segments, database_.query(select_segments(kUnstored)));
        segments.bind(id).bind(std::uint64_t{segments_max});
        TL_TRY(work.segments, collect(segments, segment_from));
        TL_TRY(work.at_end, is_end(id, work.segments));
    }
    if (has_state(work.changes)) {
        TL_TRY(work.values, values_of(id));
    }
    TL_CHECK(transaction.commit());
    return work;
}

/// The last of the segments is sealed, and nothing is or will be behind it in its partition.
Result<bool> SqliteArchive::is_end(CartridgeId id, const std::vector<SegmentRecord>& segments) {
    if (segments.empty() || !segments.back().sealed) {
        return false;
    }
    const auto& last = segments.back();
    TL_TRY(auto row,
           database_.query("SELECT 1 FROM segment WHERE cartridge = ?1 AND number > ?2 AND "
                           "partition = ?3 AND (sealed = 0 OR object_count > 0)"));
    TL_TRY(const bool more, row.bind(id).bind(last.number).bind(last.partition).step());
    return !more;
}

Result<std::vector<PendingChange>> SqliteArchive::pending_changes(CartridgeId id) {
    TL_TRY(auto row, database_.query("SELECT id, kind, partition, object FROM pending_change "
                                     "WHERE cartridge = ?1 ORDER BY id"));
    row.bind(id);
    TL_TRY(auto changes, collect(row, change_from));
    for (auto& change : changes) {
        if (change.kind == PendingChange::Kind::format) {
            TL_TRY(change.capacities, capacities(id));
        }
    }
    return changes;
}

/// An older format is of no account, so those of the one that is pending are today's.
Result<std::vector<std::uint64_t>> SqliteArchive::capacities(CartridgeId id) {
    TL_TRY(auto row,
           database_.query("SELECT capacity FROM partition WHERE cartridge = ?1 ORDER BY number"));
    row.bind(id);
    return collect(row, count_from);
}

// Streams

Result<StreamId> SqliteArchive::stream_of(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(const auto stream, stream_made(id));
    TL_CHECK(transaction.commit());
    return stream.id;
}

Result<std::optional<SqliteArchive::Stream>> SqliteArchive::stream_row(CartridgeId id) {
    TL_TRY(auto row, database_.query("SELECT checkpoint, sequence, digest, id FROM stream WHERE "
                                     "cartridge = ?1"));
    std::optional<Stream> stream;
    TL_TRY(const bool found, row.bind(id).step());
    if (found) {
        stream.emplace();
        stream->head = head_from(row, 0);
        row.fill(3, stream->id);
    }
    return stream;
}

Result<SqliteArchive::Stream> SqliteArchive::stream_made(CartridgeId id) {
    TL_TRY(auto stream, stream_row(id));
    if (stream) {
        return *stream;
    }
    TL_TRY(auto query, database_.query("INSERT INTO stream (id, cartridge, library) SELECT "
                                       "randomblob(16), id, library FROM cartridge WHERE id = ?1"));
    TL_CHECK(query.bind(id).run());
    TL_TRY(stream, stream_row(id));
    if (!stream) {
        return no_such_cartridge(id);
    }
    return *stream;
}

Result<StreamHead> SqliteArchive::head(const StreamId& stream) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row,
           database_.query("SELECT checkpoint, sequence, digest FROM stream WHERE id = ?1"));
    TL_TRY(const bool found, row.bind_blob(stream).step());
    return found ? head_from(row, 0) : StreamHead{};
}

Result<void> SqliteArchive::note_head(const StreamId& stream, const StreamHead& head) {
    const std::lock_guard lock(mutex_);
    return set_head(stream, head);
}

Result<void> SqliteArchive::set_head(const StreamId& stream, const StreamHead& head) {
    TL_TRY(auto query,
           database_.query("INSERT INTO stream (id, checkpoint, sequence, digest) VALUES (?1, ?2, "
                           "?3, ?4) ON CONFLICT (id) DO UPDATE SET removals = CASE WHEN "
                           "checkpoint = ?2 THEN removals ELSE 0 END, checkpoint = ?2, "
                           "sequence = ?3, digest = ?4"));
    query.bind_blob(stream).bind(head.checkpoint).bind(head.sequence).bind_blob(head.digest);
    return query.run();
}

// Libraries

Result<std::optional<LibraryWork>> SqliteArchive::library_work(const std::string& library) {
    const std::lock_guard lock(mutex_);
    std::optional<LibraryWork> work;
    TL_TRY(auto row, database_.query("SELECT 1 FROM library WHERE name = ?1 AND version = logged"));
    TL_TRY(const bool logged, row.bind(library).step());
    if (!logged) {
        TL_TRY(work, state_of(library));
    }
    return work;
}

Result<LibraryWork> SqliteArchive::library_state(const std::string& library) {
    const std::lock_guard lock(mutex_);
    return state_of(library);
}

Result<LibraryWork> SqliteArchive::state_of(const std::string& library) {
    TL_TRY(auto transaction, Transaction::begin(database_));
    LibraryWork work;
    work.state.name = library;
    TL_TRY(auto first, database_.query("INSERT OR IGNORE INTO library (name, version) VALUES "
                                       "(?1, 1)"));
    TL_CHECK(first.bind(library).run());
    TL_TRY(auto version, database_.query("SELECT version FROM library WHERE name = ?1"));
    version.bind(library);
    TL_TRY(const bool known, version.step());
    TL_ASSERT(known);
    work.version = version.count(0);
    const auto serials = "serial/" + library + "/";
    TL_TRY(auto property, database_.query("SELECT name, value FROM property WHERE "
                                          "substr(name, 1, length(?1)) = ?1 OR "
                                          "substr(name, 1, length(?2)) = ?2"));
    property.bind(serials).bind("library/" + library + "/");
    for (;;) {
        TL_TRY(const bool more, property.step());
        if (!more) {
            break;
        }
        work.state.properties.emplace(property.text(0), property.text(1));
    }
    TL_TRY(auto value, database_.query("SELECT owner, value.name, value.value FROM value WHERE "
                                       "owner IN (SELECT 'lu/' || value FROM property WHERE "
                                       "substr(name, 1, length(?1)) = ?1) ORDER BY 1, 2"));
    value.bind(serials);
    TL_TRY(work.state.values, collect(value, owned_value_from));
    TL_TRY(work.state.cartridges, known_cartridges(library));
    TL_CHECK(transaction.commit());
    return work;
}

Result<std::vector<KnownCartridge>> SqliteArchive::known_cartridges(const std::string& library) {
    TL_TRY(auto missing,
           database_.query("INSERT INTO stream (id, cartridge, library) SELECT randomblob(16), "
                           "id, library FROM cartridge WHERE library = ?1 AND id NOT IN (SELECT "
                           "cartridge FROM stream WHERE cartridge IS NOT NULL)"));
    TL_CHECK(missing.bind(library).run());
    TL_TRY(auto row,
           database_.query("SELECT stream.id, barcode, medium_serial FROM cartridge JOIN stream ON "
                           "stream.cartridge = cartridge.id WHERE cartridge.library = ?1 "
                           "ORDER BY barcode"));
    row.bind(library);
    return collect(row, known_from);
}

Result<void> SqliteArchive::commit_library(const std::string& library, std::uint64_t version,
                                           const StreamId& stream, const StreamHead& head) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(auto query, database_.query("UPDATE library SET logged = max(logged, ?2) WHERE name = "
                                       "?1 AND version >= ?2"));
    TL_CHECK(query.bind(library).bind(version).run());
    if (database_.changes() != 1) {
        return Error{Errc::precondition, "library " + library + " never had a version " +
                                             std::to_string(version) + " in the catalog"};
    }
    TL_CHECK(set_head(stream, head));
    return transaction.commit();
}

// Segments

Result<void> SqliteArchive::commit_segments(CartridgeId id, const LoggedCommit& commit) {
    References references;
    for (const auto& segment : commit.segments) {
        TL_CHECK(keep_large_map(id, segment));
        for (const auto& chunk : segment.chunks) {
            references.add(chunk.fingerprint, 1);
        }
    }
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(const auto stream, stream_row(id));
    if (!stream) {
        return no_such_cartridge(id);
    }
    for (const auto change : commit.changes_done) {
        TL_TRY(auto query,
               database_.query("DELETE FROM pending_change WHERE id = ?1 AND cartridge = ?2"));
        TL_CHECK(query.bind(change).bind(id).run());
    }
    for (const auto& segment : commit.segments) {
        TL_CHECK(check_unstored(id, segment.number));
        TL_CHECK(store_segment(id, segment));
    }
    PackSums sums;
    if (commit.packs != nullptr) {
        TL_CHECK(add_packs(*commit.packs, references, sums));
    }
    TL_CHECK(add_references(references, sums));
    TL_CHECK(sums.apply(database_));
    TL_CHECK(set_head(stream->id, commit.head));
    if (stream->head.sequence == 0) {  // from now on the library's log is to name it
        TL_CHECK(note_begun(stream->id));
    }
    return transaction.commit();
}

Result<void> SqliteArchive::note_begun(const StreamId& stream) {
    TL_TRY(auto row, database_.query("SELECT library FROM stream WHERE id = ?1"));
    TL_TRY(const bool found, row.bind_blob(stream).step());
    return found ? Outbox(database_).library(row.text(0)) : Result<void>();
}

/// Large maps would be the most of a commit: each is there before, in a transaction of its own, so
/// that nobody waits for all of them. One that no commit comes to is replaced by the next one, or
/// goes with its segment.
Result<void> SqliteArchive::keep_large_map(CartridgeId id, const StoredSegment& segment) {
    if (segment.map.size() < kLargeMap) {
        return {};
    }
    const std::lock_guard lock(mutex_);
    TL_TRY(auto map, database_.query(kKeepMap));
    return map.bind(id).bind(segment.number).bind_borrowed(segment.map).run();
}

Result<void> SqliteArchive::check_unstored(CartridgeId id, std::uint64_t number) {
    TL_TRY(auto row, database_.query(kIsStored));
    TL_TRY(const bool stored, row.bind(id).bind(number).step());
    if (stored) {
        return Error{Errc::precondition, "segment " + std::to_string(number) + " of cartridge " +
                                             std::to_string(id) + " is stored already"};
    }
    return {};
}

Result<void> SqliteArchive::store_segment(CartridgeId id, const StoredSegment& segment) {
    const bool kept = segment.map.size() >= kLargeMap;
    TL_TRY(auto map, database_.query(kept ? kHaveMap : kReplaceMap));
    TL_CHECK(map.bind(id).bind(segment.number).bind_borrowed(segment.map).run());
    TL_TRY(auto row, database_.query("UPDATE segment SET map_sequence = ?3 WHERE cartridge = ?1 "
                                     "AND number = ?2 RETURNING byte_count, filemark_count"));
    TL_TRY(const bool there, row.bind(id).bind(segment.number).bind(segment.map_sequence).step());
    if (!there) {
        TL_TRY(auto dead, database_.query("INSERT INTO dead_map VALUES (?1, ?2)"));
        return dead.bind(id).bind(segment.number).run();
    }
    TL_TRY(auto sum, database_.query("UPDATE cartridge SET stored_bytes = stored_bytes + ?2 "
                                     "WHERE id = ?1"));
    TL_CHECK(sum.bind(id).bind(record_bytes(row.count(0), row.count(1))).run());
    return row.run();
}

Result<Bytes> SqliteArchive::segment_map(CartridgeId id, std::uint64_t number) {
    const std::lock_guard lock(first_);
    TL_TRY(auto row,
           database_.query("SELECT map FROM segment_map WHERE cartridge = ?1 AND number = ?2"));
    TL_TRY(const bool found, row.bind(id).bind(number).step());
    if (!found) {
        return Error{Errc::not_found, "segment " + std::to_string(number) + " of cartridge " +
                                          std::to_string(id) + " is not stored"};
    }
    return row.blob(0);
}

Result<std::vector<std::uint64_t>> SqliteArchive::leave_spool(
    CartridgeId id, std::span<const std::uint64_t> numbers) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    std::vector<std::uint64_t> left;
    for (const auto number : numbers) {
        TL_TRY(
            auto query,
            database_.query("UPDATE segment SET spooled = 0, sealed = 1 WHERE cartridge = ?1 AND "
                            "number = ?2 AND map_sequence IS NOT NULL AND "
                            "(sealed = 1 OR complete = 1)"));
        TL_CHECK(query.bind(id).bind(number).run());
        if (database_.changes() == 1) {
            left.push_back(number);
        }
    }
    TL_CHECK(transaction.commit());
    return left;
}

Result<std::vector<std::uint64_t>> SqliteArchive::stored_and_spooled(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row,
           database_.query(
               "SELECT number FROM segment" TL_IN_SPOOL "WHERE cartridge = ?1 AND spooled "
               "= 1 AND map_sequence > 0 AND (sealed = 1 OR complete = 1) ORDER BY number"));
    row.bind(id);
    return collect(row, count_from);
}

Result<CheckpointFacts> SqliteArchive::checkpoint_facts(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    CheckpointFacts facts;
    {
        TL_TRY(auto row, database_.query(select_cartridges("WHERE id = ?1")));
        TL_TRY(const bool found, row.bind(id).step());
        if (!found) {
            return no_such_cartridge(id);
        }
        facts.record = cartridge_from(row);
    }
    TL_TRY(facts.values, values_of(id));
    TL_TRY(facts.capacities, capacities(id));
    TL_TRY(facts.segments, logged_segments(id));
    TL_TRY(auto numbers, database_.query("SELECT ifnull(max(number) + 1, 0) FROM segment WHERE "
                                         "cartridge = ?1"));
    TL_TRY(const bool counted, numbers.bind(id).step());
    TL_ASSERT(counted);
    facts.numbers_end = numbers.count(0);
    TL_TRY(facts.changes, pending_changes(id));
    TL_CHECK(transaction.commit());
    return facts;
}

Result<std::uint64_t> SqliteArchive::mapped_log_objects(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query("SELECT count(DISTINCT map_sequence) FROM segment WHERE "
                                     "cartridge = ?1 AND map_sequence > 0"));
    TL_TRY(const bool counted, row.bind(id).step());
    TL_ASSERT(counted);
    return row.count(0);
}

Result<std::vector<LoggedSegment>> SqliteArchive::logged_segments(CartridgeId id) {
    TL_TRY(auto row, database_.query(select_segments(
                         "WHERE cartridge = ?1 AND map_sequence IS NOT NULL ORDER BY number")));
    row.bind(id);
    std::vector<LoggedSegment> logged;
    for (;;) {
        TL_TRY(const bool more, row.step());
        if (!more) {
            break;
        }
        logged.push_back({segment_from(row), row.count(kMapSequenceColumn)});
    }
    std::ranges::stable_sort(logged, {}, [](const LoggedSegment& one) {
        return std::pair(one.segment.partition, one.segment.first_object);
    });
    return logged;
}

Result<std::vector<NamedValue>> SqliteArchive::values_of(CartridgeId id) {
    TL_TRY(auto values, database_.query("SELECT name, value FROM value WHERE owner = ?1 "
                                        "ORDER BY name"));
    const auto owner = value_owner(id);
    values.bind(owner);
    return collect(values, value_from);
}

// What people ask

Result<CartridgeStorage> SqliteArchive::storage(CartridgeId id) {
    const std::lock_guard lock(mutex_);
    CartridgeStorage storage;
    TL_TRY(auto sum, database_.query("SELECT stored_bytes FROM cartridge WHERE id = ?1"));
    TL_TRY(const bool found, sum.bind(id).step());
    if (!found) {
        return no_such_cartridge(id);
    }
    storage.stored = sum.count(0);
    TL_TRY(const auto stream, stream_row(id));
    storage.log_objects = stream ? stream->head.sequence : 0;
    TL_TRY(auto row,
           database_.query("SELECT byte_count, filemark_count FROM segment" TL_IN_SPOOL "WHERE "
                           "cartridge = ?1 AND spooled = 1 AND map_sequence IS NULL"));
    row.bind(id);
    for (;;) {
        TL_TRY(const bool more, row.step());
        if (!more) {
            break;
        }
        storage.spooled_only += record_bytes(row.count(0), row.count(1));
    }
    TL_TRY(auto changes,
           database_.query("SELECT count(*) FROM pending_change WHERE cartridge = ?1"));
    TL_TRY(const bool counted, changes.bind(id).step());
    TL_ASSERT(counted);
    storage.pending_changes = changes.count(0);
    return storage;
}

Result<std::vector<std::uint64_t>> SqliteArchive::some_stored(CartridgeId id, std::size_t most) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query("SELECT number FROM segment WHERE cartridge = ?1 AND number "
                                     ">= ?2 AND map_sequence > 0 ORDER BY number LIMIT ?3"));
    row.bind(id).bind(std::uint64_t{0}).bind(std::uint64_t{most} + 1);
    TL_TRY(auto numbers, collect(row, count_from));
    if (numbers.size() <= most) {
        return numbers;
    }
    TL_TRY(auto last, database_.query("SELECT number FROM segment WHERE cartridge = ?1 AND "
                                      "map_sequence > 0 ORDER BY number DESC LIMIT 1"));
    TL_TRY(const bool any, last.bind(id).step());
    TL_ASSERT(any);
    const auto first = numbers.front();
    const auto length = last.count(0) - first;
    numbers.clear();
    for (std::size_t i = 0; i < most; ++i) {
        const auto from = first + length / (most - 1) * i;
        TL_TRY(const bool found, row.again().bind(id).bind(from).bind(std::uint64_t{1}).step());
        if (found && (numbers.empty() || row.count(0) > numbers.back())) {
            numbers.push_back(row.count(0));
        }
    }
    return numbers;
}

Result<std::uint64_t> SqliteArchive::end_of_data(CartridgeId id, std::uint32_t partition) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query("SELECT first_byte + byte_count FROM segment WHERE cartridge "
                                     "= ?1 AND partition = ?2 ORDER BY number DESC LIMIT 1"));
    TL_TRY(const bool any, row.bind(id).bind(partition).step());
    return any ? row.count(0) : 0;
}

}  // namespace tapeloft::media
