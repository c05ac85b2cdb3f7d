// SqliteArchive: taking in what the logs in the store say, where a catalog is made anew.
#include <utility>

#include "media/catalog/map_chunks.h"
#include "media/catalog/outbox.h"
#include "media/catalog/rows.h"
#include "media/catalog/sqlite_archive.h"

namespace tapeloft::media {
namespace {

Result<void> insert_value(Database& database, const std::string& owner, const NamedValue& value) {
    TL_TRY(auto query, database.query("INSERT INTO value (owner, name, value) VALUES (?1, ?2, ?3) "
                                      "ON CONFLICT (owner, name) DO UPDATE SET value = ?3"));
    return query.bind(owner).bind(value.name).bind_blob(value.value).run();
}

Result<void> insert_stored(Database& database, CartridgeId id, const SegmentRecord& record,
                           std::uint64_t map_sequence) {
    TL_TRY(auto query,
           database.query("INSERT INTO segment (cartridge, number, partition, first_object, "
                          "first_file, first_byte, sealed, complete, spooled, map_sequence, "
                          "object_count, filemark_count, byte_count, file_length) VALUES (?1, ?2, "
                          "?3, ?4, ?5, ?6, 1, 0, 0, ?7, ?8, ?9, ?10, 0)"));
    query.bind(id).bind(record.number).bind(record.partition).bind(record.first_object);
    query.bind(record.first_file).bind(record.first_byte).bind(map_sequence);
    return query.bind(record.object_count)
        .bind(record.filemark_count)
        .bind(record.byte_count)
        .run();
}

}  // namespace

Result<void> SqliteArchive::restore_library(const LibraryState& state, const StreamId& stream,
                                            const StreamHead& head) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    for (const auto& [name, value] : state.properties) {
        TL_TRY(auto query, database_.query("INSERT INTO property (name, value) VALUES (?1, ?2) ON "
                                           "CONFLICT (name) DO UPDATE SET value = ?2"));
        TL_CHECK(query.bind(name).bind(value).run());
    }
    for (const auto& owned : state.values) {
        TL_CHECK(insert_value(database_, owned.owner, owned.value));
    }
    TL_TRY(auto query, database_.query("INSERT INTO library (name, version) VALUES (?1, 1) ON "
                                       "CONFLICT (name) DO UPDATE SET logged = 0"));
    TL_CHECK(query.bind(state.name).run());
    TL_CHECK(set_head(stream, head));
    return transaction.commit();
}

Result<void> SqliteArchive::check_unknown(const CartridgeRecord& record) {
    TL_TRY(auto row, database_.query("SELECT barcode FROM cartridge WHERE medium_serial = ?1 OR "
                                     "(library = ?2 AND barcode = ?3)"));
    row.bind(record.medium_serial).bind(record.library).bind(record.barcode);
    TL_TRY(const bool known, row.step());
    if (known) {
        return Error{Errc::already_exists, "the catalog already has cartridge " + row.text(0)};
    }
    return {};
}

Result<CartridgeId> SqliteArchive::restore_cartridge(const RestoredCartridge& restored,
                                                     const MapOfSegment& map_of) {
    const std::lock_guard lock(mutex_);
    TL_TRY(auto transaction, Transaction::begin(database_));
    TL_CHECK(check_unknown(restored.state.record));
    TL_CHECK(insert_cartridge(database_, restored.state.record));
    const auto id = database_.last_row_id();
    TL_TRY(auto stream, database_.query("INSERT INTO stream (id, cartridge, library) VALUES (?1, "
                                        "?2, ?3)"));
    TL_CHECK(stream.bind_blob(restored.stream).bind(id).bind(restored.state.record.library).run());
    TL_CHECK(set_head(restored.stream, restored.head));
    for (std::uint32_t number = 0; number < restored.capacities.size(); ++number) {
        TL_TRY(auto row, database_.query("INSERT INTO partition VALUES (?1, ?2, ?3)"));
        TL_CHECK(row.bind(id).bind(number).bind(restored.capacities[number]).run());
    }
    for (const auto& value : restored.state.values) {
        TL_CHECK(insert_value(database_, value_owner(id), value));
    }
    if (restored.state_differs) {
        TL_CHECK(Outbox(database_).state(id));
    }
    PackSums sums;
    for (std::size_t i = 0; i < restored.segments.size(); ++i) {
        const auto& [segment, sequence] = restored.segments[i];
        StoredSegment stored;
        stored.number = segment.number;
        stored.map_sequence = sequence;
        TL_TRY(stored.map, map_of(i));
        TL_TRY(const auto chunks, chunks_of_map(stored.map));
        References references;
        for (const auto& chunk : chunks) {
            references.add(chunk, 1);
        }
        TL_CHECK(insert_stored(database_, id, segment, sequence));
        TL_CHECK(store_segment(id, stored));
        TL_CHECK(add_references(references, sums));
    }
    TL_CHECK(sums.apply(database_));
    TL_CHECK(transaction.commit());
    return id;
}

}  // namespace tapeloft::media
