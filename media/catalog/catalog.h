// The SQLite catalog: what cartridges there are, where they stand, and which segments they are made
// of. The only SQLite user. WAL, synchronous=FULL: a call that changes something returns when it is
// durable. Every call may block on the disk and may come from any thread (one mutex serialises);
// call it on the disk executor, never on a strand that serves a host.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

namespace tapeloft::media {

using CartridgeId = std::int64_t;

/// Where a cartridge is; index counts from 0 in each kind. (SMC element types; addresses belong to
/// vtl/.) outside: not in the library, on a shelf or in a vault; any number of cartridges, index 0.
enum class ElementKind : std::uint8_t { storage, import_export, drive, outside };

struct Element {
    ElementKind kind = ElementKind::storage;
    std::uint32_t index = 0;

    friend bool operator==(const Element&, const Element&) = default;
};

/// What this program writes; a cartridge of a higher one was written by a newer program.
inline constexpr std::uint32_t kCartridgeFormat = 1;

inline constexpr Element kOutside{ElementKind::outside, 0};

struct CartridgeRecord {
    CartridgeId id = 0;
    std::string library;
    std::string barcode;         ///< unique in its library; e.g. "TL0001L9"
    std::string generation;      ///< "L5".."L9", "M8": the suffix of the barcode
    std::string medium_serial;   ///< never changes; unique
    std::uint64_t capacity = 0;  ///< bytes
    bool write_protected = false;
    bool worm = false;                        ///< what was written stays
    bool cleaning = false;                    ///< cleans drives; has no tape
    std::uint32_t format = kCartridgeFormat;  ///< of its rows and files
    Element element;                          ///< where it is; at most one cartridge an element
    std::optional<Element> source;  ///< the storage or import/export element it came from last
    std::int64_t created_unix_s = 0;
    std::uint64_t load_count = 0;
    std::uint64_t bytes_written = 0;  ///< in its life, by hosts
    std::uint64_t bytes_read = 0;
    bool damaged = false;  ///< part of what hosts wrote cannot be read any more
};

/// One append-only file of framed objects. Segments of a partition, in order of first_object, are
/// the partition: each begins where the one before ends.
struct SegmentRecord {
    std::uint32_t partition = 0;
    std::uint64_t number = 0;  ///< never used twice for a cartridge; names the file
    std::uint64_t first_object = 0;
    std::uint64_t first_file = 0;  ///< filemarks before it
    std::uint64_t first_byte = 0;  ///< capacity used before it (see media::Capacity)
    bool sealed = false;  ///< immutable; the counts below are final. Else: the tail, to be scanned
    bool complete = false;  ///< of an unsealed one: counts final, index written, maybe not durable
    bool stored = false;    ///< the cartridge's log has it: it counts as sealed
    bool spooled = true;    ///< there is a file (unless nothing is in it); false: only where stored
    std::uint64_t promised_objects = 0;    ///< of a complete one: what somebody was told is durable
    std::uint64_t promised_filemarks = 0;  ///< among them
    std::uint64_t object_count =
        0;  ///< records and filemarks that count, from the start of the file
    std::uint64_t filemark_count = 0;
    std::uint64_t byte_count = 0;   ///< capacity used by them
    std::uint64_t file_length = 0;  ///< bytes of the file that hold them
};

/// A truncation, as the cartridge's log is told of it.
struct TruncatedAt {
    std::uint32_t partition = 0;
    std::uint64_t object = 0;  ///< objects from here on are gone
};

/// One atomic change of a cartridge's segments (truncation, seal and successor, blank).
struct SegmentChange {
    std::vector<std::uint64_t> removed;  ///< numbers
    /// Rows with the same number get these values. Whether they are stored stays as it is, and
    /// what has left the spool does not come back.
    std::vector<SegmentRecord> replaced;
    std::vector<SegmentRecord> added;
    std::optional<std::vector<std::uint64_t>> partitions;  ///< their new capacities: a format
    std::optional<TruncatedAt> truncated;                  ///< of no account where it is a format
};

/// A value of a ValueStore.
struct NamedValue {
    std::string name;
    Bytes value;
};

/// The owner of the values of a cartridge, which go with it.
[[nodiscard]] std::string value_owner(CartridgeId id);

/// Where a cartridge goes, and the storage or import/export element it then came from.
struct CartridgeMove {
    CartridgeId id = 0;
    Element destination;
    std::optional<Element> source;
};

class ArchiveCatalog;

class Catalog {
  public:
    Catalog() = default;
    Catalog(const Catalog&) = delete;
    Catalog& operator=(const Catalog&) = delete;
    virtual ~Catalog() = default;

