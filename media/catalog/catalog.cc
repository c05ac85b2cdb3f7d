#include "media/catalog/catalog.h"

#include <algorithm>
#include <mutex>
#include <utility>

#include "media/catalog/outbox.h"
#include "media/catalog/rows.h"
#include "media/catalog/schema.h"
#include "media/catalog/sqlite.h"
#include "media/catalog/sqlite_archive.h"

namespace tapeloft::media {
namespace {

constexpr std::string_view kSelectByBarcode =
    "SELECT id FROM cartridge WHERE library = ?1 AND barcode = ?2";
constexpr std::string_view kSelectByElement =
    "SELECT id, barcode FROM cartridge WHERE library = ?1 AND element_kind = ?2 AND "
    "element_index = ?3";
constexpr std::string_view kSelectLibrary = "SELECT library FROM cartridge WHERE id = ?1";
constexpr std::string_view kNoteUsage =
    "UPDATE cartridge SET bytes_written = max(bytes_written, ?2), bytes_read = max(bytes_read, ?3) "
    "WHERE id = ?1 AND (bytes_written < ?2 OR bytes_read < ?3)";
constexpr std::string_view kLiftCartridge =
    "UPDATE cartridge SET element_kind = NULL, element_index = NULL WHERE id = ?1";
constexpr std::string_view kMoveCartridge =
    "UPDATE cartridge SET element_kind = ?2, element_index = ?3, source_kind = ?4, "
    "source_index = ?5, load_count = load_count + ?6 WHERE id = ?1";

// Parameters as bind_segment() binds them.
constexpr std::string_view kInsertSegment =
    "INSERT INTO segment (cartridge, number, partition, first_object, first_file, first_byte, "
    "sealed, complete, spooled, object_count, filemark_count, byte_count, file_length, "
    "promised_objects, promised_filemarks) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
constexpr std::string_view kReplaceSegment =
    "UPDATE segment SET partition = ?3, first_object = ?4, first_file = ?5, first_byte = ?6, "
    "sealed = ?7, complete = ?8, spooled = min(spooled, ?9), object_count = ?10, "
    "filemark_count = ?11, byte_count = ?12, file_length = ?13, promised_objects = ?14, "
    "promised_filemarks = ?15 WHERE cartridge = ?1 AND number = ?2";
constexpr std::string_view kRemoveSegment =
    "DELETE FROM segment WHERE cartridge = ?1 AND number = ?2 "
    "RETURNING map_sequence, byte_count, filemark_count";

constexpr std::string_view kBuryMap = "INSERT INTO dead_map VALUES (?1, ?2)";
/// Of a segment that was about to be stored.
constexpr std::string_view kDropKeptMap =
    "DELETE FROM segment_map WHERE cartridge = ?1 AND number = ?2";

constexpr std::string_view kDropKeptMaps =
    "DELETE FROM segment_map WHERE cartridge = ?1 AND number IN (SELECT number FROM "
    "segment" TL_IN_SPOOL "WHERE cartridge = ?1 AND spooled = 1 AND map_sequence IS NULL)";

bool in_order_of_tape(const SegmentRecord& a, const SegmentRecord& b) {
    return std::pair(a.partition, a.first_object) < std::pair(b.partition, b.first_object);
}

/// Every call takes the mutex; the private functions expect it taken.
class SqliteCatalog final : public Catalog {
  public:
    explicit SqliteCatalog(std::unique_ptr<Database> database)
        : database_(std::move(database)), outbox_(*database_), archive_(*database_, mutex_) {}

    Result<std::optional<std::string>> property(const std::string& name) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query("SELECT value FROM property WHERE name = ?1"));
        TL_TRY(const bool found, row.bind(name).step());
        if (!found) {
            return std::optional<std::string>();
        }
        return std::optional(row.text(0));
    }

