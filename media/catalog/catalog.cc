#include "media/catalog/catalog.h"

#include <mutex>
#include <utility>

#include "media/catalog/schema.h"
#include "media/catalog/sqlite.h"

namespace tapeloft::media {
namespace {

// Columns in the order of cartridge_from() and bind_cartridge().
#define TL_CARTRIDGE_COLUMNS                                                               \
    "library, barcode, generation, medium_serial, capacity, write_protected, "             \
    "element_kind, element_index, source_kind, source_index, created_unix_s, load_count, " \
    "bytes_written, bytes_read, worm, cleaning, format"

constexpr std::string_view kSelectCartridges =
    "SELECT id, " TL_CARTRIDGE_COLUMNS " FROM cartridge WHERE library = ?1 ORDER BY barcode";
constexpr std::string_view kSelectAllCartridges =
    "SELECT id, " TL_CARTRIDGE_COLUMNS " FROM cartridge ORDER BY library, barcode";
constexpr std::string_view kSelectCartridge =
    "SELECT id, " TL_CARTRIDGE_COLUMNS " FROM cartridge WHERE id = ?1";
constexpr std::string_view kInsertCartridge = "INSERT INTO cartridge (" TL_CARTRIDGE_COLUMNS
                                              ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
                                              "?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
#undef TL_CARTRIDGE_COLUMNS

constexpr std::string_view kSelectByBarcode =
    "SELECT id FROM cartridge WHERE library = ?1 AND barcode = ?2";
constexpr std::string_view kSelectByElement =
    "SELECT id, barcode FROM cartridge WHERE library = ?1 AND element_kind = ?2 AND "
    "element_index = ?3";
constexpr std::string_view kSelectLibrary = "SELECT library FROM cartridge WHERE id = ?1";
constexpr std::string_view kNoteUsage =
    "UPDATE cartridge SET bytes_written = max(bytes_written, ?2), bytes_read = max(bytes_read, ?3) "
    "WHERE medium_serial = ?1";
constexpr std::string_view kLiftCartridge =
    "UPDATE cartridge SET element_kind = NULL, element_index = NULL WHERE id = ?1";
constexpr std::string_view kMoveCartridge =
    "UPDATE cartridge SET element_kind = ?2, element_index = ?3, source_kind = ?4, "
    "source_index = ?5, load_count = load_count + ?6 WHERE id = ?1";

// Columns in the order of segment_from() and bind_segment().
constexpr std::string_view kSelectSegments =
    "SELECT number, partition, first_object, first_file, first_byte, sealed, object_count, "
    "filemark_count, byte_count, file_length FROM segment WHERE cartridge = ?1 "
    "ORDER BY partition, first_object, number";
constexpr std::string_view kInsertSegment =
    "INSERT INTO segment (cartridge, number, partition, first_object, first_file, first_byte, "
    "sealed, object_count, filemark_count, byte_count, file_length) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr std::string_view kReplaceSegment =
    "UPDATE segment SET partition = ?3, first_object = ?4, first_file = ?5, first_byte = ?6, "
    "sealed = ?7, object_count = ?8, filemark_count = ?9, byte_count = ?10, file_length = ?11 "
    "WHERE cartridge = ?1 AND number = ?2";
constexpr std::string_view kRemoveSegment =
    "DELETE FROM segment WHERE cartridge = ?1 AND number = ?2";

std::int64_t kind_value(ElementKind kind) noexcept {
    return static_cast<std::int64_t>(kind);
}

/// NULL in both columns: outside of the library.
Element element_from(const Query& row, int column) {
    if (row.is_null(column)) {
        return kOutside;
    }
    return {static_cast<ElementKind>(row.integer(column)),
            static_cast<std::uint32_t>(row.integer(column + 1))};
}

CartridgeRecord cartridge_from(const Query& row) {
    CartridgeRecord record;
    record.id = row.integer(0);
    record.library = row.text(1);
    record.barcode = row.text(2);
    record.generation = row.text(3);
    record.medium_serial = row.text(4);
    record.capacity = row.count(5);
    record.write_protected = row.integer(6) != 0;
    record.element = element_from(row, 7);
    if (!row.is_null(9)) {
        record.source = element_from(row, 9);
    }
    record.created_unix_s = row.integer(11);
    record.load_count = row.count(12);
    record.bytes_written = row.count(13);
    record.bytes_read = row.count(14);
    record.worm = row.integer(15) != 0;
    record.cleaning = row.integer(16) != 0;
    record.format = static_cast<std::uint32_t>(row.integer(17));
    if (record.cleaning) {
        record.capacity = 0;
    }
    return record;
}

void bind_element(Query& query, const std::optional<Element>& element) {
    if (element && *element != kOutside) {
        query.bind(kind_value(element->kind)).bind(element->index);
    } else {
        query.bind_null().bind_null();
    }
}

void bind_cartridge(Query& query, const CartridgeRecord& record) {
    query.bind(record.library).bind(record.barcode).bind(record.generation);
    query.bind(record.medium_serial).bind(record.cleaning ? 1 : record.capacity);
    query.bind(record.write_protected);
    bind_element(query, record.element);
    bind_element(query, record.source);
    query.bind(record.created_unix_s).bind(record.load_count);
    query.bind(record.bytes_written).bind(record.bytes_read);
    query.bind(record.worm).bind(record.cleaning).bind(record.format);
}

NamedValue value_from(const Query& row) {
    return {row.text(0), row.blob(1)};
}

std::uint64_t capacity_from(const Query& row) {
    return row.count(0);
}

SegmentRecord segment_from(const Query& row) {
    SegmentRecord record;
    record.number = row.count(0);
    record.partition = static_cast<std::uint32_t>(row.integer(1));
    record.first_object = row.count(2);
    record.first_file = row.count(3);
    record.first_byte = row.count(4);
    record.sealed = row.integer(5) != 0;
    record.object_count = row.count(6);
    record.filemark_count = row.count(7);
    record.byte_count = row.count(8);
    record.file_length = row.count(9);
    return record;
}

void bind_segment(Query& query, CartridgeId id, const SegmentRecord& record) {
    query.bind(id).bind(record.number).bind(record.partition).bind(record.first_object);
    query.bind(record.first_file).bind(record.first_byte).bind(record.sealed);
    query.bind(record.object_count).bind(record.filemark_count);
    query.bind(record.byte_count).bind(record.file_length);
}

Error no_such_cartridge(CartridgeId id) {
    return {Errc::not_found, "there is no cartridge with id " + std::to_string(id)};
}

Error no_such_segment(CartridgeId id, std::uint64_t number) {
    return {Errc::not_found, "cartridge " + std::to_string(id) + " has no segment " +
                                 std::to_string(number) + " in the catalog"};
}

template <typename Record>
Result<std::vector<Record>> collect(Query& row, Record (*record_from)(const Query&)) {
    std::vector<Record> records;
    for (;;) {
        TL_TRY(const bool more, row.step());
        if (!more) {
            return records;
        }
        records.push_back(record_from(row));
    }
}

/// Every call takes the mutex; the private functions expect it taken.
class SqliteCatalog final : public Catalog {
  public:
    explicit SqliteCatalog(std::unique_ptr<Database> database) : database_(std::move(database)) {}

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
        TL_TRY(auto query, database_->query("INSERT INTO property (name, value) VALUES (?1, ?2) "
                                            "ON CONFLICT (name) DO UPDATE SET value = ?2"));
        return query.bind(name).bind(value).run();
    }