    /// Opens or creates the database, migrates an older schema step by step, refuses a newer one or
    /// a damaged one by name. Errors: corrupt, unsupported, io, denied, busy (another process has
    /// it).
    [[nodiscard]] static Result<std::unique_ptr<Catalog>> open(const std::filesystem::path& file);

    /// The value kept under a name (library identity, serial numbers); unset: nothing.
    virtual Result<std::optional<std::string>> property(const std::string& name) = 0;
    virtual Result<void> set_property(const std::string& name, const std::string& value) = 0;

    /// In order of barcode.
    virtual Result<std::vector<CartridgeRecord>> cartridges(const std::string& library) = 0;
    /// Of every library, also of those that are no longer configured: recovery must spare their
    /// files.
    virtual Result<std::vector<CartridgeRecord>> all_cartridges() = 0;
    virtual Result<CartridgeRecord> cartridge(CartridgeId id) = 0;
    /// record.id is ignored; the result has it. Errors: already_exists (barcode or element taken).
    virtual Result<CartridgeRecord> add_cartridge(const CartridgeRecord& record) = 0;
    /// Adds all of them or none, in one transaction.
    virtual Result<std::vector<CartridgeRecord>> add_cartridges(
        const std::vector<CartridgeRecord>& records) = 0;
    /// Removes the cartridge, its rows and its values; the caller removes the files afterwards.
    virtual Result<void> remove_cartridge(CartridgeId id) = 0;
    /// All moves or none, in one transaction; one may go to where another comes from. A move into a
    /// drive counts as a load. Errors: precondition (destination taken), not_found.
    virtual Result<void> move_cartridges(const std::vector<CartridgeMove>& moves) = 0;
    Result<void> move_cartridge(CartridgeId id, Element destination,
                                std::optional<Element> source) {
        return move_cartridges({{id, destination, source}});
    }
    virtual Result<void> set_write_protected(CartridgeId id, bool on) = 0;
    virtual Result<void> set_damaged(CartridgeId id, bool on) = 0;
    /// What hosts wrote and read in the life of the cartridge; the counters never go back.
    virtual Result<void> note_usage(const std::string& medium_serial, std::uint64_t bytes_written,
                                    std::uint64_t bytes_read) = 0;

    /// In order of partition, then first_object. A full cartridge has 281,000: see
    /// visit_segments().
    virtual Result<std::vector<SegmentRecord>> segments(CartridgeId id) = 0;
    /// One by one, in order of number, which in each partition is that of first_object. `visit`
    /// must not call the catalog.
    using SegmentVisitor = std::function<void(const SegmentRecord&)>;
    virtual Result<void> visit_segments(CartridgeId id, const SegmentVisitor& visit) = 0;
    /// Those whose file is not at rest, in order of partition, then first_object. One of them may
    /// be stored all the same (and says sealed): it was stored from a file that is perhaps torn.
    virtual Result<std::vector<SegmentRecord>> unsealed_segments(CartridgeId id) = 0;
    /// The numbers of those that have a file in the spool; ascending.
    virtual Result<std::vector<std::uint64_t>> spooled_segments(CartridgeId id) = 0;
    virtual Result<void> change_segments(CartridgeId id, const SegmentChange& change) = 0;
    /// The capacities of the partitions, in bytes; empty: one, of the capacity of the cartridge.
    virtual Result<std::vector<std::uint64_t>> partitions(CartridgeId id) = 0;

    /// What a logical unit or a cartridge remembers (ValueStore); in order of name.
    virtual Result<std::vector<NamedValue>> values(const std::string& owner) = 0;
    /// An empty value is removed.
    virtual Result<void> set_value(const std::string& owner, const std::string& name,
                                   ByteView value) = 0;

    /// What it knows of the object repository; lives as long as the catalog.
    [[nodiscard]] virtual ArchiveCatalog& archive() = 0;
};

}  // namespace tapeloft::media
