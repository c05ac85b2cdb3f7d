// SqliteArchive: chunks, the packs they are found in, and garbage.
#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>

#include "cloud/base/hex.h"

#include "media/catalog/map_chunks.h"
#include "media/catalog/rows.h"
#include "media/catalog/sqlite_archive.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kFindChunk =
    "SELECT pack, offset, stored_length, plain_length, encoding, refs FROM chunk WHERE "
    "fingerprint = ?1";
constexpr std::string_view kPackId =
    "SELECT id, condemned_unix_s, distrusted FROM pack WHERE number = ?1";
constexpr std::string_view kInsertChunk =
    "INSERT INTO chunk (fingerprint, pack, offset, stored_length, plain_length, encoding, refs) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (fingerprint) DO NOTHING";
constexpr std::string_view kMoveChunk =
    "UPDATE chunk SET pack = ?2, offset = ?3, stored_length = ?4, plain_length = ?5, encoding = ?6 "
    "WHERE fingerprint = ?1";
constexpr std::string_view kSetRefs = "UPDATE chunk SET refs = ?2 WHERE fingerprint = ?1";
constexpr std::string_view kDropChunks = "DELETE FROM chunk WHERE fingerprint = ?1 AND pack = ?2";

/// A pack that is referred to, or found something in, stays.
constexpr std::string_view kApplySums =
    "UPDATE pack SET chunks = chunks + ?2, live_plain_bytes = live_plain_bytes + ?3, live_bytes = "
    "live_bytes + ?4, referred_bytes = referred_bytes + ?5, condemned_unix_s = CASE WHEN "
    "live_bytes + ?4 > 0 "
    "THEN NULL ELSE condemned_unix_s END WHERE number = ?1";

constexpr std::string_view kDeadMaps =
    "SELECT dead_map.cartridge, number FROM dead_map JOIN stream ON stream.cartridge = "
    "dead_map.cartridge WHERE library = ?1 AND NOT EXISTS (SELECT 1 FROM pending_change WHERE "
    "pending_change.cartridge = dead_map.cartridge) LIMIT ?2";

constexpr std::string_view kEndedStreams =
    "SELECT id, sequence FROM stream WHERE library = ?1 AND cartridge IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM cartridge WHERE cartridge.id = stream.cartridge) AND NOT EXISTS (SELECT 1 FROM "
    "pending_change WHERE pending_change.cartridge = stream.cartridge) AND NOT EXISTS (SELECT 1 "
    "FROM dead_map WHERE dead_map.cartridge = stream.cartridge) AND EXISTS (SELECT 1 FROM library "
    "WHERE name = ?1 AND version = logged)";

struct ChunkRow {
    std::int64_t pack = 0;
    PackedChunk chunk;
    std::int64_t refs = 0;
};

/// Of kFindChunk.
ChunkRow chunk_from(const Query& row, const Fingerprint& fingerprint) {
    ChunkRow found;
    found.pack = row.integer(0);
    found.chunk.fingerprint = fingerprint;
    found.chunk.offset = static_cast<std::uint32_t>(row.integer(1));
    found.chunk.stored_length = static_cast<std::uint32_t>(row.integer(2));
    found.chunk.plain_length = static_cast<std::uint32_t>(row.integer(3));
    found.chunk.encoding = static_cast<ChunkEncoding>(row.integer(4));
    found.refs = row.integer(5);
    return found;
}

/// Who looks chunks up.
enum class Lookup : std::uint8_t { to_refer, to_read };

/// Packs that a batch of lookups met. One that something is found in, to refer to it, is condemned
/// no more.
class MetPacks {
  public:
    MetPacks(Database& database, Query row, Lookup lookup)
        : database_(database), row_(std::move(row)), lookup_(lookup) {}

    /// Nothing: what is in it does not count.
    Result<std::optional<PackId>> of(std::int64_t number) {
        const auto [entry, is_new] = ids_.try_emplace(number);
        if (!is_new) {
            return entry->second;
        }
        TL_TRY(const bool there, row_.again().bind(number).step());
        if (!there) {
            return Error{Errc::corrupt, "the catalog has chunks of a pack that it does not have"};
        }
        if (lookup_ == Lookup::to_refer && row_.integer(2) != 0) {
            return entry->second;
        }
        row_.fill(0, entry->second.emplace());
        if (lookup_ == Lookup::to_refer && !row_.is_null(1)) {
            TL_TRY(auto pardon, database_.query("UPDATE pack SET condemned_unix_s = NULL WHERE "
                                                "number = ?1"));
            TL_CHECK(pardon.bind(number).run());
        }
        return entry->second;
    }

