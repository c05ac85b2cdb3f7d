// A file or block device that an archive is written to, in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cloud/base/descriptor.h"

#include "media/pbs/store/restore.h"

namespace tapeloft::vtl::cli {

/// Blocks. A new file stays sparse where there are zeros; a block device gets them too. A file has
/// another name until finish(), ".NAME.tapeloft-part" beside it, and goes with this before that;
/// one that a process left behind that was killed is written over.
class ImageFile final : public media::RandomSink {
  public:
    /// Opens the block device, which must be long enough, or begins the file, which must not be
    /// there. Errors: already_exists (also: another process writes it), precondition (also: it has
    /// no folder; its file system has no files so large), no_space, io, denied.
    [[nodiscard]] static Result<std::unique_ptr<ImageFile>> open(std::string path,
                                                                 std::uint64_t size);
    ~ImageFile() override;

    Result<void> write(std::uint64_t offset, ByteView bytes) override;
    /// All of it is durable, and has its name. Errors: already_exists, io, no_space.
    [[nodiscard]] Result<void> finish();

  private:
    explicit ImageFile(std::string path) : path_(std::move(path)) {}
    Result<void> open_device(std::uint64_t size);
    Result<void> begin_file(std::uint64_t size);
    Result<void> give_name();

    const std::string path_;
    std::string part_;  ///< empty: a device, or done
    Descriptor descriptor_;
};

}  // namespace tapeloft::vtl::cli
