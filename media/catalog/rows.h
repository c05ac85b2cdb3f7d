// Rows of the catalog's tables as values, for the sources that implement Catalog and
// ArchiveCatalog.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/result.h"

#include "media/catalog/catalog.h"
#include "media/catalog/sqlite.h"

namespace tapeloft::media {

/// SELECT of what cartridge_from() reads; `rest` begins with WHERE or ORDER BY.
[[nodiscard]] std::string select_cartridges(std::string_view rest);
[[nodiscard]] CartridgeRecord cartridge_from(const Query& row);
/// The INSERT, with all but the id bound.
Result<void> insert_cartridge(Database& database, const CartridgeRecord& record);
/// Both columns of an element, NULL where it is outside or unset.
void bind_element(Query& query, const std::optional<Element>& element);
[[nodiscard]] std::int64_t kind_value(ElementKind kind) noexcept;

/// SELECT of what segment_from() reads, from column 0 on.
inline constexpr int kMapSequenceColumn = 8;
[[nodiscard]] std::string select_segments(std::string_view rest);
/// Behind "segment": of the rows that are in the spool only, by the index that has only those.
/// `spooled = 1` must stand in the condition. Without it SQLite would walk all of a cartridge.
#define TL_IN_SPOOL " INDEXED BY segment_in_spool "
[[nodiscard]] SegmentRecord segment_from(const Query& row);
/// cartridge, then the columns of a segment but for map_sequence, as ?1 to ?15.
void bind_segment(Query& query, CartridgeId id, const SegmentRecord& record);

/// Bytes of the records among the objects of a segment.
[[nodiscard]] std::uint64_t record_bytes(std::uint64_t byte_count,
                                         std::uint64_t filemarks) noexcept;

[[nodiscard]] std::uint64_t count_from(const Query& row);  ///< column 0
[[nodiscard]] NamedValue value_from(const Query& row);     ///< name, value

[[nodiscard]] Error no_such_cartridge(CartridgeId id);
[[nodiscard]] Error no_such_segment(CartridgeId id, std::uint64_t number);

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

}  // namespace tapeloft::media
