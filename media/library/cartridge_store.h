// The cartridges of one library: created, deleted, moved and opened. What the catalog says is the
// truth; every change is durable when its coroutine returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/event_log.h"
#include "cloud/base/result.h"
#include "cloud/base/value_store.h"

#include "media/cartridge/block_io.h"
#include "media/catalog/catalog.h"
#include "media/library/lent_cartridge.h"

namespace tapeloft::media {

inline constexpr std::uint64_t kCartridgeCapacityMin = 16ULL * 1024 * 1024;  ///< bytes

/// Where the records of a cartridge live. spool_tapes.h is the real one.
class TapeProvider {
  public:
    TapeProvider() = default;
    TapeProvider(const TapeProvider&) = delete;
    TapeProvider& operator=(const TapeProvider&) = delete;
    virtual ~TapeProvider() = default;

    /// Opens the tape at BOP; Tape::close() ends it, before which it cannot be opened again.
    /// Errors: corrupt, io, no_space.
    virtual Awaitable<Result<std::unique_ptr<Tape>>> open(CartridgeRecord cartridge) = 0;
    /// As ArchivePort::recall() and is_recalling(); where there is no archive, nothing is archived.
    virtual Awaitable<std::chrono::seconds> recall(CartridgeId cartridge);
    [[nodiscard]] virtual bool is_recalling(CartridgeId /*cartridge*/) const { return false; }
    /// Removes the files of a cartridge that the catalog no longer has. Errors: io.
    virtual Awaitable<Result<void>> discard(CartridgeRecord cartridge) = 0;
};

/// A cartridge to be put into a drive.
struct OpenCartridge {
    CartridgeRecord record;
    std::unique_ptr<Tape> tape;          ///< null: a cleaning cartridge, or unreadable
    std::shared_ptr<ValueStore> memory;  ///< what is kept with it
    std::optional<Error> unreadable;  ///< why: unsupported (a newer format), corrupt, io, no_space
    std::chrono::seconds readable_in{0};  ///< at most: archived in the store, and asked for
    /// Part of it cannot be read yet. Any thread; never null.
    std::function<bool()> becoming_ready = [] { return false; };
};

struct NewCartridge {
    std::string barcode;                    ///< see barcode.h
    std::optional<std::uint64_t> capacity;  ///< bytes, kCartridgeCapacityMin or more; unset: native
    Element element;
    bool worm = false;  ///< also if the barcode does not say so
};

/// Every call may come from any executor, which its coroutine resumes on; blocking work runs on the
/// disk executor. The catalog, provider and event log must outlive the store.
class CartridgeStore {
  public:
    struct Settings {
        std::string library;  ///< name; cartridges of other libraries are invisible here
        Executor disk;        ///< where the catalog may block
    };

    CartridgeStore(Settings settings, Catalog& catalog, TapeProvider& tapes, EventLog& events);

    [[nodiscard]] const std::string& library() const noexcept { return settings_.library; }

    /// All cartridges, in order of barcode. Errors: io, corrupt.
    Awaitable<Result<std::vector<CartridgeRecord>>> list();

    /// The write protect switch, for the next time it is opened. Errors: not_found, io.
    Awaitable<Result<void>> set_write_protected(CartridgeId id, bool on);

    /// Creates a blank cartridge with a new medium serial. Errors: invalid_argument (barcode,
    /// capacity, element), already_exists (barcode or element taken), io.
    Awaitable<Result<CartridgeRecord>> create(NewCartridge request);

    /// Creates all of them or none. Errors: as create().
    Awaitable<Result<std::vector<CartridgeRecord>>> create_all(std::vector<NewCartridge> requests);

    /// Deletes the cartridge and its data for good. Errors: not_found, precondition (it is in a
    /// drive).
    Awaitable<Result<void>> remove(CartridgeId id);

    /// A move into a drive counts as a load. Errors: precondition (destination taken), not_found,
    /// io.
    Awaitable<Result<void>> move(CartridgeId id, Element destination,
                                 std::optional<Element> source);

    /// All of them or none; one may go to where another comes from. Errors: as move().
    Awaitable<Result<void>> move_all(std::vector<CartridgeMove> moves);

    /// Keeps what hosts wrote and read in the cartridge's life up to now; lower numbers than
    /// those known change nothing. Errors: not_found, io.
    Awaitable<Result<void>> note_usage(std::string medium_serial, std::uint64_t bytes_written,
                                       std::uint64_t bytes_read);

    /// What a drive needs of it. A tape that cannot be opened is no error: a cartridge can be moved
    /// about whatever it holds. Errors: io (of the catalog).
    Awaitable<Result<OpenCartridge>> open(CartridgeRecord cartridge);

    /// Opens it for somebody who reads it beside the drives; it is not in one, and is not being put
    /// into one. open() and remove() take it back. Errors: busy (it is lent already, or archived in
    /// the store: it was asked for then), unsupported
    /// (it has no tape, or a newer format), corrupt, io, no_space.
    Awaitable<Result<std::shared_ptr<LentCartridge>>> lend(CartridgeRecord cartridge);
    /// The reader needs it no more. The last kKeptOpen of them stay open, as a reader mostly comes
    /// again at once, and to open one costs what its segments cost; whoever wants one gets it.
    Awaitable<void> give_back(std::shared_ptr<LentCartridge> lent);
    static constexpr std::size_t kKeptOpen = 2;
    /// Closes those that nobody has read since the last call.
    Awaitable<void> close_unused();
    /// The end: closes all that nobody reads.
    Awaitable<void> close_all_unused();

    /// At the first start of a library: creates the cartridges, if this was never done, in storage
    /// elements 0, 1, ...; afterwards it does nothing, whatever was deleted meanwhile. `slots`:
    /// number of storage elements. Errors: invalid_argument, precondition (more cartridges than
    /// slots), io.
    struct Population {
        std::string barcodes;                   ///< as expand_barcodes() takes them
        std::optional<std::uint64_t> capacity;  ///< bytes; unset: native
        bool worm = false;                      ///< also if the barcodes do not say so
    };
    Awaitable<Result<void>> populate_once(std::vector<Population> populations, std::uint32_t slots);

  private:
    enum class LoanState : std::uint8_t { in_use, kept_open, closing };
    struct Loan {
        std::shared_ptr<LentCartridge> cartridge;
        LoanState state = LoanState::in_use;
        std::uint64_t given_back = 0;  ///< when; counts up
        bool was_unused = false;       ///< at the last close_unused()
    };

    Awaitable<void> recall(CartridgeId id);
    Awaitable<std::shared_ptr<LentCartridge>> kept_open(CartridgeId id);
    Awaitable<void> end_loan(std::shared_ptr<LentCartridge> lent);
    Awaitable<void> end_loans(std::vector<std::shared_ptr<LentCartridge>> loans);

    Settings settings_;
    Catalog& catalog_;
    TapeProvider& tapes_;
    EventLog& events_;
    std::mutex mutex_;
    std::map<CartridgeId, Loan> lent_;  ///< by mutex_
    std::uint64_t given_back_ = 0;      ///< likewise
};

}  // namespace tapeloft::media