  private:
    Database& database_;
    Query row_;
    Lookup lookup_;
    std::unordered_map<std::int64_t, std::optional<PackId>> ids_;
};

/// Belongs into a transaction.
Result<std::vector<std::optional<ChunkLocation>>> look_up(Database& database,
                                                          std::span<const Fingerprint> wanted,
                                                          Lookup lookup) {
    std::vector<std::optional<ChunkLocation>> found(wanted.size());
    TL_TRY(auto pack_row, database.query(kPackId));
    MetPacks packs(database, std::move(pack_row), lookup);
    TL_TRY(auto row, database.query(kFindChunk));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        TL_TRY(const bool known, row.again().bind_borrowed(wanted[i]).step());
        if (known) {
            const auto chunk = chunk_from(row, wanted[i]);
            TL_TRY(const auto pack, packs.of(chunk.pack));
            if (pack) {
                found[i] = ChunkLocation{*pack, chunk.chunk};
            }
        }
    }
    return found;
}

std::vector<Fingerprint> fingerprints_of(ByteView bytes) {
    std::vector<Fingerprint> fingerprints(bytes.size() / sizeof(Fingerprint));
    for (auto& fingerprint : fingerprints) {
        std::copy_n(bytes.begin(), fingerprint.size(), fingerprint.begin());
        bytes = bytes.subspan(fingerprint.size());
    }
    return fingerprints;
}

PackRecord pack_from(const Query& row) {
    PackRecord record;
    row.fill(0, record.id);
    record.size = row.count(1);
    record.live_bytes = row.count(2);
    if (!row.is_null(3)) {
        record.condemned_unix_s = row.integer(3);
    }
    record.distrusted = row.integer(4) != 0;
    return record;
}

PackId pack_id_from(const Query& row) {
    PackId id{};
    row.fill(0, id);
    return id;
}

EndedStream ended_stream_from(const Query& row) {
    EndedStream ended;
    row.fill(0, ended.stream);
    ended.sequence = row.count(1);
    return ended;
}

std::pair<CartridgeId, std::uint64_t> dead_map_from(const Query& row) {
    return {row.integer(0), row.count(1)};
}

}  // namespace

void PackSums::place(std::int64_t pack, const PackedChunk& chunk, std::int64_t refs,
                     std::int64_t sign) {
    auto& change = changes_[pack];
    change.chunks += sign;
    if (refs > 0) {
        change.live_plain_bytes += sign * chunk.plain_length;
        change.live_bytes += sign * chunk.stored_length;
    }
    change.referred_bytes += sign * refs * chunk.plain_length;
}

void PackSums::refer(std::int64_t pack, const PackedChunk& chunk, std::int64_t before,
                     std::int64_t after) {
    auto& change = changes_[pack];
    const std::int64_t live = (after > 0 ? 1 : 0) - (before > 0 ? 1 : 0);
    change.live_plain_bytes += live * chunk.plain_length;
    change.live_bytes += live * chunk.stored_length;
    change.referred_bytes += (after - before) * chunk.plain_length;
}

Result<void> PackSums::apply(Database& database) const {
    TL_TRY(auto query, database.query(kApplySums));
    for (const auto& [pack, change] : changes_) {
        query.again().bind(pack).bind(change.chunks).bind(change.live_plain_bytes);
        TL_CHECK(query.bind(change.live_bytes).bind(change.referred_bytes).run());
    }
    return {};
}

std::int64_t References::of(const Fingerprint& chunk) const {
    const auto found = counts_.find(chunk);
    return found == counts_.end() ? 0 : found->second;
}

// Chunks

Result<std::vector<std::optional<ChunkLocation>>> SqliteArchive::find_chunks(
    std::span<const Fingerprint> fingerprints) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(auto found, look_up(database_, fingerprints, Lookup::to_refer));
    TL_CHECK(transaction.commit());
    return found;
}

Result<std::vector<std::optional<ChunkLocation>>> SqliteArchive::locate_chunks(
    std::span<const Fingerprint> fingerprints) {
    const std::lock_guard lock(first_);
    return look_up(database_, fingerprints, Lookup::to_read);
}

