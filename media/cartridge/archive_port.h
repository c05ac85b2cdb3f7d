// What a tape on the spool asks of the archive behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/cartridge/stored_reader.h"
#include "media/catalog/catalog.h"

namespace tapeloft::media {

/// What is said where a cartridge cannot be read for now. expected: 0: not known.
[[nodiscard]] Error archived_error(const std::string& barcode, std::chrono::seconds expected);
/// "5 min", "12 h": no less than it is.
[[nodiscard]] std::string duration_in_words(std::chrono::seconds time);

/// A file that nothing names any more but the number of the segment it was.
struct SpareFile {
    std::uint64_t number = 0;
    std::uint64_t length = 0;
};

/// Any thread, unless it says otherwise; outlives every tape.
class ArchivePort {
  public:
    ArchivePort() = default;
    ArchivePort(const ArchivePort&) = delete;
    ArchivePort& operator=(const ArchivePort&) = delete;
    virtual ~ArchivePort() = default;

    [[nodiscard]] virtual std::unique_ptr<StoredReader> reader(
        const CartridgeRecord& cartridge) = 0;

    /// Segments became complete or sealed, or the tape was cut: there is work.
    virtual void wake() noexcept = 0;

    /// The segment, complete and not sealed yet, is in the store: it needs no fdatasync any more.
    [[nodiscard]] virtual bool is_stored(CartridgeId cartridge, std::uint64_t segment) const = 0;
    /// Waits for that where it saves the disk a second write of the same bytes: the store is on a
    /// disk of this machine and takes them. Blocks for some seconds at most.
    virtual void wait_stored(CartridgeId cartridge, std::uint64_t segment) = 0;
    /// A tape that was open is not any more; nobody asks is_stored() of it.
    virtual void closed(CartridgeId cartridge) = 0;

    /// The archive is about to remove the segment's file, or keeps it as a spare, and gives its
    /// bytes back. For a row that the caller has just removed from the catalog.
    [[nodiscard]] virtual bool is_leaving(CartridgeId cartridge, std::uint64_t segment) const = 0;

    /// A file of a segment of the cartridge that has left the spool (is_stored(), where it was not
    /// sealed): it was kept, and belongs to the caller from now on, to be written over. Nothing:
    /// there is none. Once it was asked, files of the cartridge are kept (SpareFiles::kMax at
    /// most), until drop_spares() or pass_on_spares().
    virtual std::optional<SpareFile> take_spare(CartridgeId cartridge) = 0;
    /// Removes those that were kept. False: there was none. Blocks.
    virtual bool drop_spares(CartridgeId cartridge) = 0;
    /// Gives those that were kept to the spool's pool. The caller has none of them open. Blocks.
    virtual void pass_on_spares(CartridgeId cartridge) = 0;

    /// Every promise is to be kept by the store, not by the disk (durability "cloud").
    [[nodiscard]] virtual bool promises_need_store() const noexcept = 0;
    /// Returns when the store has all that the catalog has of the cartridge now: sealed segments,
    /// cuts, state. Errors: as those of the store, once its patience (below the time-out of a
    /// host's command) is over; cancelled (the daemon ends).
    virtual Awaitable<Result<void>> store_all(CartridgeId cartridge) = 0;

    /// Has recalled what the store has archived of the cartridge, and returns how long that takes
    /// at most from now on; 0: nothing of it is archived, as far as is known.
    virtual Awaitable<std::chrono::seconds> recall(CartridgeId cartridge) = 0;
    /// Part of the cartridge was asked for and cannot be read yet.
    [[nodiscard]] virtual bool is_recalling(CartridgeId cartridge) const = 0;

    /// Returns true when `bytes` may be taken from the spool's budget, false when its patience is
    /// over. What is to leave the spool must be sealed before.
    virtual Awaitable<bool> wait_for_room(std::uint64_t bytes) = 0;
};

}  // namespace tapeloft::media