    Result<std::vector<CartridgeRecord>> cartridges(const std::string& library) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(kSelectCartridges));
        row.bind(library);
        return collect(row, cartridge_from);
    }

    Result<std::vector<CartridgeRecord>> all_cartridges() override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(kSelectAllCartridges));
        return collect(row, cartridge_from);
    }

    Result<CartridgeRecord> cartridge(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(kSelectCartridge));
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
            TL_TRY(auto query, database_->query(kInsertCartridge));
            bind_cartridge(query, record);
            TL_CHECK(query.run());
            record.id = database_->last_row_id();
        }
        TL_CHECK(transaction.commit());
        return added;
    }

    Result<void> remove_cartridge(CartridgeId id) override {
        return change_one(id, "DELETE FROM cartridge WHERE id = ?1", [](Query&) {});
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
        }
        return transaction.commit();
    }

    Result<void> set_write_protected(CartridgeId id, bool on) override {
        return change_one(id, "UPDATE cartridge SET write_protected = ?2 WHERE id = ?1",
                          [on](Query& query) { query.bind(on); });
    }

    Result<void> note_usage(const std::string& medium_serial, std::uint64_t bytes_written,
                            std::uint64_t bytes_read) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto query, database_->query(kNoteUsage));
        TL_CHECK(query.bind(medium_serial).bind(bytes_written).bind(bytes_read).run());
        if (database_->changes() != 1) {
            return Error{Errc::not_found, "there is no cartridge with serial " + medium_serial};
        }
        return {};
    }

    Result<std::vector<SegmentRecord>> segments(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query(kSelectSegments));
        row.bind(id);
        return collect(row, segment_from);
    }

    Result<void> change_segments(CartridgeId id, const SegmentChange& change) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto transaction, Transaction::begin(*database_));
        TL_CHECK(library_of(id));
        for (const auto number : change.removed) {
            TL_TRY(auto query, database_->query(kRemoveSegment));
            TL_CHECK(query.bind(id).bind(number).run());
            if (database_->changes() != 1) {
                return no_such_segment(id, number);
            }
        }
        for (const auto& record : change.replaced) {
            TL_TRY(auto query, database_->query(kReplaceSegment));
            bind_segment(query, id, record);
            TL_CHECK(query.run());
            if (database_->changes() != 1) {
                return no_such_segment(id, record.number);
            }
        }
        for (const auto& record : change.added) {
            TL_TRY(auto query, database_->query(kInsertSegment));
            bind_segment(query, id, record);
            TL_CHECK(query.run());
        }
        if (change.partitions) {
            TL_CHECK(replace_partitions(id, *change.partitions));
        }
        return transaction.commit();
    }

    Result<std::vector<std::uint64_t>> partitions(CartridgeId id) override {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto row, database_->query("SELECT capacity FROM partition WHERE cartridge = ?1 "
                                          "ORDER BY number"));
        row.bind(id);
        return collect(row, capacity_from);
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
        if (value.empty()) {
            TL_TRY(auto query,
                   database_->query("DELETE FROM value WHERE owner = ?1 AND name = ?2"));
            return query.bind(owner).bind(name).run();
        }
        TL_TRY(auto query, database_->query("INSERT INTO value (owner, name, value) VALUES (?1, "
                                            "?2, ?3) ON CONFLICT (owner, name) DO UPDATE SET "
                                            "value = ?3"));
        return query.bind(owner).bind(name).bind_blob(value).run();
    }

  private:
    using Occupant = std::optional<std::pair<CartridgeId, std::string>>;

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

    /// Runs a statement whose ?1 is the id of a cartridge that must exist.
    template <typename Bind>
    Result<void> change_one(CartridgeId id, std::string_view sql, Bind bind) {
        const std::lock_guard lock(mutex_);
        TL_TRY(auto query, database_->query(sql));
        query.bind(id);
        bind(query);
        TL_CHECK(query.run());
        if (database_->changes() != 1) {
            return no_such_cartridge(id);
        }
        return {};
    }

    std::mutex mutex_;
    std::unique_ptr<Database> database_;
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
    // A migration that makes a table anew must not take along the rows that refer to it.
    TL_CHECK(database->execute("PRAGMA foreign_keys = OFF"));
    TL_CHECK(migrate(*database, migrations()));
    TL_CHECK(database->execute("PRAGMA foreign_keys = ON"));
    return std::unique_ptr<Catalog>(std::make_unique<SqliteCatalog>(std::move(database)));
}

}  // namespace tapeloft::media
