#include "media/catalog/outbox.h"

#include <charconv>
#include <optional>

#include "media/catalog/archive_catalog.h"
#include "media/catalog/rows.h"

namespace tapeloft::media {
namespace {

constexpr int value_of(PendingChange::Kind kind) noexcept {
    return static_cast<int>(kind);
}

std::optional<std::string_view> library_of_property(std::string_view name) {
    const auto first = name.find('/');
    const auto second = name.find('/', first + 1);
    const auto kind = name.substr(0, first);
    if (second == std::string_view::npos || (kind != "serial" && kind != "library")) {
        return std::nullopt;
    }
    return name.substr(first + 1, second - first - 1);
}

}  // namespace

Result<void> Outbox::append(CartridgeId id, int kind, const TruncatedAt& at) {
    TL_TRY(auto query, database_.query("INSERT INTO pending_change (cartridge, kind, partition, "
                                       "object) VALUES (?1, ?2, ?3, ?4)"));
    return query.bind(id).bind(std::int64_t{kind}).bind(at.partition).bind(at.object).run();
}

Result<void> Outbox::state(CartridgeId id) {
    TL_TRY(auto older,
           database_.query("DELETE FROM pending_change WHERE cartridge = ?1 AND kind = 0"));
    TL_CHECK(older.bind(id).run());
    return append(id, value_of(PendingChange::Kind::state));
}

Result<void> Outbox::truncated(CartridgeId id, const TruncatedAt& at) {
    TL_TRY(auto older, database_.query("DELETE FROM pending_change WHERE cartridge = ?1 AND "
                                       "kind = 2 AND partition = ?2 AND object >= ?3"));
    TL_CHECK(older.bind(id).bind(at.partition).bind(at.object).run());
    return append(id, value_of(PendingChange::Kind::truncate), at);
}

Result<void> Outbox::formatted(CartridgeId id) {
    TL_TRY(auto older,
           database_.query("DELETE FROM pending_change WHERE cartridge = ?1 AND kind IN (1, 2)"));
    TL_CHECK(older.bind(id).run());
    return append(id, value_of(PendingChange::Kind::format));
}

Result<void> Outbox::removed(CartridgeId id) {
    TL_TRY(auto older, database_.query("DELETE FROM pending_change WHERE cartridge = ?1"));
    TL_CHECK(older.bind(id).run());
    TL_TRY(auto stream, database_.query("SELECT 1 FROM stream WHERE cartridge = ?1"));
    TL_TRY(const bool begun, stream.bind(id).step());
    return begun ? append(id, value_of(PendingChange::Kind::removed)) : Result<void>();
}

Result<void> Outbox::library(std::string_view name) {
    TL_TRY(auto query, database_.query("INSERT INTO library (name, version) VALUES (?1, 1) "
                                       "ON CONFLICT (name) DO UPDATE SET version = version + 1"));
    return query.bind(name).run();
}

Result<void> Outbox::property(std::string_view name) {
    const auto owner = library_of_property(name);
    return owner ? library(*owner) : Result<void>();
}

Result<void> Outbox::value(const std::string& owner) {
    constexpr std::string_view kUnit = "lu/";
    constexpr std::string_view kCartridge = "cartridge/";
    const std::string_view name(owner);
    if (name.starts_with(kUnit)) {
        TL_TRY(auto row, database_.query("SELECT name FROM property WHERE value = ?1 AND name >= "
                                         "'serial/' AND name < 'serial0'"));
        TL_TRY(const bool known, row.bind(name.substr(kUnit.size())).step());
        return known ? property(row.text(0)) : Result<void>();
    }
    if (!name.starts_with(kCartridge)) {
        return {};
    }
    CartridgeId id = 0;
    std::from_chars(name.data() + kCartridge.size(), name.data() + name.size(), id);
    TL_TRY(auto row, database_.query("SELECT 1 FROM cartridge WHERE id = ?1"));
    TL_TRY(const bool exists, row.bind(id).step());
    return exists ? state(id) : Result<void>();
}

}  // namespace tapeloft::media