Result<void> SqliteArchive::set_distrusted(const PackId& pack, bool on) {
    const std::lock_guard lock(mutex_);
    TL_TRY(const auto place, pack_row(pack));
    TL_TRY(auto query, database_.query("UPDATE pack SET distrusted = ?2 WHERE number = ?1"));
    return query.bind(place.number).bind(on).run();
}

Result<void> SqliteArchive::add_packs(const IndexedPacks& packs) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    PackSums sums;
    References none;
    TL_CHECK(add_packs(packs, none, sums));
    TL_CHECK(sums.apply(database_));
    return transaction.commit();
}

Result<void> SqliteArchive::add_packs(const IndexedPacks& packs, References& references,
                                      PackSums& sums) {
    for (const auto& pack : packs.packs) {
        TL_CHECK(add_pack(packs.library, pack, references, sums));
    }
    return set_head(packs.index, packs.head);
}

Result<void> SqliteArchive::add_pack(const std::string& library, const PackContents& pack,
                                     References& references, PackSums& sums) {
    TL_TRY(auto query, database_.query("INSERT OR IGNORE INTO pack (id, library, size) VALUES "
                                       "(?1, ?2, ?3)"));
    TL_CHECK(query.bind_blob(pack.id).bind(library).bind(pack.size).run());
    if (database_.changes() == 0) {
        return {};
    }
    const auto number = database_.last_row_id();
    Bytes fingerprints;
    fingerprints.reserve(pack.chunks.size() * sizeof(Fingerprint));
    for (const auto& chunk : pack.chunks) {
        TL_CHECK(place_chunk(number, chunk, references, sums));
        fingerprints.insert(fingerprints.end(), chunk.fingerprint.begin(), chunk.fingerprint.end());
    }
    TL_TRY(auto listed, database_.query("INSERT INTO pack_contents VALUES (?1, ?2)"));
    return listed.bind(number).bind_blob(fingerprints).run();
}

/// Most are new: whether one is tells the insertion, which has to look for its place anyway.
Result<void> SqliteArchive::place_chunk(std::int64_t pack, const PackedChunk& chunk,
                                        References& references, PackSums& sums) {
    const auto bind_place = [&](Query& query) {
        query.bind_blob(chunk.fingerprint).bind(pack).bind(chunk.offset).bind(chunk.stored_length);
        query.bind(chunk.plain_length).bind(static_cast<std::uint32_t>(chunk.encoding));
    };
    const auto refs = references.of(chunk.fingerprint);
    TL_TRY(auto insert, database_.query(kInsertChunk));
    bind_place(insert);
    TL_CHECK(insert.bind(refs).run());
    if (database_.changes() != 0) {
        references.forget(chunk.fingerprint);
        sums.place(pack, chunk, refs, 1);
        return {};
    }
    TL_TRY(auto row, database_.query(kFindChunk));
    TL_TRY(const bool known, row.bind_blob(chunk.fingerprint).step());
    if (!known) {
        return Error{Errc::corrupt, "the catalog neither has a chunk nor takes it"};
    }
    const auto before = chunk_from(row, chunk.fingerprint);
    sums.place(before.pack, before.chunk, before.refs, -1);
    sums.place(pack, chunk, before.refs, 1);
    TL_TRY(auto move, database_.query(kMoveChunk));
    bind_place(move);
    return move.run();
}

Result<void> SqliteArchive::add_references(const References& references, PackSums& sums) {
    TL_TRY(auto row, database_.query(kFindChunk));
    TL_TRY(auto query, database_.query(kSetRefs));
    for (const auto& [fingerprint, count] : references.counts()) {
        TL_TRY(const bool known, row.again().bind_borrowed(fingerprint).step());
        if (!known) {
            return Error{Errc::corrupt, "a segment map refers to a chunk that is not in the index"};
        }
        const auto found = chunk_from(row, fingerprint);
        const auto refs = found.refs + count;
        if (refs < 0) {
            return Error{Errc::corrupt, "the catalog counts too few references to a chunk"};
        }
        TL_CHECK(query.again().bind_blob(fingerprint).bind(refs).run());
        sums.refer(found.pack, found.chunk, found.refs, refs);
    }
    return {};
}

// Garbage

