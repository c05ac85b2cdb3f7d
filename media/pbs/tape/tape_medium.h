// A cartridge as the reader of Proxmox Backup Server's tapes sees it: tape files of records, by
// number. Partition 0, without a drive.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/cartridge/tape_layout.h"

namespace tapeloft::media {

/// One call at a time.
class TapeMedium {
  public:
    TapeMedium() = default;
    TapeMedium(const TapeMedium&) = delete;
    TapeMedium& operator=(const TapeMedium&) = delete;
    virtual ~TapeMedium() = default;

    [[nodiscard]] virtual const std::string& barcode() const = 0;
    /// All tape files, in order.
    virtual Awaitable<Result<std::vector<TapeFileExtent>>> files() = 0;
    /// Records [first, first + count) of a tape file: all, or fewer (at least one), as where one
    /// cannot be read or the file ends. Errors, all of record `first`: corrupt, io, not_found
    /// (there is no such record), unsupported (encrypted by a drive); cancelled (the cartridge is
    /// gone).
    virtual Awaitable<Result<std::vector<Buffer>>> read(std::uint64_t file, std::uint64_t first,
                                                        std::size_t count) = 0;

    /// Records [first, first + count) are probably read next; a medium that is far away may begin
    /// to fetch them, and keep them until the next call. Only a hint.
    virtual void will_read([[maybe_unused]] std::uint64_t file,
                           [[maybe_unused]] std::uint64_t first,
                           [[maybe_unused]] std::size_t count) {}

    /// Where pieces begin that whoever stored the tape file keeps apart, in order: mostly the
    /// entries of a chunk archive. Only a hint; none: nothing is known. Errors: as read().
    virtual Awaitable<Result<std::vector<RecordCut>>> cuts([[maybe_unused]] std::uint64_t file) {
        co_return std::vector<RecordCut>();
    }
};

}  // namespace tapeloft::media
