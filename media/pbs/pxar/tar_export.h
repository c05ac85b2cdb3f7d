// Files of a pxar archive as a tar stream.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cloud/base/awaitable.h"
#include "cloud/base/bytes.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/restore_report.h"
#include "media/pbs/pxar/selection_walk.h"

namespace tapeloft::media {

class ByteSink {
  public:
    ByteSink() = default;
    ByteSink(const ByteSink&) = delete;
    ByteSink& operator=(const ByteSink&) = delete;
    virtual ~ByteSink() = default;

    /// All of bytes, behind what came before.
    virtual Awaitable<Result<void>> write(ByteView bytes) = 0;
};

/// Once. A tar header promises the length of what follows, so a file is read whole before it is
/// begun, and then again. So a damaged one is left out and reported, and no byte of the stream is
/// made up. Sockets are left out, chattr flags and quota projects too.
///
/// Memory: the directories above the present file, the report.
class TarExport {
  public:
    static constexpr std::size_t kPiece = 8UL * 1024 * 1024;  ///< asked for at once

    TarExport(PxarReader& reader, PathSelection selection, ByteSink& sink);

    /// To the end mark of the tar stream. Errors: the sink's; the archive's other than damage;
    /// those of PxarWalk::next(); corrupt (a file that was sound could not be read again). The
    /// stream ends in the middle then.
    Awaitable<Result<void>> run();
    /// Also after an error.
    [[nodiscard]] const RestoreReport& report() const noexcept { return report_; }

  private:
    Awaitable<Result<void>> take(PxarEvent event);
    Awaitable<Result<void>> take_file(PxarEntry file);
    Awaitable<Result<void>> check(const PxarEntry& file);
    Awaitable<Result<void>> write_data(const PxarEntry& file);
    Awaitable<Result<ByteView>> piece(const PxarEntry& file, std::uint64_t offset);
    Awaitable<Result<void>> write_header(const PxarEntry& entry);

    PxarReader& reader_;
    SelectionWalk walk_;
    ByteSink& sink_;
    RestoreReport report_;
};

}  // namespace tapeloft::media