Result<std::size_t> SqliteArchive::drop_dead_maps(const std::string& library,
                                                  std::size_t maps_max) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(auto row, database_.query(kDeadMaps));
    row.bind(library).bind(std::uint64_t{maps_max});
    TL_TRY(const auto maps, collect(row, dead_map_from));
    PackSums sums;
    for (const auto& [cartridge, number] : maps) {
        TL_CHECK(drop_map(cartridge, number, sums));
    }
    TL_CHECK(sums.apply(database_));
    TL_CHECK(transaction.commit());
    return maps.size();
}

Result<void> SqliteArchive::drop_map(CartridgeId id, std::uint64_t number, PackSums& sums) {
    {
        TL_TRY(auto row, database_.query("SELECT map FROM segment_map WHERE cartridge = ?1 AND "
                                         "number = ?2"));
        TL_TRY(const bool found, row.bind(id).bind(number).step());
        if (found) {
            TL_TRY(const auto chunks, chunks_of_map(row.view(0)));
            References references;
            for (const auto& chunk : chunks) {
                references.add(chunk, -1);
            }
            TL_CHECK(add_references(references, sums));
        }
    }
    for (const auto* const sql : {"DELETE FROM segment_map WHERE cartridge = ?1 AND number = ?2",
                                  "DELETE FROM dead_map WHERE cartridge = ?1 AND number = ?2"}) {
        TL_TRY(auto query, database_.query(sql));
        TL_CHECK(query.bind(id).bind(number).run());
    }
    return {};
}

Result<std::vector<PackRecord>> SqliteArchive::packs(const std::string& library) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row,
           database_.query("SELECT id, size, live_bytes, condemned_unix_s, distrusted FROM pack "
                           "WHERE library = ?1 AND removing = 0 ORDER BY number"));
    row.bind(library);
    return collect(row, pack_from);
}

Result<SqliteArchive::PackRow> SqliteArchive::pack_row(const PackId& pack) {
    TL_TRY(auto row, database_.query("SELECT number, condemned_unix_s, removing, live_bytes FROM "
                                     "pack WHERE id = ?1"));
    TL_TRY(const bool found, row.bind_blob(pack).step());
    if (!found) {
        return Error{Errc::not_found, "the catalog has no pack " + to_hex(pack)};
    }
    return PackRow{row.integer(0), !row.is_null(1), row.integer(2) != 0, row.count(3)};
}

Result<Bytes> SqliteArchive::contents(std::int64_t pack) {
    TL_TRY(auto row, database_.query("SELECT fingerprints FROM pack_contents WHERE pack = ?1"));
    TL_TRY(const bool found, row.bind(pack).step());
    return found ? row.blob(0) : Bytes();
}

Result<std::vector<PackedChunk>> SqliteArchive::live_chunks(const PackId& pack) {
    const std::lock_guard lock(mutex_);
    TL_TRY(const auto place, pack_row(pack));
    TL_TRY(const auto listed, contents(place.number));
    std::vector<PackedChunk> live;
    TL_TRY(auto row, database_.query(kFindChunk));
    for (const auto& fingerprint : fingerprints_of(listed)) {
        TL_TRY(const bool known, row.again().bind_borrowed(fingerprint).step());
        const auto found = known ? chunk_from(row, fingerprint) : ChunkRow{};
        if (known && found.pack == place.number && found.refs > 0) {
            live.push_back(found.chunk);
        }
    }
    return live;
}

Result<void> SqliteArchive::condemn(const PackId& pack, std::int64_t now_unix_s) {
    const std::lock_guard lock(mutex_);
    TL_TRY(const auto place, pack_row(pack));
    if (place.live_bytes != 0) {
        return Error{Errc::precondition, "something refers to chunks in pack " + to_hex(pack)};
    }
    TL_TRY(auto query,
           database_.query("UPDATE pack SET condemned_unix_s = ?2 WHERE number = ?1 AND "
                           "condemned_unix_s IS NULL"));
    return query.bind(place.number).bind(now_unix_s).run();
}

Result<bool> SqliteArchive::begin_removal(const PackId& pack) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(const auto place, pack_row(pack));
    if (place.removing) {
        return true;
    }
    if (!place.condemned || place.live_bytes != 0) {
        return false;
    }
    TL_TRY(const auto listed, contents(place.number));
    TL_TRY(auto chunk, database_.query(kDropChunks));
    for (const auto& fingerprint : fingerprints_of(listed)) {
        TL_CHECK(chunk.again().bind_blob(fingerprint).bind(place.number).run());
    }
    TL_TRY(auto query, database_.query("UPDATE pack SET removing = 1, chunks = 0, "
                                       "referred_bytes = 0 WHERE number = ?1"));
    TL_CHECK(query.bind(place.number).run());
    TL_CHECK(transaction.commit());
    return true;
}

