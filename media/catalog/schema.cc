#include "media/catalog/schema.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "media/catalog/rows.h"

namespace tapeloft::media {
namespace {

// element_kind and source_kind: 0 storage, 1 import/export, 2 drive (media::ElementKind).
constexpr const char* kVersion1 = R"sql(
CREATE TABLE property (              -- facts about the whole state directory
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cartridge (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
    library         TEXT    NOT NULL,
    barcode         TEXT    NOT NULL,
    generation      TEXT    NOT NULL,                   -- suffix of the barcode
    medium_serial   TEXT    NOT NULL UNIQUE,            -- never changes
    capacity        INTEGER NOT NULL CHECK (capacity > 0),                         -- bytes
    write_protected INTEGER NOT NULL CHECK (write_protected IN (0, 1)),
    element_kind    INTEGER NOT NULL CHECK (element_kind IN (0, 1, 2)),
    element_index   INTEGER NOT NULL CHECK (element_index BETWEEN 0 AND 65535),    -- from 0 in its kind
    source_kind     INTEGER CHECK (source_kind IN (0, 1)),                         -- came from; or NULL
    source_index    INTEGER CHECK (source_index BETWEEN 0 AND 65535),
    created_unix_s  INTEGER NOT NULL,                                              -- seconds
    load_count      INTEGER NOT NULL CHECK (load_count >= 0),
    bytes_written   INTEGER NOT NULL CHECK (bytes_written >= 0),                   -- by hosts, in its life
    bytes_read      INTEGER NOT NULL CHECK (bytes_read >= 0),
    UNIQUE (library, barcode),
    UNIQUE (library, element_kind, element_index),                                 -- one cartridge an element
    CHECK ((source_kind IS NULL) = (source_index IS NULL))
) STRICT;

CREATE TABLE segment (               -- see SegmentRecord; in the order in which a tape is read
    cartridge       INTEGER NOT NULL REFERENCES cartridge (id) ON DELETE CASCADE,
    partition       INTEGER NOT NULL CHECK (partition BETWEEN 0 AND 3),
    first_object    INTEGER NOT NULL CHECK (first_object >= 0),
    number          INTEGER NOT NULL CHECK (number >= 0),        -- names the file
    first_file      INTEGER NOT NULL CHECK (first_file >= 0),    -- filemarks before it
    first_byte      INTEGER NOT NULL CHECK (first_byte >= 0),    -- capacity used before it
    sealed          INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    object_count    INTEGER NOT NULL CHECK (object_count >= 0),
    filemark_count  INTEGER NOT NULL CHECK (filemark_count >= 0),
    byte_count      INTEGER NOT NULL CHECK (byte_count >= 0),    -- capacity used by its objects
    file_length     INTEGER NOT NULL CHECK (file_length >= 0),   -- bytes
    PRIMARY KEY (cartridge, partition, first_object, number),
    UNIQUE (cartridge, number)
) STRICT, WITHOUT ROWID;
)sql";

constexpr const char* kVersion2 = R"sql(
ALTER TABLE cartridge ADD COLUMN worm     INTEGER NOT NULL DEFAULT 0 CHECK (worm IN (0, 1));
ALTER TABLE cartridge ADD COLUMN cleaning INTEGER NOT NULL DEFAULT 0 CHECK (cleaning IN (0, 1)); -- capacity: 1
ALTER TABLE cartridge ADD COLUMN format   INTEGER NOT NULL DEFAULT 1 CHECK (format > 0);         -- of rows and files

CREATE TABLE partition (             -- none: one partition, of the capacity of the cartridge
    cartridge       INTEGER NOT NULL REFERENCES cartridge (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL CHECK (number BETWEEN 0 AND 3),
    capacity        INTEGER NOT NULL CHECK (capacity > 0),       -- bytes
    PRIMARY KEY (cartridge, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE value (                 -- what logical units and cartridges remember
    owner           TEXT    NOT NULL,                            -- 'lu/<serial>', 'cartridge/<id>'
    name            TEXT    NOT NULL,
    value           BLOB    NOT NULL,
    PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER values_of_cartridge AFTER DELETE ON cartridge BEGIN
    DELETE FROM value WHERE owner = 'cartridge/' || OLD.id;
END;
)sql";

// A cartridge may be outside of its library: element_kind and element_index NULL. Segments and
// partitions refer to the table by its name, and foreign keys are not enforced while it is made
// anew.
constexpr const char* kVersion3 = R"sql(
CREATE TABLE cartridge_anew (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used twice
    library         TEXT    NOT NULL,
    barcode         TEXT    NOT NULL,
    generation      TEXT    NOT NULL,                   -- suffix of the barcode
    medium_serial   TEXT    NOT NULL UNIQUE,            -- never changes
    capacity        INTEGER NOT NULL CHECK (capacity > 0),                         -- bytes
    write_protected INTEGER NOT NULL CHECK (write_protected IN (0, 1)),
    element_kind    INTEGER CHECK (element_kind IN (0, 1, 2)),                     -- NULL: outside of the library
    element_index   INTEGER CHECK (element_index BETWEEN 0 AND 65535),             -- from 0 in its kind
    source_kind     INTEGER CHECK (source_kind IN (0, 1)),                         -- came from; or NULL
    source_index    INTEGER CHECK (source_index BETWEEN 0 AND 65535),
    created_unix_s  INTEGER NOT NULL,                                              -- seconds
    load_count      INTEGER NOT NULL CHECK (load_count >= 0),
    bytes_written   INTEGER NOT NULL CHECK (bytes_written >= 0),                   -- by hosts, in its life
    bytes_read      INTEGER NOT NULL CHECK (bytes_read >= 0),
    worm            INTEGER NOT NULL DEFAULT 0 CHECK (worm IN (0, 1)),
    cleaning        INTEGER NOT NULL DEFAULT 0 CHECK (cleaning IN (0, 1)),         -- capacity: 1
    format          INTEGER NOT NULL DEFAULT 1 CHECK (format > 0),                 -- of rows and files
    UNIQUE (library, barcode),
    UNIQUE (library, element_kind, element_index),                                 -- one cartridge an element
    CHECK ((element_kind IS NULL) = (element_index IS NULL)),
    CHECK ((source_kind IS NULL) = (source_index IS NULL))
) STRICT;
INSERT INTO cartridge_anew SELECT * FROM cartridge;
DELETE FROM sqlite_sequence WHERE name = 'cartridge_anew';
INSERT INTO sqlite_sequence (name, seq) SELECT 'cartridge_anew', seq FROM sqlite_sequence WHERE name = 'cartridge';
DROP TABLE cartridge;
ALTER TABLE cartridge_anew RENAME TO cartridge;
CREATE TRIGGER values_of_cartridge AFTER DELETE ON cartridge BEGIN
    DELETE FROM value WHERE owner = 'cartridge/' || OLD.id;
END;
)sql";

// The repository. Segments are made anew with a key that needs no second index: numbers grow along
// a partition. Chunks and packs are many (18 million and 560,000 for 18 TB), so their rows are
// small.
constexpr const char* kVersion4 = R"sql(
ALTER TABLE cartridge ADD COLUMN damaged      INTEGER NOT NULL DEFAULT 0 CHECK (damaged IN (0, 1));
ALTER TABLE cartridge ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0); -- of records in the store

CREATE TABLE segment_anew (          -- see SegmentRecord
    cartridge       INTEGER NOT NULL REFERENCES cartridge (id) ON DELETE CASCADE,
    number          INTEGER NOT NULL CHECK (number >= 0),        -- names the file; grows along the partition
    partition       INTEGER NOT NULL CHECK (partition BETWEEN 0 AND 3),
    first_object    INTEGER NOT NULL CHECK (first_object >= 0),
    first_file      INTEGER NOT NULL CHECK (first_file >= 0),    -- filemarks before it
    first_byte      INTEGER NOT NULL CHECK (first_byte >= 0),    -- capacity used before it
    sealed          INTEGER NOT NULL CHECK (sealed IN (0, 1)),   -- its file is at rest
    complete        INTEGER NOT NULL CHECK (complete IN (0, 1)), -- counts final, index written
    spooled         INTEGER NOT NULL CHECK (spooled IN (0, 1)),  -- there is a file
    map_sequence    INTEGER CHECK (map_sequence > 0),            -- log object that has its map; NULL: not stored
    object_count    INTEGER NOT NULL CHECK (object_count >= 0),
    filemark_count  INTEGER NOT NULL CHECK (filemark_count >= 0),
    byte_count      INTEGER NOT NULL CHECK (byte_count >= 0),    -- capacity used by its objects
    file_length     INTEGER NOT NULL CHECK (file_length >= 0),   -- bytes
    promised_objects   INTEGER NOT NULL DEFAULT 0 CHECK (promised_objects >= 0),
    promised_filemarks INTEGER NOT NULL DEFAULT 0 CHECK (promised_filemarks >= 0),
    PRIMARY KEY (cartridge, number),
    CHECK (spooled = 1 OR map_sequence IS NOT NULL)              -- in the spool or in the store
) STRICT, WITHOUT ROWID;
INSERT INTO segment_anew (cartridge, number, partition, first_object, first_file, first_byte, sealed, complete, spooled,
        object_count, filemark_count, byte_count, file_length)
    SELECT cartridge, number, partition, first_object, first_file, first_byte, sealed, 0, 1,
        object_count, filemark_count, byte_count, file_length FROM segment;
DROP TABLE segment;
ALTER TABLE segment_anew RENAME TO segment;
CREATE INDEX segment_in_spool ON segment (cartridge, map_sequence, sealed) WHERE spooled = 1;

CREATE TABLE segment_map (           -- of each stored segment, and of those that are gone but not yet forgotten
    id              INTEGER PRIMARY KEY,
    cartridge       INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    map             BLOB    NOT NULL,                            -- media/FORMAT.md, "Segment map"
    UNIQUE (cartridge, number)
) STRICT;

CREATE TABLE dead_map (              -- maps whose segment is gone
    cartridge       INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    PRIMARY KEY (cartridge, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE stream (                -- log streams; that of a cartridge stays when it is removed
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    cartridge       INTEGER UNIQUE,                              -- NULL: of a library or an index
    library         TEXT,                                        -- of the cartridge
    checkpoint      INTEGER NOT NULL DEFAULT 0,                  -- sequence of the newest; 0: none
    sequence        INTEGER NOT NULL DEFAULT 0,                  -- of the newest object; 0: none
    digest          BLOB    NOT NULL DEFAULT (zeroblob(32)) CHECK (length(digest) = 32)
) STRICT, WITHOUT ROWID;

CREATE TABLE pending_change (        -- see PendingChange
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    cartridge       INTEGER NOT NULL,
    kind            INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),   -- 0 state, 1 format, 2 truncate, 3 removed
    partition       INTEGER NOT NULL DEFAULT 0,
    object          INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pending_change_of_cartridge ON pending_change (cartridge, kind);
INSERT INTO pending_change (cartridge, kind) SELECT id, 0 FROM cartridge;
INSERT INTO pending_change (cartridge, kind) SELECT DISTINCT cartridge, 1 FROM partition;

CREATE TABLE library (               -- what of it is in its log; no row: nothing
    name            TEXT    NOT NULL PRIMARY KEY,
    version         INTEGER NOT NULL,                            -- grows with each change
    logged          INTEGER NOT NULL DEFAULT 0                   -- the version that the log has; 0: none
) STRICT, WITHOUT ROWID;

CREATE TABLE pack (
    number          INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    library         TEXT    NOT NULL,
    size            INTEGER NOT NULL,                            -- bytes of the object
    chunks          INTEGER NOT NULL DEFAULT 0,                  -- that are found in it
    plain_bytes     INTEGER NOT NULL DEFAULT 0,                  -- of them
    live_bytes      INTEGER NOT NULL DEFAULT 0 CHECK (live_bytes >= 0),  -- stored, of those something refers to
    referred_bytes  INTEGER NOT NULL DEFAULT 0,                  -- plain, as often as something refers to them
    condemned_unix_s INTEGER,                                    -- since; NULL: it is not
    removing        INTEGER NOT NULL DEFAULT 0 CHECK (removing IN (0, 1)),
    distrusted      INTEGER NOT NULL DEFAULT 0 CHECK (distrusted IN (0, 1))  -- missing or damaged
) STRICT;
CREATE INDEX pack_removing ON pack (library) WHERE removing = 1;

CREATE TABLE pack_contents (
    pack            INTEGER PRIMARY KEY,
    fingerprints    BLOB    NOT NULL                             -- 32 bytes each, in order of the pack
) STRICT;

CREATE TABLE chunk (                 -- where it is found
    fingerprint     BLOB    NOT NULL PRIMARY KEY CHECK (length(fingerprint) = 32),
    pack            INTEGER NOT NULL,                            -- number
    offset          INTEGER NOT NULL,                            -- in the pack
    stored_length   INTEGER NOT NULL,                            -- bytes, tag included
    plain_length    INTEGER NOT NULL,
    encoding        INTEGER NOT NULL,                            -- 0 raw, 1 zstd
    refs            INTEGER NOT NULL DEFAULT 0 CHECK (refs >= 0) -- from segment maps
) STRICT, WITHOUT ROWID;
)sql";

// What can be obsolete of an index log is known without reading it.
constexpr const char* kVersion5 = R"sql(
ALTER TABLE stream ADD COLUMN removals INTEGER NOT NULL DEFAULT 0 CHECK (removals >= 0); -- of packs, since the checkpoint
)sql";

// What chunks in use are before compression.
constexpr const char* kVersion6 = R"sql(
ALTER TABLE pack RENAME COLUMN plain_bytes TO live_plain_bytes;  -- of the chunks of live_bytes
UPDATE pack SET live_plain_bytes = 0;
UPDATE pack SET live_plain_bytes = live.plain FROM (
    SELECT pack, sum(plain_length) AS plain FROM chunk WHERE refs > 0 GROUP BY pack) AS live WHERE number = live.pack;
)sql";

constexpr auto kMigrations = std::to_array<Migration>({
    {1, kVersion1},
    {2, kVersion2},
    {3, kVersion3},
    {4, kVersion4},
    {5, kVersion5},
    {6, kVersion6},
});

Error refused(const Database& database, Errc code, const std::string& why) {
    return {code, "catalog " + database.name() + ": " + why};
}

/// A large catalog has gigabytes of rows, and a start must not read them: then only the tables are
/// checked that say which cartridges there are and what is to be logged. SQLite reports damage of
/// the others where it meets it.
constexpr std::int64_t kWholeCheckMax = 64LL * 1024 * 1024;  // bytes
constexpr std::string_view kSmallTables =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('property', 'cartridge', "
    "'partition', 'value', 'stream', 'pending_change', 'library')";

std::string name_from(const Query& row) {
    return row.text(0);
}

Result<void> check_whole(Database& database) {
    TL_TRY(const auto pages, database.integer("PRAGMA page_count"));
    TL_TRY(const auto page_size, database.integer("PRAGMA page_size"));
    std::vector<std::string> parts{"1"};
    if (pages > kWholeCheckMax / page_size) {
        TL_TRY(auto row, database.query(kSmallTables));
        TL_TRY(parts, collect(row, name_from));
    }
    for (const auto& part : parts) {
        TL_TRY(const auto verdict, database.text("PRAGMA quick_check(" + part + ")"));
        if (verdict != "ok") {
            return refused(database, Errc::corrupt, "it is damaged (" + verdict + ")");
        }
    }
    return {};
}

}  // namespace

std::span<const Migration> migrations() noexcept {
    return kMigrations;
}

Result<void> check_before_use(Database& database, std::span<const Migration> steps) {
    TL_TRY(const auto version, database.integer("PRAGMA user_version"));
    TL_TRY(const auto application, database.integer("PRAGMA application_id"));
    TL_TRY(const auto tables, database.integer("SELECT count(*) FROM sqlite_schema"));
    if (tables == 0 && version == 0) {
        return {};
    }
    if (application != kApplicationId) {
        return refused(database, Errc::corrupt,
                       "it is a database of another program; it was not touched");
    }
    const auto newest = steps.back().version;
    if (version > newest) {
        return refused(database, Errc::unsupported,
                       "it has schema version " + std::to_string(version) +
                           ", and this program knows versions up to " + std::to_string(newest) +
                           "; use a newer Tapeloft");
    }
    return check_whole(database);
}

Result<void> migrate(Database& database, std::span<const Migration> steps) {
    for (const auto& step : steps) {
        TL_TRY(const auto version, database.integer("PRAGMA user_version"));
        if (version >= step.version) {
            continue;
        }
        TL_ASSERT(version == step.version - 1);
        TL_TRY(auto transaction, Transaction::begin(database));
        TL_CHECK(database.execute(step.sql));
        // Pragmas take no parameters; both values are ours.
        TL_CHECK(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
        TL_CHECK(database.execute("PRAGMA user_version = " + std::to_string(step.version)));
        TL_CHECK(transaction.commit());
    }
    return {};
}

}  // namespace tapeloft::media