    Result<void> set_property(const std::string& name, const std::string& value) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_TRY(auto query, database_->query("INSERT INTO property (name, value) VALUES (?1, ?2) "
                                            "ON CONFLICT (name) DO UPDATE SET value = ?2 "
                                            "WHERE value <> ?2"));
        TL_CHECK(query.bind(name).bind(value).run());
        if (database_->changes() != 0) {
            TL_CHECK(outbox_.property(name));
        }
        return transaction.commit();
    }

    Result<std::vector<CartridgeRecord>> cartridges(const std::string& library) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row,
               database_->query(select_cartridges("WHERE library = ?1 ORDER BY barcode")));
        row.bind(library);
        return collect(row, cartridge_from);
    }

    Result<std::vector<CartridgeRecord>> all_cartridges() override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(select_cartridges("ORDER BY library, barcode")));
        return collect(row, cartridge_from);
    }

    Result<CartridgeRecord> cartridge(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(select_cartridges("WHERE id = ?1")));
        TL_TRY(const bool found, row.bind(id).step());
        if (!found) {
            return no_such_cartridge(id);
        }
        return cartridge_from(row);
    }

    Result<CartridgeRecord> add_cartridge(const CartridgeRecord& record) override {
        TL_TRY(auto added, add_cartridges({record}));
        return std::move(added.front());
    }

    Result<std::vector<CartridgeRecord>> add_cartridges(
        const std::vector<CartridgeRecord>& records) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        auto added = records;
        for (auto& record : added) {
            TL_CHECK(check_free(record));
            TL_CHECK(insert_cartridge(*database_, record));
            record.id = database_->last_row_id();
            TL_CHECK(outbox_.state(record.id));
            TL_CHECK(outbox_.library(record.library));
        }
        TL_CHECK(transaction.commit());
        return added;
    }

    Result<void> remove_cartridge(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_TRY(const auto library, library_of(id));
        TL_CHECK(outbox_.removed(id));
        TL_CHECK(outbox_.library(library));
        TL_TRY(auto kept, database_->query(kDropKeptMaps));
        TL_CHECK(kept.bind(id).run());
        TL_TRY(auto maps, database_->query("INSERT INTO dead_map SELECT cartridge, number FROM "
                                           "segment WHERE cartridge = ?1 AND map_sequence > 0"));
        TL_CHECK(maps.bind(id).run());
        TL_TRY(auto query, database_->query("DELETE FROM cartridge WHERE id = ?1"));
        TL_CHECK(query.bind(id).run());
        return transaction.commit();
    }

    Result<void> move_cartridges(const std::vector<CartridgeMove>& moves) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        for (const auto& move : moves) {  // first out of each other's way
            TL_CHECK(library_of(move.id));
            TL_TRY(auto query, database_->query(kLiftCartridge));
            TL_CHECK(query.bind(move.id).run());
        }
        for (const auto& move : moves) {
            TL_CHECK(put_down(move));
            TL_CHECK(outbox_.state(move.id));
        }
        return transaction.commit();
    }

    Result<void> set_write_protected(CartridgeId id, bool on) override {
        return set_flag(id, "UPDATE cartridge SET write_protected = ?2 WHERE id = ?1", on);
    }

    Result<void> set_damaged(CartridgeId id, bool on) override {
        return set_flag(id, "UPDATE cartridge SET damaged = ?2 WHERE id = ?1", on);
    }

    Result<void> note_usage(const std::string& medium_serial, std::uint64_t bytes_written,
                            std::uint64_t bytes_read) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_TRY(auto row, database_->query("SELECT id FROM cartridge WHERE medium_serial = ?1"));
        TL_TRY(const bool found, row.bind(medium_serial).step());
        if (!found) {
            return Error{Errc::not_found, "there is no cartridge with serial " + medium_serial};
        }
        const auto id = row.integer(0);
        TL_TRY(auto query, database_->query(kNoteUsage));
        TL_CHECK(query.bind(id).bind(bytes_written).bind(bytes_read).run());
        if (database_->changes() != 0) {
            TL_CHECK(outbox_.state(id));
        }
        return transaction.commit();
    }

    Result<std::vector<SegmentRecord>> segments(CartridgeId id) override {
        std::vector<SegmentRecord> records;
        TL_CHECK(visit_segments(
            id, [&records](const SegmentRecord& record) { records.push_back(record); }));
        std::stable_sort(records.begin(), records.end(), in_order_of_tape);
        return records;
    }

    Result<void> visit_segments(CartridgeId id, const SegmentVisitor& visit) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(select_segments("WHERE cartridge = ?1 ORDER BY number")));
        row.bind(id);
        for (;;) {
            TL_TRY(const bool more, row.step());
            if (!more) {
                return {};
            }
            visit(segment_from(row));
        }
    }

    Result<std::vector<SegmentRecord>> unsealed_segments(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(select_segments(
                             TL_IN_SPOOL "WHERE cartridge = ?1 AND spooled = 1 AND sealed = 0")));
        row.bind(id);
        TL_TRY(auto records, collect(row, segment_from));
        std::stable_sort(records.begin(), records.end(), in_order_of_tape);
        return records;
    }

    Result<std::vector<std::uint64_t>> spooled_segments(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row,
               database_->query("SELECT number FROM segment" TL_IN_SPOOL "WHERE cartridge = ?1 AND "
                                "spooled = 1 AND (object_count > 0 OR sealed = 0) "
                                "ORDER BY number"));
        row.bind(id);
        return collect(row, count_from);
    }

    Result<void> change_segments(CartridgeId id, const SegmentChange& change) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_CHECK(library_of(id));
        StoredBytes stored;
        for (const auto number : change.removed) {
            TL_CHECK(remove_segment(id, number, stored));
        }
        for (const auto& record : change.replaced) {
            TL_CHECK(replace_segment(id, record, stored));
        }
        for (const auto& record : change.added) {
            TL_TRY(auto query, database_->query(kInsertSegment));
            bind_segment(query, id, record);
            TL_CHECK(query.run());
        }
        if (change.partitions) {
            TL_CHECK(replace_partitions(id, *change.partitions));
            TL_CHECK(outbox_.formatted(id));
        } else if (change.truncated) {
            TL_CHECK(outbox_.truncated(id, *change.truncated));
        }
        TL_CHECK(note_stored(id, stored));
        return transaction.commit();
    }

    Result<std::vector<std::uint64_t>> partitions(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query("SELECT capacity FROM partition WHERE cartridge = ?1 "
                                          "ORDER BY number"));
        row.bind(id);
        return collect(row, count_from);
    }

    Result<std::vector<NamedValue>> values(const std::string& owner) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query("SELECT name, value FROM value WHERE owner = ?1 "
                                          "ORDER BY name"));
        row.bind(owner);
        return collect(row, value_from);
    }

    Result<void> set_value(const std::string& owner, const std::string& name,
                           ByteView value) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        if (value.empty()) {
            TL_TRY(auto query,
                   database_->query("DELETE FROM value WHERE owner = ?1 AND name = ?2"));
            TL_CHECK(query.bind(owner).bind(name).run());
        } else {
            TL_TRY(auto query, database_->query("INSERT INTO value (owner, name, value) VALUES "
                                                "(?1, ?2, ?3) ON CONFLICT (owner, name) DO UPDATE "
                                                "SET value = ?3"));
            TL_CHECK(query.bind(owner).bind(name).bind_blob(value).run());
        }
        TL_CHECK(outbox_.value(owner));
        return transaction.commit();
    }

    ArchiveCatalog& archive() override { return archive_; }

  private:
    using Occupant = std::optional<std::pair<CartridgeId, std::string>>;

    /// Of the stored segments that a change touches, in bytes of records.
    struct StoredBytes {
        std::uint64_t before = 0;
        std::uint64_t after = 0;
    };

    Result<std::string> library_of(CartridgeId id) {
        TL_TRY(auto row, database_->query(kSelectLibrary));
        TL_TRY(const bool found, row.bind(id).step());
        if (!found) {
            return no_such_cartridge(id);
        }
        return row.text(0);
    }

    Result<void> put_down(const CartridgeMove& move) {
        TL_TRY(const auto library, library_of(move.id));
        TL_TRY(const auto occupant, occupant_of(library, move.destination));
        if (occupant) {
            return Error{Errc::precondition, "the destination holds " + occupant->second};
        }
        TL_TRY(auto query, database_->query(kMoveCartridge));
        query.bind(move.id);
        bind_element(query, move.destination);
        bind_element(query, move.source);
        return query.bind(move.destination.kind == ElementKind::drive).run();
    }

    /// Nobody stands in the way outside of the library.
    Result<Occupant> occupant_of(const std::string& library, Element element) {
        if (element == kOutside) {
            return Occupant();
        }
        TL_TRY(auto row, database_->query(kSelectByElement));
        row.bind(library).bind(kind_value(element.kind)).bind(element.index);
        TL_TRY(const bool found, row.step());
        if (!found) {
            return Occupant();
        }
        return Occupant(std::pair(row.integer(0), row.text(1)));
    }

    Result<void> check_free(const CartridgeRecord& record) {
        TL_TRY(const auto occupant, occupant_of(record.library, record.element));
        if (occupant) {
            return Error{Errc::already_exists, "the element for " + record.barcode +
                                                   " already holds " + occupant->second};
        }
        TL_TRY(auto row, database_->query(kSelectByBarcode));
        TL_TRY(const bool taken, row.bind(record.library).bind(record.barcode).step());
        if (taken) {
            return Error{Errc::already_exists, "library " + record.library +
                                                   " already has a cartridge " + record.barcode};
        }
        return {};
    }

    Result<void> replace_partitions(CartridgeId id, const std::vector<std::uint64_t>& capacities) {
        TL_TRY(auto query, database_->query("DELETE FROM partition WHERE cartridge = ?1"));
        TL_CHECK(query.bind(id).run());
        for (std::uint32_t number = 0; number < capacities.size(); ++number) {
            TL_TRY(auto row, database_->query("INSERT INTO partition (cartridge, number, capacity) "
                                              "VALUES (?1, ?2, ?3)"));
            TL_CHECK(row.bind(id).bind(number).bind(capacities[number]).run());
        }
        return {};
    }

    Result<void> remove_segment(CartridgeId id, std::uint64_t number, StoredBytes& stored) {
        TL_TRY(auto row, database_->query(kRemoveSegment));
        TL_TRY(const bool found, row.bind(id).bind(number).step());
        if (!found) {
            return no_such_segment(id, number);
        }
        const bool is_stored = !row.is_null(0);
        if (is_stored) {
            stored.before += record_bytes(row.count(1), row.count(2));
        }
        TL_TRY(auto map, database_->query(is_stored ? kBuryMap : kDropKeptMap));
        TL_CHECK(map.bind(id).bind(number).run());
        return row.run();
    }

    Result<void> replace_segment(CartridgeId id, const SegmentRecord& record, StoredBytes& stored) {
        TL_TRY(auto row, database_->query("SELECT map_sequence, byte_count, filemark_count FROM "
                                          "segment WHERE cartridge = ?1 AND number = ?2"));
        TL_TRY(const bool found, row.bind(id).bind(record.number).step());
        if (!found) {
            return no_such_segment(id, record.number);
        }
        if (!row.is_null(0)) {
            stored.before += record_bytes(row.count(1), row.count(2));
            stored.after += record_bytes(record.byte_count, record.filemark_count);
        }
        TL_TRY(auto query, database_->query(kReplaceSegment));
        bind_segment(query, id, record);
        return query.run();
    }

    Result<void> note_stored(CartridgeId id, const StoredBytes& stored) {
        if (stored.before == stored.after) {
            return {};
        }
        TL_TRY(auto query, database_->query("UPDATE cartridge SET stored_bytes = max(0, "
                                            "stored_bytes - ?2 + ?3) WHERE id = ?1"));
        return query.bind(id).bind(stored.before).bind(stored.after).run();
    }

    /// A statement that sets a flag, ?2, of a cartridge, ?1, that must exist.
    Result<void> set_flag(CartridgeId id, std::string_view sql, bool on) {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_CHECK(library_of(id));
        TL_TRY(auto query, database_->query(sql));
        TL_CHECK(query.bind(id).bind(on).run());
        TL_CHECK(outbox_.state(id));
        return transaction.commit();
    }

    TurnMutex mutex_;
    std::unique_ptr<Database> database_;
    Outbox outbox_;
    SqliteArchive archive_;
};

}  // namespace