Result<std::vector<PackId>> SqliteArchive::removals(const std::string& library) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query("SELECT id FROM pack WHERE library = ?1 AND removing = 1 "
                                     "ORDER BY number"));
    row.bind(library);
    return collect(row, pack_id_from);
}

Result<void> SqliteArchive::end_removal(const PackId& pack) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_TRY(const auto place, pack_row(pack));
    if (!place.removing) {
        return Error{Errc::precondition, "pack " + to_hex(pack) + " is not being removed"};
    }
    for (const auto* const sql :
         {"DELETE FROM pack_contents WHERE pack = ?1", "DELETE FROM pack WHERE number = ?1"}) {
        TL_TRY(auto query, database_.query(sql));
        TL_CHECK(query.bind(place.number).run());
    }
    return transaction.commit();
}

Result<std::vector<EndedStream>> SqliteArchive::ended_streams(const std::string& library) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query(kEndedStreams));
    row.bind(library);
    return collect(row, ended_stream_from);
}

Result<void> SqliteArchive::forget_stream(const StreamId& stream) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto query, database_.query("DELETE FROM stream WHERE id = ?1"));
    return query.bind_blob(stream).run();
}

Result<void> SqliteArchive::note_pack_removed(const StreamId& index, const StreamHead& head) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_CHECK(set_head(index, head));
    TL_TRY(auto query, database_.query("UPDATE stream SET removals = removals + 1 WHERE id = ?1"));
    TL_CHECK(query.bind_blob(index).run());
    return transaction.commit();
}

Result<std::uint64_t> SqliteArchive::packs_removed(const StreamId& index) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row, database_.query("SELECT removals FROM stream WHERE id = ?1"));
    TL_TRY(const bool found, row.bind_blob(index).step());
    return found ? row.count(0) : 0;
}

Result<StorageShare> SqliteArchive::share(CartridgeId id, std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    StorageShare sum;
    TL_TRY(auto row, database_.query("SELECT map FROM segment_map WHERE cartridge = ?1 AND number "
                                     "= ?2"));
    TL_TRY(const bool stored, row.bind(id).bind(number).step());
    if (!stored) {
        return sum;
    }
    TL_TRY(const auto chunks, chunks_of_map(row.view(0)));
    TL_TRY(auto find, database_.query(kFindChunk));
    const auto stride = chunks.size() / kShareChunksMax + 1;
    for (std::size_t i = 0; i < chunks.size(); i += stride) {
        TL_TRY(const bool known, find.again().bind_borrowed(chunks[i]).step());
        const auto found = known ? chunk_from(find, chunks[i]) : ChunkRow{};
        if (found.refs > 0) {
            const auto weight = static_cast<double>(stride);
            const auto part = weight / static_cast<double>(found.refs);
            sum += {weight * found.chunk.plain_length, part * found.chunk.plain_length,
                    part * found.chunk.stored_length};
        }
    }
    return sum;
}

Result<RepositoryTotals> SqliteArchive::totals(const std::string& library) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto row,
           database_.query("SELECT count(*), ifnull(sum(size), 0), ifnull(sum(live_bytes), 0), "
                           "ifnull(sum(live_plain_bytes), 0), ifnull(sum(referred_bytes), 0), "
                           "ifnull(sum(chunks), 0) "
                           "FROM pack WHERE library = ?1"));
    TL_TRY(const bool found, row.bind(library).step());
    TL_ASSERT(found);
    RepositoryTotals totals;
    totals.packs = row.count(0);
    totals.pack_bytes = row.count(1);
    totals.live_bytes = row.count(2);
    totals.live_plain_bytes = row.count(3);
    totals.referred_bytes = row.count(4);
    totals.chunks = row.count(5);
    TL_TRY(auto logs,
           database_.query("SELECT ifnull(sum(sequence), 0) FROM stream WHERE library = ?1"));
    TL_TRY(const bool summed, logs.bind(library).step());
    TL_ASSERT(summed);
    totals.log_objects = logs.count(0);
    return totals;
}

}  // namespace tapeloft::media
