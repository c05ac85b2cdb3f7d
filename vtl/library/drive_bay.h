// A drive as its changer sees it: a bay into which a cartridge is put and out of which it is taken.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/cartridge/block_io.h"
#include "media/library/cartridge_store.h"

#include "vtl/scsi/task.h"

namespace tapeloft::vtl::library {

/// As in the INQUIRY data of the drive; reported by READ ELEMENT STATUS with DVCID (SMC-3, 6.11).
struct DriveIdentity {
    std::string vendor;   ///< at most 8 characters
    std::string product;  ///< at most 16
    std::string serial;   ///< exactly 10, as in VPD page 80h
};

/// What comes out of a drive.
struct RemovedCartridge {
    std::unique_ptr<media::Tape> tape;  ///< null: it has none
    std::uint64_t bytes_written = 0;    ///< by hosts while it was in the drive
    std::uint64_t bytes_read = 0;
};

/// The calls may be awaited on any executor; the drive works on its own strand, and the caller
/// resumes on its own. The changer has at most one of them under way for a drive. A task that the
/// drive is running ends first.
class DriveBay {
  public:
    DriveBay() = default;
    DriveBay(const DriveBay&) = delete;
    DriveBay& operator=(const DriveBay&) = delete;
    virtual ~DriveBay() = default;

    [[nodiscard]] virtual DriveIdentity identity() const = 0;

    /// Puts a cartridge in and threads it: the drive becomes ready, and every I_T nexus but `mover`
    /// gets unit attention 06/28/00. One that cannot be read, or cleans, comes in as well. After an
    /// error the drive is as empty as before, and the tape has been destroyed. Errors: unsupported
    /// (the drive cannot read this generation), precondition (it has a cartridge already), corrupt,
    /// io.
    virtual Awaitable<Result<void>> insert(media::OpenCartridge cartridge,
                                           std::optional<scsi::ItNexusId> mover) = 0;

    /// Makes everything durable, unloads, and gives the tape back; works also when the cartridge
    /// was unloaded by the host already. Errors: precondition (PREVENT ALLOW MEDIUM REMOVAL is in
    /// force), not_found (no cartridge in it), io, no_space, corrupt (it could not be made
    /// durable). After any of them but not_found the cartridge is still in the drive.
    virtual Awaitable<Result<RemovedCartridge>> remove() = 0;
};

}  // namespace tapeloft::vtl::library
