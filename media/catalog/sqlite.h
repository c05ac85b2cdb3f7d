// SQLite behind Result<T>: a database file that this process alone uses, cached statements, and
// transactions that roll back unless they are committed. sqlite.cc is the only file that sees
// sqlite3.h.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tapeloft::media {

class Database;

/// One run of a statement: bind in order, step through the rows. Gives the statement back when it
/// goes.
class Query {
  public:
    Query(Query&& other) noexcept
        : database_(other.database_),
          statement_(std::exchange(other.statement_, nullptr)),
          bound_(other.bound_),
          error_(std::move(other.error_)) {}
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    Query& operator=(Query&&) = delete;
    ~Query();

    Query& bind(std::int64_t value);
    Query& bind(
        std::uint64_t value);  ///< more than the largest INTEGER: invalid_argument at step()
    Query& bind(std::uint32_t value) { return bind(std::int64_t{value}); }
    Query& bind(bool value) { return bind(std::int64_t{value ? 1 : 0}); }
    Query& bind(std::string_view value);
    Query& bind_blob(ByteView value);
    /// value outlives the steps of this run.
    Query& bind_borrowed(ByteView value);
    Query& bind_null();

    /// Takes what is bound and the rows away: the next one can be bound.
    Query& again();

    /// True: there is a row, which the getters read. False: no more.
    Result<bool> step();
    /// step() of a statement that gives no rows.
    Result<void> run();

    [[nodiscard]] bool is_null(int column) const noexcept;
    [[nodiscard]] std::int64_t integer(int column) const noexcept;
    [[nodiscard]] std::uint64_t count(int column) const noexcept {  ///< of a column CHECKed >= 0
        return static_cast<std::uint64_t>(integer(column));
    }
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] Bytes blob(int column) const;
    /// Until the next step.
    [[nodiscard]] ByteView view(int column) const noexcept;
    /// A blob that has as many bytes as `bytes` (the schema checks it).
    void fill(int column, MutableByteView bytes) const;

  private:
    friend class Database;
    Query(Database& database, sqlite3_stmt* statement)
        : database_(&database), statement_(statement) {}
    void note_bind(int code);

    Database* database_;
    sqlite3_stmt* statement_;
    int bound_ = 0;
    std::optional<Error> error_;
};

/// Not thread-safe. Errors of every call: busy, corrupt, denied, io, no_space, precondition
/// (constraint).
class Database {
  public:
    /// Opens or creates; from here on no other process gets the file. Nothing was written yet.
    [[nodiscard]] static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file);

    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    /// `sql`: one statement; it is prepared once and kept.
    Result<Query> query(std::string_view sql);
    /// One or more statements that give no rows, run at once; for schema and pragmas.
    Result<void> execute(const std::string& sql);
    /// The first column of the first row.
    Result<std::int64_t> integer(std::string_view sql);
    Result<std::string> text(std::string_view sql);

    /// Rows that the last statement changed.
    [[nodiscard]] std::int64_t changes() const noexcept;
    [[nodiscard]] std::int64_t last_row_id() const noexcept;
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

  private:
    friend class Query;
    Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
    [[nodiscard]] Error error(int code) const;

    sqlite3* handle_;
    std::string name_;  ///< the path, for messages
    std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

/// BEGIN IMMEDIATE; rolled back unless commit() succeeded.
class Transaction {
  public:
    [[nodiscard]] static Result<Transaction> begin(Database& database);

    Transaction(Transaction&& other) noexcept
        : database_(std::exchange(other.database_, nullptr)) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    /// Durable when it returns.
    Result<void> commit();

  private:
    explicit Transaction(Database& database) : database_(&database) {}

    Database* database_;
};

}  // namespace tapeloft::media
