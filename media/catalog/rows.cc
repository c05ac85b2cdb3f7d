#include "media/catalog/rows.h"

#include <algorithm>

#include "media/segment/object_runs.h"

namespace tapeloft::media {
namespace {

// In the order of cartridge_from() and insert_cartridge().
constexpr std::string_view kCartridgeColumns =
    "library, barcode, generation, medium_serial, capacity, write_protected, element_kind, "
    "element_index, source_kind, source_index, created_unix_s, load_count, bytes_written, "
    "bytes_read, worm, cleaning, format, damaged";

/// NULL in both columns: outside of the library.
Element element_from(const Query& row, int column) {
    if (row.is_null(column)) {
        return kOutside;
    }
    return {static_cast<ElementKind>(row.integer(column)),
            static_cast<std::uint32_t>(row.integer(column + 1))};
}

}  // namespace

std::int64_t kind_value(ElementKind kind) noexcept {
    return static_cast<std::int64_t>(kind);
}

std::string select_cartridges(std::string_view rest) {
    std::string sql = "SELECT id, ";
    return sql.append(kCartridgeColumns).append(" FROM cartridge ").append(rest);
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
    record.damaged = row.integer(18) != 0;
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

Result<void> insert_cartridge(Database& database, const CartridgeRecord& record) {
    std::string sql = "INSERT INTO cartridge (";
    sql.append(kCartridgeColumns)
        .append(
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
            "?17, ?18)");
    TL_TRY(auto query, database.query(sql));
    query.bind(record.library).bind(record.barcode).bind(record.generation);
    query.bind(record.medium_serial).bind(record.cleaning ? 1 : record.capacity);
    query.bind(record.write_protected);
    bind_element(query, record.element);
    bind_element(query, record.source);
    query.bind(record.created_unix_s).bind(record.load_count);
    query.bind(record.bytes_written).bind(record.bytes_read);
    query.bind(record.worm).bind(record.cleaning).bind(record.format).bind(record.damaged);
    return query.run();
}

std::string select_segments(std::string_view rest) {
    std::string sql =
        "SELECT number, partition, first_object, first_file, first_byte, sealed, complete, "
        "spooled, "
        "map_sequence, object_count, filemark_count, byte_count, file_length, promised_objects, "
        "promised_filemarks";
    return sql.append(" FROM segment ").append(rest);
}

SegmentRecord segment_from(const Query& row) {
    SegmentRecord record;
    record.number = row.count(0);
    record.partition = static_cast<std::uint32_t>(row.integer(1));
    record.first_object = row.count(2);
    record.first_file = row.count(3);
    record.first_byte = row.count(4);
    record.stored = !row.is_null(kMapSequenceColumn);
    record.sealed = row.integer(5) != 0 || record.stored;
    record.complete = row.integer(6) != 0;
    record.spooled = row.integer(7) != 0;
    record.object_count = row.count(9);
    record.filemark_count = row.count(10);
    record.byte_count = row.count(11);
    record.file_length = row.count(12);
    record.promised_objects = row.count(13);
    record.promised_filemarks = row.count(14);
    return record;
}

void bind_segment(Query& query, CartridgeId id, const SegmentRecord& record) {
    query.bind(id).bind(record.number).bind(record.partition).bind(record.first_object);
    query.bind(record.first_file).bind(record.first_byte).bind(record.sealed);
    query.bind(record.complete).bind(record.spooled);
    query.bind(record.object_count).bind(record.filemark_count);
    query.bind(record.byte_count).bind(record.file_length);
    query.bind(record.promised_objects).bind(record.promised_filemarks);
}

std::uint64_t record_bytes(std::uint64_t byte_count, std::uint64_t filemarks) noexcept {
    return byte_count - std::min(byte_count, filemarks * kFilemarkCost);
}

std::uint64_t count_from(const Query& row) {
    return row.count(0);
}

NamedValue value_from(const Query& row) {
    return {row.text(0), row.blob(1)};
}

Error no_such_cartridge(CartridgeId id) {
    return {Errc::not_found, "there is no cartridge with id " + std::to_string(id)};
}

Error no_such_segment(CartridgeId id, std::uint64_t number) {
    return {Errc::not_found, "cartridge " + std::to_string(id) + " has no segment " +
                                 std::to_string(number) + " in the catalog"};
}

}  // namespace tapeloft::media
