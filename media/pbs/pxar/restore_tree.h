// Makes files below one directory, and nowhere else. Blocks; no call throws.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cloud/base/bytes.h"
#include "cloud/base/descriptor.h"
#include "cloud/base/result.h"

#include "media/pbs/pxar/pxar_entry.h"
#include "media/pbs/pxar/restore_attributes.h"

namespace tapeloft::media {

/// A file that is being made. Where nothing but zeros is to be written there will be a hole. It has
/// its name from finish() on, so that nobody takes a half for a whole; on a file system that knows
/// no files without names, from the beginning.
class RestoredFile {
  public:
    /// folder: stays open as long as this.
    RestoredFile(Descriptor descriptor, std::string path, int folder, bool is_named)
        : descriptor_(std::move(descriptor)),
          path_(std::move(path)),
          folder_(folder),
          is_named_(is_named) {}

    /// Errors: no_space, io.
    Result<void> write(std::uint64_t offset, ByteView bytes);
    /// Comes last: the length, the name, then apply_attributes(). Errors: those of RestoreTree.
    Result<std::vector<AttributeProblem>> finish(const PxarEntry& entry);
    [[nodiscard]] bool is_named() const noexcept { return is_named_; }

  private:
    Result<void> write_all(std::uint64_t offset, ByteView bytes);
    Result<void> give_name(const PxarEntry& entry);

    Descriptor descriptor_;
    std::string path_;
    int folder_;
    bool is_named_;
};

/// Every name is opened by itself, in its directory that is held open, and no symbolic link is
/// followed. Nothing that is there is changed, except that a directory may be there already.
///
/// Errors of all calls: already_exists, denied, invalid_argument (a name or a number the file
/// system does not take; a link where a directory should be): these cost one entry. no_space, io.
///
/// Memory and descriptors: kOpenMax directories.
class RestoreTree {
  public:
    static constexpr std::size_t kOpenMax = 128;

    /// The directory is made if it is missing (its parent exists).
    static Result<RestoreTree> open(const std::filesystem::path& target);

    /// True: it was made.
    Result<bool> enter(std::string_view name);
    /// Out of the present directory. attributes: given to it before; none: it stays as it is.
    Result<std::vector<AttributeProblem>> leave(const PxarEntry* attributes);
    /// Attributes of the target itself.
    std::vector<AttributeProblem> apply_to_root(const PxarEntry& root);

    Result<RestoredFile> create_file(std::string_view name);
    /// Takes away what there is of a file that create_file() made.
    Result<void> discard(const RestoredFile& file, std::string_view name);
    /// Symbolic link, device, fifo, socket.
    Result<std::vector<AttributeProblem>> create_other(const PxarEntry& entry);
    /// target: the path of a file from the root of this tree. Errors: not_found too.
    Result<void> create_link(std::string_view name, const std::string& target);

  private:
    struct Level {
        std::string name;
        Descriptor descriptor;  ///< closed where many others are open
        std::uint64_t device = 0;
        std::uint64_t inode = 0;
    };

    RestoreTree() = default;
    Result<Level> open_directory(int parent, std::string_view name) const;
    [[nodiscard]] Result<Descriptor> open_parent(const std::string& target) const;
    Result<void> reopen();
    [[nodiscard]] int here() const { return levels_.back().descriptor.get(); }
    [[nodiscard]] std::string path_of(std::string_view name) const;

    std::string target_;
    std::vector<Level> levels_;  ///< the root first
};

}  // namespace tapeloft::media
