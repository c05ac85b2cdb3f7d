// A file or block device that an archive is written to, in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "media/pbs/store/restore.h"

namespace tapeloft::vtl::cli {

/// Blocks. A new file stays sparse where there are zeros; a block device gets them too.
class ImageFile final : public media::RandomSink {
  public:
    /// Makes the file, which must not be there, or opens the block device, which must be long
    /// enough. Errors: already_exists, precondition, no_space, io, denied.
    [[nodiscard]] static Result<std::unique_ptr<ImageFile>> open(std::string path,
                                                                 std::uint64_t size);
    ~ImageFile() override;

    Result<void> write(std::uint64_t offset, ByteView bytes) override;
    /// All of it is durable. Errors: io, no_space.
    [[nodiscard]] Result<void> sync() const;

  private:
    ImageFile(std::string path, int descriptor, bool is_device)
        : path_(std::move(path)), descriptor_(descriptor), is_device_(is_device) {}

    const std::string path_;
    const int descriptor_;
    const bool is_device_;
};

}  // namespace tapeloft::vtl::cli
