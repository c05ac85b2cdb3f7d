// catalog.pcat1: the names, sizes and times of all files of a snapshot's archives.
//
//   0         magic 91 fd 60 f9 c4 67 58 d5
//   ...       directory blocks, children before their parents
//   end - 8   position of the root's block, u64 little-endian
//
// A block is a length, then as many bytes: a count, then so many entries: type letter, length of
// the name, name; for 'd' the distance back to the child's block; for 'f' size and mtime. Numbers
// are varints of 7 bits, low ones first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cloud/base/awaitable.h"
#include "cloud/base/result.h"

#include "media/pbs/byte_source.h"
#include "media/pbs/pxar/find_filter.h"
#include "media/pbs/pxar/source_window.h"

namespace tapeloft::media {

/// An entry of a directory block.
struct CatalogFile {
    ListedFile file;
    std::uint64_t block = 0;  ///< of a directory: where its block is
};

/// Through the entries of one block, in their order. The window must outlive it.
class CatalogCursor {
  public:
    static Awaitable<Result<CatalogCursor>> open(SourceWindow& window, std::uint64_t block,
                                                 std::string path);
    /// None: that was all. Paths begin with the path that open() was given. Errors: corrupt, the
    /// source's.
    Awaitable<Result<std::optional<CatalogFile>>> next();

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

  private:
    CatalogCursor(SourceWindow& window, std::uint64_t block, std::string path)
        : window_(&window), block_(block), at_(block), path_(std::move(path)) {}
    Awaitable<Result<std::uint64_t>> number();
    Awaitable<Result<std::int64_t>> signed_number();
    /// As many of the next bytes as there are.
    Awaitable<Result<ByteView>> ahead(std::size_t size);
    [[nodiscard]] Error corrupt(std::string_view what) const;

    SourceWindow* window_;
    std::uint64_t block_;
    std::uint64_t at_;
    std::uint64_t end_ = 0;
    std::uint64_t left_ = 0;  ///< entries
    std::string path_;
};

/// The source must outlive it; one call at a time.
class CatalogReader {
  public:
    static constexpr std::uint64_t kHeldMax = 64ULL * 1024 * 1024;

    explicit CatalogReader(ByteSource& source) : window_(source) {}

    /// Comes first. Errors: corrupt, the source's.
    Awaitable<Result<void>> open();
    /// The first component is the archive ("root.pxar.didx"); "" has the archives. Errors:
    /// not_found, precondition (not a directory), corrupt, the source's.
    Awaitable<Result<CatalogCursor>> directory(std::string path);

    /// To go through everything below `path` with next_of_all(), directories before what is in
    /// them. Errors: as directory().
    Awaitable<Result<void>> begin(std::string path);
    /// None: the end. Memory: a cursor and a path for each directory above, kHeldMax of paths at
    /// most. Errors: corrupt (also where blocks are in more than one directory, as that might go on
    /// almost without end), the source's.
    Awaitable<Result<std::optional<ListedFile>>> next_of_all();

  private:
    SourceWindow window_;
    std::uint64_t root_ = 0;
    std::vector<CatalogCursor> cursors_;
    std::uint64_t told_ = 0;  ///< entries
    std::uint64_t held_ = 0;  ///< bytes of the cursors' paths
};

}  // namespace tapeloft::media
