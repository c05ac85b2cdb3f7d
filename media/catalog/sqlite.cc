#include "media/catalog/sqlite.h"

#include <algorithm>
#include <array>
#include <limits>

#include <sqlite3.h>

namespace tapeloft::media {
namespace {

constexpr int kBusyTimeoutMs = 500;  // a daemon that is just ending may still hold the file

struct CodeRow {
    int code;
    Errc errc;
    std::string_view words;
};

// Primary result codes of SQLite that a caller can do something about; all others are io.
// clang-format off
constexpr auto kCodes = std::to_array<CodeRow>({
    {SQLITE_PERM,       Errc::denied,       "no permission"},
    {SQLITE_BUSY,       Errc::busy,         "another process has it open"},
    {SQLITE_LOCKED,     Errc::busy,         "another process has it open"},
    {SQLITE_READONLY,   Errc::denied,       "it cannot be written"},
    {SQLITE_CORRUPT,    Errc::corrupt,      "it is damaged"},
    {SQLITE_FULL,       Errc::no_space,     "the disk is full"},
    {SQLITE_CANTOPEN,   Errc::io,           "it cannot be opened"},
    {SQLITE_CONSTRAINT, Errc::precondition, "a rule of the schema forbids it"},
    {SQLITE_AUTH,       Errc::denied,       "no permission"},
    {SQLITE_NOTADB,     Errc::corrupt,      "it is not a database"},
});
// clang-format on

}  // namespace

Query::~Query() {
    if (statement_ != nullptr) {
        sqlite3_reset(statement_);
        sqlite3_clear_bindings(statement_);
    }
}

void Query::note_bind(int code) {
    if (code != SQLITE_OK && !error_) {
        error_ = database_->error(code);
    }
}

Query& Query::bind(std::int64_t value) {
    note_bind(sqlite3_bind_int64(statement_, ++bound_, value));
    return *this;
}

Query& Query::bind(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
        ++bound_;
        error_ = Error{Errc::invalid_argument,
                       "catalog: " + std::to_string(value) + " is larger than a column can hold"};
        return *this;
    }
    return bind(static_cast<std::int64_t>(value));
}

Query& Query::bind(std::string_view value) {
    note_bind(
        sqlite3_bind_text64(statement_, ++bound_, value.data(), value.size(),
                            SQLITE_TRANSIENT,  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
                            SQLITE_UTF8));
    return *this;
}

Query& Query::bind_blob(ByteView value) {
    note_bind(
        sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(),
                            SQLITE_TRANSIENT));  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
    return *this;
}

Query& Query::bind_borrowed(ByteView value) {
    note_bind(
        sqlite3_bind_blob64(statement_, ++bound_, value.data(), value.size(),
                            SQLITE_STATIC));  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
    return *this;
}

Query& Query::bind_null() {
    note_bind(sqlite3_bind_null(statement_, ++bound_));
    return *this;
}

Query& Query::again() {
    sqlite3_reset(statement_);
    bound_ = 0;
    error_.reset();
    return *this;
}

Result<bool> Query::step() {
    if (error_) {
        return *error_;
    }
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) {
        return true;
    }
    if (code == SQLITE_DONE) {
        return false;
    }
    return database_->error(code);
}

Result<void> Query::run() {
    TL_TRY(const bool row, step());
    TL_ASSERT(!row);
    return {};
}

bool Query::is_null(int column) const noexcept {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t Query::integer(int column) const noexcept {
    return sqlite3_column_int64(statement_, column);
}

ByteView Query::view(int column) const noexcept {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr) {
        return {};
    }
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return {static_cast<const std::uint8_t*>(bytes), size};
}

std::string Query::text(int column) const {
    return std::string(as_text(view(column)));
}

Bytes Query::blob(int column) const {
    const auto bytes = view(column);
    return {bytes.begin(), bytes.end()};
}

void Query::fill(int column, MutableByteView bytes) const {
    const auto from = view(column);
    TL_ASSERT(from.size() == bytes.size());
    std::copy(from.begin(), from.end(), bytes.begin());
}

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(
        file.c_str(), &handle,
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
        nullptr);
    if (handle == nullptr) {
        return Error{Errc::io, "catalog " + file.string() + ": no memory to open it"};
    }
    std::unique_ptr<Database> database(new Database(handle, file.string()));
    if (code != SQLITE_OK) {
        return database->error(code);
    }
    sqlite3_busy_timeout(handle, kBusyTimeoutMs);
    // An exclusive lock that only the end of the process or of this object gives up: the first read
    // takes it (https://www.sqlite.org/pragma.html#pragma_locking_mode).
    TL_TRY(const auto mode, database->text("PRAGMA locking_mode = EXCLUSIVE"));
    TL_ASSERT(mode == "exclusive");
    TL_CHECK(database->execute("BEGIN EXCLUSIVE; COMMIT"));
    if (sqlite3_db_readonly(handle, "main") != 0) {
        return database->error(SQLITE_READONLY);
    }
    return database;
}

Database::~Database() {
    for (const auto& [sql, statement] : statements_) {
        sqlite3_finalize(statement);
    }
    const int code = sqlite3_close(handle_);
    TL_ASSERT(code == SQLITE_OK);
}

Error Database::error(int code) const {
    const int primary = code & 0xFF;
    const auto* const row = std::find_if(kCodes.begin(), kCodes.end(),
                                         [primary](const CodeRow& r) { return r.code == primary; });
    const auto detail = std::string(sqlite3_errmsg(handle_));
    if (row == kCodes.end()) {
        return {Errc::io, "catalog " + name_ + ": " + detail};
    }
    return {row->errc, "catalog " + name_ + ": " + std::string(row->words) + " (" + detail + ")"};
}

Result<Query> Database::query(std::string_view sql) {
    std::string key(sql);
    auto found = statements_.find(key);
    if (found == statements_.end()) {
        sqlite3_stmt* statement = nullptr;
        const int code = sqlite3_prepare_v3(handle_, key.c_str(), static_cast<int>(key.size() + 1),
                                            SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
        if (code != SQLITE_OK) {
            return error(code);
        }
        found = statements_.emplace(std::move(key), statement).first;
    }
    return Query(*this, found->second);
}

Result<void> Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return error(code);
    }
    return {};
}

Result<std::int64_t> Database::integer(std::string_view sql) {
    TL_TRY(auto row, query(sql));
    TL_TRY(const bool found, row.step());
    TL_ASSERT(found);
    return row.integer(0);
}

Result<std::string> Database::text(std::string_view sql) {
    TL_TRY(auto row, query(sql));
    TL_TRY(const bool found, row.step());
    TL_ASSERT(found);
    return row.text(0);
}

std::int64_t Database::changes() const noexcept {
    return sqlite3_changes64(handle_);
}

std::int64_t Database::last_row_id() const noexcept {
    return sqlite3_last_insert_rowid(handle_);
}

bool Database::in_transaction() const noexcept {
    return sqlite3_get_autocommit(handle_) == 0;
}

Result<Transaction> Transaction::begin(Database& database) {
    TL_CHECK(database.execute("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Transaction::~Transaction() {
    if (database_ != nullptr && database_->in_transaction()) {
        // A failed ROLLBACK leaves the transaction open; the next BEGIN then reports the cause.
        static_cast<void>(database_->execute("ROLLBACK"));
    }
}

Result<void> Transaction::commit() {
    TL_CHECK(database_->execute("COMMIT"));
    database_ = nullptr;
    return {};
}

}  // namespace tapeloft::media