std::string value_owner(CartridgeId id) {
    return "cartridge/" + std::to_string(id);
}

Result<std::unique_ptr<Catalog>> Catalog::open(const std::filesystem::path& file) {
    TL_TRY(auto database, Database::open(file));
    TL_CHECK(check_before_use(*database, migrations()));
    TL_TRY(const auto journal, database->text("PRAGMA journal_mode = WAL"));
    if (journal != "wal") {
        return Error{Errc::io, "catalog " + file.string() +
                                   ": the file system does not allow a write-ahead log"};
    }
    // Each COMMIT then waits for fsync of the log: what it answers is durable.
    TL_CHECK(database->execute("PRAGMA synchronous = FULL"));
    // Whoever commits writes back what stands in the log, 1 MiB at most, while others wait.
    TL_CHECK(database->execute("PRAGMA wal_autocheckpoint = 256"));
    // 16 MiB: the inner pages of the chunk index of a full cartridge.
    TL_CHECK(database->execute("PRAGMA cache_size = -16384"));
    // A migration that makes a table anew must not take along the rows that refer to it.
    TL_CHECK(database->execute("PRAGMA foreign_keys = OFF"));
    TL_CHECK(migrate(*database, migrations()));
    TL_CHECK(database->execute("PRAGMA foreign_keys = ON"));
    return std::unique_ptr<Catalog>(std::make_unique<SqliteCatalog>(std::move(database)));
}

}  // namespace tapeloft::media
